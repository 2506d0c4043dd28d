"""How many threads a call may use.

The number is passed to each call and never set for the process.
"""

from __future__ import annotations

import operator
import os
from threading import Event
from typing import TYPE_CHECKING

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run_in_threads", "thread_count"]


def thread_count(threads: int | None) -> int:
    """Return how many threads to use.

    Parameters
    ----------
    threads : int or None
        At least 1; None means the cores this process may use, capped by ``OMP_NUM_THREADS``.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InputError
        If ``threads`` is not None or an int of at least 1.

    Examples
    --------
    >>> thread_count(2)
    2
    """
    if threads is None:
        return max(1, min(_cores(), _openmp_cap()))
    if isinstance(threads, bool) or not hasattr(threads, "__index__") or threads < 1:
        raise InputError(
            f"threads must be None or at least 1; got {threads!r}. None takes all cores allowed."
        )
    return operator.index(threads)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _openmp_cap() -> int:
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(text) if text.isdecimal() and int(text) > 0 else _cores()


def run_in_threads(tasks: Sequence[Callable[[Event], object]]) -> None:
    """Run the tasks at the same time, one thread each, and wait for all.

    A single task runs in the calling thread.

    Parameters
    ----------
    tasks : sequence of callables
        Work that releases the GIL, such as compiled kernels. Each is given an event; long work
        looks now and then whether it is set, and then ends early.

    Raises
    ------
    BaseException
        The first error of a task, or Ctrl-C, once all have ended; the event is set at once.
    """
    stop = Event()
    if len(tasks) <= 1:
        for task in tasks:
            task(stop)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(tasks)) as pool:
        try:
            for future in [pool.submit(task, stop) for task in tasks]:
                future.result()
        except BaseException:
            stop.set()
            raise
