"""How many threads a call may use."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from embedry import threads
from embedry.errors import InputError
from embedry.threads import run_in_threads, thread_count


@pytest.fixture
def eight_cores(monkeypatch):
    """A machine that lets this process use eight cores."""
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("1", 1),
        ("99", 8),
        ("2,4", 2),
        (" 2 ", 2),
        ("0", 8),
        ("-1", 8),
        ("", 8),
        ("two", 8),
        ("²", 8),
    ],
)
def test_thread_count_is_capped_by_the_environment(monkeypatch, text, expected):
    """None means the cores, at most OMP_NUM_THREADS where that is a number above 0."""
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert thread_count(None) == expected


@pytest.mark.usefixtures("eight_cores")
def test_thread_count_takes_what_is_asked_for():
    """A number that was passed is used, above the cores too."""
    assert thread_count(None) == 8
    assert thread_count(1) == 1
    assert thread_count(99) == 99


def test_thread_count_counts_the_cores_this_process_may_use():
    """Not those of the machine."""
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this platform does not tell which cores a process may use")
    assert 1 <= thread_count(None) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("number", [0, -1, 1.0, True, "2", np.float64(2)])
def test_thread_count_refuses_other_values(number):
    """Only None and ints of at least 1."""
    with pytest.raises(InputError, match="threads must be None or at least 1"):
        thread_count(number)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_run_in_threads_runs_each_task_once(count):
    """All have run when it returns."""
    done = []
    run_in_threads([lambda _stop, number=number: done.append(number) for number in range(count)])
    assert sorted(done) == list(range(count))


def test_run_in_threads_runs_at_the_same_time():
    """Tasks that wait for each other all get there."""
    barrier = threading.Barrier(4, timeout=30)
    run_in_threads([lambda _stop: barrier.wait()] * 4)


def test_run_in_threads_runs_a_single_task_where_it_was_called():
    """One task starts no thread."""
    seen = []
    run_in_threads([lambda _stop: seen.append(threading.current_thread())])
    assert seen == [threading.current_thread()]


@pytest.mark.parametrize("count", [1, 3])
def test_run_in_threads_raises_the_first_error_after_all_have_ended(count):
    """An error of one task is not lost, and does not stop the others."""
    done = []

    def wrong(_stop):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_in_threads([wrong] + [lambda _stop: done.append(1)] * (count - 1))
    assert len(done) == count - 1


def test_run_in_threads_tells_the_others_to_stop():
    """When one task fails, long work that looks at the event ends early."""

    def wrong(_stop):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_in_threads([wrong, lambda stop: stop.wait(timeout=30) or pytest.fail("never told")])
