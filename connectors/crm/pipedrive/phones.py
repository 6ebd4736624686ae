"""Persons by phone number: Pipedrive's search proposes, an exact comparison decides.

The search (https://developers.pipedrive.com/docs/api/v1/Persons, v2 search) matches parts of
numbers and lags behind edits, so its first hit may be another person's; and it does not find a
number saved without its country code by one with it, so the national number is tried second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connectors.crm.model import Person
from connectors.crm.pipedrive.api import SEARCH, V2, call, envelope
from connectors.crm.pipedrive.contacts import contact_draft
from connectors.crm.pipedrive.options import SEARCHES_PER_2S
from connectors.crm.pipedrive.persons import PersonReader
from connectors.http.client import HttpClient
from connectors.http.exchange import Request

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_MOST_HITS = 100


class PhoneBook:
    """Finds the persons who have exactly one number among their phones."""

    def __init__(self, http: HttpClient, reader: PersonReader, burst_per_2s: float) -> None:
        self._http = http
        self._reader = reader
        self._burst_units = max(1.0, burst_per_2s / SEARCHES_PER_2S)

    def find(self, phone: str) -> list[Person]:
        """Persons with this E.164 number, as their records now stand; none for no number."""
        wanted = _parse(phone, None)
        if wanted is None:
            return []
        for term in (phone, str(wanted.national_number)):
            hits = [
                str(item["id"])
                for item in self._search(term)
                if any(_same(text, wanted) for text in item.get("phones") or ())
            ]
            persons = [one for one in self._reader.by_ids(hits) if _has(one, wanted)]
            if persons:
                return persons
        return []

    def _search(self, term: str) -> list[dict[str, Any]]:
        params = {"term": term, "fields": "phone", "limit": _MOST_HITS}
        found = envelope(self._http.send(self._request(params)))["data"] or {}
        items = [hit.get("item") for hit in found.get("items") or ()]
        return [item for item in items if isinstance(item, dict) and item.get("id") is not None]

    def _request(self, params: dict[str, Any]) -> Request:
        """Searches have a limit of their own, the same on every plan: a share of the burst."""
        plain = call("GET", f"{V2}/persons/search", SEARCH, params=params)
        return replace(plain, cost={**plain.cost, "burst": self._burst_units})


def _has(person: Person, wanted: PhoneNumber) -> bool:
    phones = contact_draft(person, "").phones
    return not person.deleted and any(_same(phone.value, wanted) for phone in phones)


def _same(text: str | None, wanted: PhoneNumber) -> bool:
    """Whether a number as someone typed it is the wanted one, read as a national one if need be."""
    from phonenumbers import region_code_for_country_code

    found = _parse(text, region_code_for_country_code(wanted.country_code or 0))
    return found is not None and (found.country_code, found.national_number) == (
        wanted.country_code,
        wanted.national_number,
    )


def _parse(text: str | None, region: str | None) -> PhoneNumber | None:
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        number = parse(text or "", region)
    except NumberParseException:
        return None
    return number if is_possible_number(number) else None
