import os
from collections.abc import Iterator

import pytest

from bus_toolkit.batch.pool import Pool

LETHAL, ODD = 13, -1


def start(_: str) -> None:
    pass


def work(number: int) -> int:
    if number == LETHAL:
        os._exit(9)
    return number * number


def lost(number: int) -> int:
    assert number == LETHAL
    return ODD


def pool(jobs: int) -> Pool[int, int]:
    return Pool(work=work, start=start, start_args=("x",), lost=lost, jobs=jobs)


def test_in_this_process() -> None:
    assert list(pool(0).run(range(5))) == [0, 1, 4, 9, 16]


@pytest.mark.slow
def test_no_task_is_lost_when_a_worker_dies() -> None:
    def endless() -> Iterator[int]:
        yield from range(30)

    done = sorted(pool(2).run(endless()))
    assert done == sorted(ODD if number == LETHAL else number * number for number in range(30))
