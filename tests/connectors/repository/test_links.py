"""Links: a page is one bulk read and one bulk write, each over the version that was read."""

from __future__ import annotations

from dataclasses import replace

from connectors.processes.model import OutcomeKind
from connectors.repository.links import Link
from connectors.repository.repository import Repository


def a_link(external_id: str, **changes: object) -> Link:
    link = Link(
        integration_id="acme-pipedrive",
        external_id=external_id,
        quo_id=f"quo-{external_id}",
        fingerprint="f1",
        root_id="root-1",
        range_id="window-1",
        page=3,
        outcome=OutcomeKind.CREATED,
        source_time=1_772_366_400_000,
        base='{"id": "quo-1"}',
    )
    return replace(link, **changes)  # type: ignore[arg-type]


def test_page_of_links_comes_back_in_one_read(repository: Repository) -> None:
    links = [a_link(f"person-{n}", page=n) for n in range(500)]
    links.append(a_link("person-500", source_time=None, base=None))
    assert repository.links.write(links) == set()
    ids = [link.external_id for link in links]
    found = repository.links.read("acme-pipedrive", [*ids, "person-unknown"])
    assert found == {link.external_id: replace(link, version=1) for link in links}


def test_links_of_another_integration_are_not_ours(repository: Repository) -> None:
    repository.links.write([a_link("person-1"), a_link("person-1", integration_id="zenith")])
    assert set(repository.links.read("acme-pipedrive", ["person-1"])) == {"person-1"}
    assert repository.links.read("nobody", ["person-1"]) == {}
    assert repository.links.read("acme-pipedrive", []) == {}


def test_write_over_the_version_read_moves_it_on(repository: Repository) -> None:
    repository.links.write([a_link("person-1")])
    read = repository.links.read("acme-pipedrive", ["person-1"])["person-1"]
    newer = replace(read, fingerprint="f2", outcome=OutcomeKind.UPDATED)
    assert repository.links.write([newer]) == set()
    again = repository.links.read("acme-pipedrive", ["person-1"])["person-1"]
    assert again == replace(newer, version=2)


def test_write_over_a_stale_version_is_refused_and_named_and_the_others_stand(
    repository: Repository,
) -> None:
    repository.links.write([a_link("person-1"), a_link("person-2")])
    read = repository.links.read("acme-pipedrive", ["person-1", "person-2"])
    repository.links.write([replace(read["person-1"], fingerprint="by somebody else")])
    mine = [replace(link, fingerprint="mine") for link in read.values()]
    mine.append(a_link("person-3", fingerprint="mine"))
    assert repository.links.write(mine) == {"person-1"}
    found = repository.links.read("acme-pipedrive", ["person-1", "person-2", "person-3"])
    assert {id: link.fingerprint for id, link in found.items()} == {
        "person-1": "by somebody else",
        "person-2": "mine",
        "person-3": "mine",
    }


def test_link_that_another_made_first_is_refused(repository: Repository) -> None:
    repository.links.write([a_link("person-1", fingerprint="first")])
    assert repository.links.write([a_link("person-1", fingerprint="second")]) == {"person-1"}
    found = repository.links.read("acme-pipedrive", ["person-1"])
    assert found["person-1"].fingerprint == "first"


def test_deleted_links_are_gone(repository: Repository) -> None:
    repository.links.write([a_link("person-1"), a_link("person-2")])
    repository.links.delete("acme-pipedrive", ["person-1"])
    found = repository.links.read("acme-pipedrive", ["person-1", "person-2"])
    assert set(found) == {"person-2"}


def test_nothing_to_write_is_no_write(repository: Repository) -> None:
    assert repository.links.write([]) == set()


def test_contact_of_a_person_is_not_in_the_repr() -> None:
    assert "Lovelace" not in repr(a_link("person-9", base='{"lastName": "Lovelace"}'))
