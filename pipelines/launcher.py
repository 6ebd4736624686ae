"""Launching: one submission to an engine, watched to its end where it was waited for."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import apache_beam as beam

from connectors.errors import ConfigurationError, RepositoryError, SyncError
from connectors.processes.model import Launch, ProcessState
from connectors.processes.use_cases import end_process
from connectors.repository.repository import Repository
from pipelines.holders import this_process
from pipelines.options import THREADS, Engine
from pipelines.sync import build_sync
from transforms.elements import SyncRequest
from transforms.outcomes import WriteOutcomes

log = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
TICK_SECONDS = 0.2
CANCELLED_WITHIN_SECONDS = 45.0
"""How long an interrupted launcher waits for requests under way (their time-out is 35 s)."""


def new_launch(engine: Engine) -> Launch:
    """A launch of this OS process; only an in-process engine makes it the holder."""
    return Launch(
        id=uuid4().hex,
        runner=engine.runner,
        holder=this_process() if engine.in_process else None,
    )


def refuse_local_repository(repository_url: str, engine: Engine) -> None:
    """SQLite is a file of this machine: a remote engine's workers would each see another."""
    if repository_url.startswith("sqlite") and not engine.in_process:
        raise ConfigurationError(
            f"repository {repository_url!r} is a local file and --runner={engine.runner} runs "
            "elsewhere; use postgresql:// or mongodb:// for it",
            code="usage",
        )


@dataclass(frozen=True)
class Ended:
    """How a launch ended here: `error` is the job's own failure, `interrupted` the user's wish."""

    error: str | None = None
    interrupted: bool = False
    waited: bool = True


class Launcher:
    """Runs requests on an engine; closes what it waited for in every case."""

    def __init__(self, repository_ref: str, repository: Repository, engine: Engine) -> None:
        self._repository_ref = repository_ref
        self._repository = repository
        self._engine = engine

    def run(
        self,
        requests: Sequence[SyncRequest],
        *,
        launch: Launch,
        outcomes: str | None = None,
        wait: bool = True,
        on_tick: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Submit and, unless told otherwise, wait.

        KeyboardInterrupt (and whatever a SIGTERM handler raises as one) cancels the processes of
        the launch and waits for requests under way; a second one stops at once. The job runs on a
        thread of its own, so that signals reach this one.
        """
        job = _Job(lambda: self._submit(requests, outcomes, wait))
        interrupted = False
        try:
            self._watch(job, launch, on_tick if wait else lambda: None)
        except KeyboardInterrupt:
            interrupted = True
            self._close(requests, ProcessState.CANCELLED, "interrupted at the launcher")
            job.join(CANCELLED_WITHIN_SECONDS)
        if not wait and job.error is None and not interrupted:
            return Ended(waited=False)
        if job.error is not None and not interrupted:
            log.debug("the job failed", exc_info=job.error)
            if isinstance(job.error, RepositoryError):
                raise job.error
        failure = _sentence(job.error) if job.error is not None else None
        reason = f"the job failed: {failure}" if failure else "the job ended early"
        self._close(requests, ProcessState.ERROR, reason)
        return Ended(error=None if interrupted else failure, interrupted=interrupted)

    def _watch(self, job: _Job, launch: Launch, on_tick: Callable[[], None]) -> None:
        beaten = float("-inf")
        job.start()
        while not job.join(TICK_SECONDS):
            if time.monotonic() - beaten >= BEAT_SECONDS:
                self._beat(launch)
                beaten = time.monotonic()
            on_tick()

    def _beat(self, launch: Launch) -> None:
        try:
            self._repository.heartbeats.beat(launch.id, "launcher", {})
        except RepositoryError as error:  # the next beat may come through; the job goes on
            log.warning("heartbeat of launch %s not written: %s", launch.id, error)

    def _submit(self, requests: Sequence[SyncRequest], outcomes: str | None, wait: bool) -> None:
        keys = len({request.settings.quo.api_key for request in requests})
        options = self._engine.pipeline_options(threads=max(THREADS, 2 * keys))
        pipeline = beam.Pipeline(options=options)
        upserted = build_sync(pipeline, requests, self._repository_ref)
        if outcomes:
            upserted | "Write outcomes" >> WriteOutcomes(outcomes)
        result = pipeline.run()
        if wait:
            result.wait_until_finish()

    def _close(self, requests: Sequence[SyncRequest], state: ProcessState, reason: str) -> None:
        """End what is still active; what the job ended itself stays as it is."""
        for request in requests:
            process = self._repository.processes.find_by_id(request.process_id)
            if process is not None and process.is_active:
                end_process(self._repository, process, state, reason, code="launcher")


class _Job:
    """A function on a daemon thread, with what it raised."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """True when it has ended or never began.

        Waits for an event: an interrupted Thread.join takes a thread that runs for one that ended.
        """
        return self._thread.ident is None or self._over.wait(seconds)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # whatever ends the job is told by the launcher
            self.error = error
        finally:
            self._over.set()


_OURS = re.compile(r"connectors\.errors\.\w+: (.+)")


def _sentence(error: BaseException) -> str:
    """What to tell of a failed job.

    An engine hands on the text of what a worker raised; the last error of our family in it speaks.
    Of any other only the kind is told: its text may hold personal data.
    """
    if isinstance(error, SyncError):
        return error.message
    ours = _OURS.findall(str(error))
    return (
        ours[-1]
        if ours
        else f"{type(error).__name__} in the engine or a worker; see it with --debug"
    )
