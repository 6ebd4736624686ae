"""Benchmarks of the whole command against the sandbox; prints figures and ratios of one run.

    python -m tests.benchmarks [speed] [cpu] [requests] [limit] [memory] [start]

Without names all of them run (about 15 minutes). The sandbox answers like the real services: CRM
after 50 ms, Quo after 20 ms; it runs in a process of its own that is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.sandbox.process import SandboxProcess
from connectors.sandbox.settings import Settings
from tests.benchmarks.measure import Run, run

SECRETS = {"BENCH_QUO_KEY": "sandbox-quo-key", "BENCH_CRM_TOKEN": "sandbox-crm-token"}
COMMAND = [str(Path(sys.executable).with_name("quo-sync"))]
CRM_MS, QUO_MS = 50, 20
REPEATS = 3


class Bench:
    """One sandbox and one folder with a configuration and a repository."""

    def __init__(self, sandbox: SandboxProcess, folder: Path) -> None:
        self.sandbox = sandbox
        self.persons = sandbox.settings.persons
        self.config = folder / "quo-sync.yaml"
        self.configure()

    def configure(
        self, *, rate: float | None = None, sources: tuple[str, ...] = ("bench",)
    ) -> None:
        quo = {"api_key": "env:BENCH_QUO_KEY", "base_url": self.sandbox.quo_url}
        self.sources = len(sources)
        integrations = [
            {
                "id": source,
                "user_id": "bench",
                "crm": "pipedrive",
                "crm_options": {
                    "base_url": self.sandbox.crm_url("pipedrive"),
                    "burst_per_2s": 1_000_000,
                    "daily_tokens": 1_000_000_000,
                },
                "crm_credentials": {"api_token": "env:BENCH_CRM_TOKEN"},
                "quo": {**quo, "source": source, "requests_per_second": rate},
            }
            for source in sources
        ]
        settings = {"repository": "sqlite:///bench.db", "integrations": integrations}
        self.config.write_text(json.dumps(settings))  # JSON is YAML

    def sync(self, *beam: str) -> Run:
        return self._run(*(["--", *beam] if beam else []))

    def full_again(self) -> Run:
        return self._run("--mode", "initial")

    def _run(self, *arguments: str) -> Run:
        done = run([*COMMAND, "run", "--config", str(self.config), *arguments], SECRETS)
        held = self.sandbox.control.stats()["quo"]
        wanted = self.persons * self.sources
        if held["contacts"] != wanted or held["creations"] != wanted:
            sys.exit(f"{held['creations']} creations instead of {wanted}:\n{done.output}")
        return done

    def yardstick(self) -> Run:
        urls = [self.sandbox.crm_url("pipedrive"), self.sandbox.quo_url]
        return run([sys.executable, "-m", "tests.benchmarks.yardstick", *urls], SECRETS)


@contextmanager
def bench(persons: int, **settings: object) -> Iterator[Bench]:
    latencies = {"crm_latency_ms": CRM_MS, "quo_latency_ms": QUO_MS}
    values = Settings.model_validate({"persons": persons, "log_size": 0, **latencies, **settings})
    with SandboxProcess(values) as sandbox, tempfile.TemporaryDirectory() as folder:
        yield Bench(sandbox, Path(folder))


def speed() -> None:
    """Wall time of new persons against the yardstick, process start included."""
    for persons, target in ((5_000, 1.2), (20_000, 1.05)):
        ratios = []
        for _ in range(REPEATS):
            with bench(persons) as plain:
                script = plain.yardstick()
            with bench(persons) as ours:
                sync = ours.sync()
            ratios.append(sync.wall / script.wall)
            print(f"  {persons:>6} new: {sync.wall:.2f} s, script {script.wall:.2f} s")
        print(
            f"speed {persons}: {statistics.median(ratios):.2f} times the script (at most {target})"
        )


def cpu() -> None:
    """CPU time of our process tree per person, start-up (an empty run) subtracted."""
    persons = 20_000
    with bench(0) as nothing:
        start = nothing.sync().cpu
    print(f"cpu start-up: {start:.2f} s")
    with bench(persons) as ours:
        new = ours.sync().cpu
        again = ours.full_again().cpu
    _per_person("new person", new - start, persons, 1.0)
    _per_person("unchanged person", again - start, persons, 0.15)
    with bench(persons) as limited:
        limited.configure(rate=100_000)
        _per_person("new person with a limit", limited.sync().cpu - start, persons, 1.3)


def _per_person(what: str, seconds: float, persons: int, target: float) -> None:
    print(f"cpu {what}: {seconds / persons * 1000:.3f} ms (at most {target})")


def requests() -> None:
    """Requests to Quo per 1,000 persons: new, again, and a delta of 1 % changed."""
    persons = 5_000
    with bench(persons) as ours:
        counts = [_quo_requests(ours, ours.sync) for _ in range(2)]
        changed = list(range(1, persons + 1, 100))
        ours.sandbox.control.edit_people(changed, job_title="Director")
        time.sleep(2)  # a run reads up to the second in which it begins, and not that second
        writes_before = _writes(ours)
        counts.append(_quo_requests(ours, ours.sync))
        writes = _writes(ours) - writes_before
        full = _quo_requests(ours, ours.full_again)
    print(f"requests new: {counts[0] / persons * 1000:.1f} per 1,000 (at most 1,006)")
    print(f"requests second run: {counts[1]}; full read again: {full} (at most 1 listing)")
    print(f"requests delta of 1 %: {writes / persons * 1000:.1f} writes per 1,000 (at most 12)")


def _quo_requests(bench: Bench, work: Callable[[], Run]) -> int:
    before = _total(bench)
    work()
    return _total(bench) - before


def _total(bench: Bench) -> int:
    return int(bench.sandbox.control.stats()["totals"].get("quo", 0))


def _writes(bench: Bench) -> int:
    quo = bench.sandbox.control.stats()["quo"]
    return int(quo["creations"] + quo["patches"])


def limit() -> None:
    """Share of an enforced limit that is used from the first to the last write, and its 429s."""
    _limited("10/s", 10, 620)
    _limited("100/s", 100, 6_200)
    _limited("10/s, 4 worker processes", 10, 620, "--direct_running_mode=multi_processing")
    _limited("10/s, two integrations on one key", 10, 310, sources=("one", "two"))


def _limited(
    what: str, rate: int, persons: int, *beam: str, sources: tuple[str, ...] = ("bench",)
) -> None:
    workers = ("--direct_num_workers=4",) if beam else ()
    with bench(persons, quo_rate=rate) as ours:
        ours.configure(rate=rate, sources=sources)
        ours.sync(*beam, *workers)
        stats = ours.sandbox.control.stats()
    seconds = _span(stats["quo"]["first_write"], stats["quo"]["last_write"])
    used = (stats["quo"]["creations"] - 1) / seconds / rate
    refused = stats["throttled"]["quo"] / stats["totals"]["quo"]
    print(
        f"limit {what}: {used:.1%} used over {seconds:.0f} s (at least 95 %), "
        f"{refused:.2%} refused (at most 0.5 %)"
    )


def _span(first: str, last: str) -> float:
    from connectors.clock import parse_time

    return (parse_time(last) - parse_time(first)).total_seconds()


def memory() -> None:
    """Peak memory of all our processes at 50,000 persons against 5,000."""
    peaks = {}
    for persons in (5_000, 50_000):
        with bench(persons) as ours:
            peaks[persons] = ours.sync().peak_mb
        print(f"  {persons:>6}: {peaks[persons]:.0f} MB")
    ratio = peaks[50_000] / peaks[5_000]
    print(f"memory: {ratio:.2f} times (at most 1.15), {peaks[50_000]:.0f} MB (at most 220)")


def start() -> None:
    """Seconds of `--help` and `status`, medians."""
    with bench(50) as ours:
        ours.sync()
        status = [*COMMAND, "status", "--config", str(ours.config)]
        _median_wall("--help", [*COMMAND, "--help"], 0.5)
        _median_wall("status", status, 1.0)


def _median_wall(what: str, command: list[str], target: float) -> None:
    seconds = statistics.median(run(command, SECRETS).wall for _ in range(5))
    print(f"start {what}: {seconds:.2f} s (at most {target})")


BENCHMARKS: dict[str, Callable[[], None]] = {
    scenario.__name__: scenario for scenario in (start, requests, cpu, memory, speed, limit)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME")
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        BENCHMARKS[name]()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
