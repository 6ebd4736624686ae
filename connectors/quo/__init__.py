"""Quo's public HTTP API, v1."""
