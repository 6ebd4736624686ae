"""The yardstick: the plain script that a good engineer would write for one afternoon's sync.

Four threads read windows of persons from Pipedrive, sixteen write contacts to Quo, synchronous
httpx, no limit, no memory of what it did, no retries, no merge: it creates every person once.

    python -m tests.benchmarks.yardstick CRM_URL QUO_URL
"""

from __future__ import annotations

import itertools
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

READERS, WRITERS, PAGE = 4, 16, 500


def main(crm_url: str, quo_url: str) -> None:
    contacts: queue.Queue[dict | None] = queue.Queue(maxsize=4 * PAGE)
    crm = httpx.Client(headers={"x-api-token": "sandbox-crm-token"}, timeout=35)
    quo = httpx.Client(headers={"Authorization": "sandbox-quo-key"}, timeout=35)

    def read(window: tuple[str | None, str | None]) -> None:
        params = {"limit": PAGE, "sort_by": "update_time"}
        params |= {"updated_since": window[0]} if window[0] else {}
        params |= {"updated_until": window[1]} if window[1] else {}
        while True:
            answer = crm.get(f"{crm_url}/api/v2/persons", params=params).json()
            names = companies(answer["data"])
            for person in answer["data"]:
                contacts.put(contact(person, names))
            cursor = (answer.get("additional_data") or {}).get("next_cursor")
            if not cursor:
                return
            params["cursor"] = cursor

    def companies(people: list[dict]) -> dict[int, str]:
        ids = sorted({person["org_id"] for person in people if person["org_id"]})
        names: dict[int, str] = {}
        for start in range(0, len(ids), 100):
            chunk = ",".join(map(str, ids[start : start + 100]))
            answer = crm.get(f"{crm_url}/api/v2/organizations", params={"ids": chunk}).json()
            names |= {org["id"]: org["name"] for org in answer["data"]}
        return names

    def write() -> None:
        while (body := contacts.get()) is not None:
            quo.post(f"{quo_url}/v1/contacts", json=body).raise_for_status()

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(read, windows(crm, crm_url)))
    for _ in writers:
        contacts.put(None)
    for writer in writers:
        writer.join()


def windows(crm: httpx.Client, crm_url: str) -> list[tuple[str | None, str | None]]:
    """One window per reader, cut where the update times of every fourth of the ids lie."""
    cuts: list[str] = []
    newest = crm.get(
        f"{crm_url}/api/v2/persons",
        params={"limit": 1, "sort_by": "id", "sort_direction": "desc"},
    ).json()["data"]
    if newest:
        quarter = newest[0]["id"] // READERS
        ids = ",".join(str(quarter * n) for n in range(1, READERS) if quarter)
        if ids:
            people = crm.get(f"{crm_url}/api/v2/persons", params={"ids": ids}).json()["data"]
            cuts = sorted({person["update_time"][:19] + "Z" for person in people})
    edges = [None, *cuts, None]
    return list(itertools.pairwise(edges))


def contact(person: dict, companies: dict[int, str]) -> dict:
    return {
        "defaultFields": {
            "firstName": person["first_name"] or person["name"],
            "lastName": person["last_name"],
            "company": companies.get(person["org_id"]),
            "role": person.get("job_title"),
            "phoneNumbers": [
                {"name": phone["label"], "value": phone["value"]}
                for phone in person["phones"]
                if phone["value"]
            ],
            "emails": [
                {"name": email["label"], "value": email["value"]}
                for email in person["emails"]
                if email["value"]
            ],
        },
        "externalId": f"person-{person['id']}",
        "source": "yardstick",
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
