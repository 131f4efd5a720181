"""Work spread over processes, of which none may be lost, even when a decoder kills the process that runs it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, final

from bus_toolkit.errors import BusToolkitError

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

    Raises
    ------
    BusToolkitError
        While it runs, when worker processes cannot start at all, so that this is not taken for the inputs' fault.
        What ``work`` raises comes through as it is.
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
        return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(self.start, self.start_args))

    def _until_broken(self, rest: Iterator[_Task], suspects: list[_Task]) -> Iterator[_Done]:
        executor = self._executor(self.jobs)
        pending: dict[Future[_Done], _Task] = {}
        try:
            while True:
                for task in islice(rest, self.jobs * AHEAD - len(pending)):
                    try:
                        pending[_submit(executor, self.work, task)] = task
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
        executor = self._proven()
        try:
            for task in suspects:
                try:
                    yield _submit(executor, self.work, task).result()
                except BrokenProcessPool:
                    executor.shutdown(wait=True)
                    executor = self._proven()
                    yield self.lost(task)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _proven(self) -> ProcessPoolExecutor:
        """One worker that has come up: what kills it from now on is its task."""
        executor = self._executor(1)
        try:
            _submit(executor, _ready, None).result()
        except BrokenProcessPool:
            executor.shutdown(wait=True)
            msg = (
                "worker processes must be able to start. Got one that ended at once; work without them (jobs 0), and "
                "let a script call this under `if __name__ == '__main__'`"
            )
            raise BusToolkitError(msg) from None
        return executor


def _begin(start: Callable[..., None], start_args: tuple[object, ...]) -> None:
    """Begin a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(*start_args)


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its workers, and each holds the pipe open that it waits on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready(_: None) -> None:
    """Nothing; that it came back is the answer."""


def _submit(executor: ProcessPoolExecutor, work: Callable[[_Task], _Done], task: _Task) -> Future[_Done]:
    """Hand out a task, for which a worker process may be started, with ctrl-C held back in that.

    Ctrl-C goes to every process of a terminal. The parent alone shall answer it, while its workers finish what they
    hold; a process takes over what the thread that starts it holds back, so they are deaf to it from the first.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return executor.submit(work, task)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _drain(pending: dict[Future[_Done], _Task], suspects: list[_Task]) -> Iterator[_Done]:
    """Take what a broken pool had finished all the same; the others become suspects."""
    for future, task in pending.items():
        if future.exception() is None:
            yield future.result()
        else:
            suspects.append(task)
