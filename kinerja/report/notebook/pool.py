"""Many jobs, each in a fork of this warm process (or, where that is unsafe, in a pool of ordinary processes)."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from kinerja.process import FIXED
from kinerja.report.notebook import engine as kernels

Job = Mapping[str, Any]
Result = Mapping[str, Any]
Work = Callable[[Job], Result]

DIED = {"status": "failed", "cause": "the process ended before its report was written"}
LATE = {"status": "failed", "cause": "the report took longer than it may"}


def run_jobs(
    jobs: Sequence[Job], work: Work, *, workers: int, seconds: float = 1800.0, executor: Executor | None = None
) -> Iterator[tuple[int, Result]]:
    """Yield (index, result) as jobs end, in whatever order they end.

    jobs, results : mappings that JSON can hold
    work : a function of a module's top level; whatever it raises must already be in its result
    seconds : how long one job may take before its process is killed (forks only)
    executor : where to send the jobs instead (a cluster's); the caller closes it
    """
    if executor is not None:
        yield from _collected(executor, jobs, work)
    elif kernels.can_fork():
        yield from _forked(jobs, work, workers, seconds)
    else:
        os.environ.update(FIXED)  # inherited by the pool's processes
        with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool:
            yield from _collected(pool, jobs, work)


def _collected(executor: Executor, jobs: Sequence[Job], work: Work) -> Iterator[tuple[int, Result]]:
    futures: dict[Future[Result], int] = {executor.submit(work, dict(job)): k for k, job in enumerate(jobs)}
    for future in as_completed(futures):  # a cluster's executor gives ordinary futures too
        try:
            yield futures[future], future.result()
        except Exception as error:  # the worker died, or the cluster gave the job up
            yield futures[future], {**DIED, "cause": f"{DIED['cause']} ({type(error).__name__})"}


def _forked(jobs: Sequence[Job], work: Work, workers: int, seconds: float) -> Iterator[tuple[int, Result]]:
    """At most `workers` forks at a time; a fork that dies or takes too long is a failed job, never a lost one."""
    running: dict[int, _Fork] = {}
    waiting = list(enumerate(jobs))[::-1]
    try:
        while running or waiting:
            while waiting and len(running) < workers:
                index, job = waiting.pop()
                child, pipe = kernels.fork(lambda out, job=job: kernels.send(out, work(job)))  # type: ignore[misc]
                running[pipe] = _Fork(index=index, child=child, deadline=time.monotonic() + seconds)
            ready, _, _ = select.select(list(running), [], [], 0.5)
            for pipe in list(running):
                fork = running[pipe]
                # What has arrived counts, however late this process looks.
                late = pipe not in ready and time.monotonic() > fork.deadline
                if pipe not in ready and not late:
                    continue
                read = b"" if late else os.read(pipe, 1 << 20)
                fork.read += read
                if not read:
                    del running[pipe]
                    os.close(pipe)
                    kernels.end(fork.child, at_once=late)
                    yield fork.index, LATE if late else fork.result
    finally:  # the caller stopped listening (an interrupt): no process outlives it
        for pipe, fork in running.items():
            os.close(pipe)
            kernels.end(fork.child, at_once=True)


class _Fork:
    """One running job."""

    def __init__(self, *, index: int, child: int, deadline: float) -> None:
        self.index, self.child, self.deadline, self.read = index, child, deadline, b""

    @property
    def result(self) -> Result:
        try:
            found: Result = json.loads(self.read)
        except ValueError:
            return DIED
        return found
