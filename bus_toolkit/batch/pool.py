"""Work spread over processes, of which none may be lost, even when a decoder kills the process that runs it."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")

AHEAD = 2
"""Tasks handed out ahead for each worker: enough to keep it busy, few enough to redo after a crash."""


@final
@dataclass(frozen=True, kw_only=True)
class Pool(Generic[_Task, _Done]):
    """Runs ``work`` on tasks in ``jobs`` worker processes, or in this process when ``jobs`` is 0.

    ``start`` is called with ``start_args`` once in each process. ``lost`` makes the result of a task whose process
    died twice (crash of a decoder, out of memory); nothing else is ever made up. Order of results is free.
    """

    work: Callable[[_Task], _Done]
    start: Callable[..., None]
    start_args: tuple[object, ...]
    lost: Callable[[_Task], _Done]
    jobs: int

    def run(self, tasks: Iterable[_Task]) -> Iterator[_Done]:
        """Yield one result for each task."""
        if self.jobs == 0:
            self.start(*self.start_args)
            yield from map(self.work, tasks)
            return
        rest = iter(tasks)
        suspects: list[_Task] = []
        while True:
            suspects.clear()
            yield from self._until_broken(rest, suspects)
            if not suspects:
                return
            yield from self._one_by_one(suspects)

    def _executor(self, jobs: int) -> ProcessPoolExecutor:
        # A forked child would inherit threads and open handles of OpenCV and onnxruntime in an unknown state.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(jobs, mp_context=context, initializer=self.start, initargs=self.start_args)

    def _until_broken(self, rest: Iterator[_Task], suspects: list[_Task]) -> Iterator[_Done]:
        executor = self._executor(self.jobs)
        pending: dict[Future[_Done], _Task] = {}
        try:
            while True:
                for task in islice(rest, self.jobs * AHEAD - len(pending)):
                    try:
                        pending[executor.submit(self.work, task)] = task
                    except BrokenProcessPool:
                        suspects.append(task)
                        break
                if not pending:
                    return
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    task = pending.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        suspects.append(task)
                    else:
                        yield future.result()
                if suspects:
                    yield from _drain(pending, suspects)
                    return
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _one_by_one(self, suspects: list[_Task]) -> Iterator[_Done]:
        """With one task in flight, a process that dies tells which task kills it."""
        executor = self._executor(1)
        try:
            for task in suspects:
                try:
                    yield executor.submit(self.work, task).result()
                except BrokenProcessPool:
                    executor.shutdown(wait=True)
                    executor = self._executor(1)
                    yield self.lost(task)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _drain(pending: dict[Future[_Done], _Task], suspects: list[_Task]) -> Iterator[_Done]:
    """Take what a broken pool had finished all the same; the others become suspects."""
    for future, task in pending.items():
        if future.exception() is None:
            yield future.result()
        else:
            suspects.append(task)
