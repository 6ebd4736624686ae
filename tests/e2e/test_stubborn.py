"""What never works: each costs its minute of patience, one page or one person, and nothing else."""

from __future__ import annotations

import pytest

from connectors.processes.model import Outcomes, ProcessState
from tests.e2e.driver import Job, integration
from tests.e2e.truth import assert_accounts_agree, assert_in_step

BROKEN = {
    "down": (21, {"kind": "status", "status": 503}, "answered"),
    "mute": (22, {"kind": "reset"}, "tried"),
    "babel": (23, {"kind": "html"}, "tried"),
}
"""Integration → page size (which tells its requests apart), fault, a word of the reason."""


@pytest.mark.timeout(240)
def test_one_launch_with_everything_that_never_works(job: Job) -> None:
    """Three CRM accounts, and in a fourth three persons with whom Quo always has a trouble."""
    sizes = {id: size for id, (size, _, _) in BROKEN.items()} | {"fine": 24}
    job.configure(*(integration(job.sandbox, id, page_size=size) for id, size in sizes.items()))
    for size, rule, _ in BROKEN.values():
        query = f"limit={size}(&|$)"
        job.control.fault(dialect="pipedrive", path="/persons$", query=query, **rule)
    ours = {"dialect": "quo", "method": "POST"}
    troubles = {
        "person-5": {"kind": "status", "status": 500},
        "person-6": {"kind": "status", "status": 409},
        "person-7": {"kind": "hang", "seconds": 40, "times": 1},  # longer than we listen
    }
    for id, rule in troubles.items():
        job.control.fault(body=f'"{id}","source":"fine"', **ours, **rule)
    job.run(expect=1)
    assert all(fault["struck"] for fault in job.control.faults())

    for id, (_, _, word) in BROKEN.items():
        assert job.newest(id).state is ProcessState.ERROR
        (error,) = job.report(id)["results"]["aggregateData"]["errors"]
        assert word in error["message"]
        assert assert_accounts_agree(job, id).total == 0
    assert job.newest("fine").state is ProcessState.COMPLETED
    assert assert_accounts_agree(job, "fine") == Outcomes(created=58, failed=2)
    letters = job.repository.dead_letters.of_process(job.newest("fine").id)
    assert {letter.external_id: letter.code for letter in letters} == {
        "person-5": "server_error",
        "person-6": "conflict",
    }
    assert_in_step(job, "fine", absent=["person-5", "person-6"])

    job.count_from_here()
    job.run()
    for id in BROKEN:
        assert_in_step(job, id)
        assert assert_accounts_agree(job, id) == Outcomes(created=60)
