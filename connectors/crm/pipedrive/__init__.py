"""Pipedrive (API v2, and v1 for notes, users and webhooks) behind the connector contract."""

from connectors.crm.pipedrive.connector import PipedriveConnector

__all__ = ["PipedriveConnector"]
