"""Laws of the best columns of each row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.best import best_columns, best_columns_plain

problems = st.fixed_dictionaries(
    {
        "rows": st.integers(0, 7),
        "columns": st.integers(1, 40),
        "levels": st.integers(1, 60),  # few levels: many ties
        "seed": st.integers(0, 2**32 - 1),
    }
)


def make_problem(rows, columns, levels, seed):
    """Return the arguments of `best_columns` up to k; some scores are minus infinity."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (rows, columns)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    seen = [rng.permutation(columns)[: rng.integers(0, columns + 1)] for _ in range(rows)]
    indptr = np.cumsum([0, *map(len, seen)])
    flat = np.concatenate([*seen, []]).astype(np.int32)
    return scores, rng.random(columns) < 0.8, indptr, flat


@given(problems, st.integers(1, 45))
@settings(max_examples=150, deadline=None)
def test_best_columns_are_those_of_a_sort(problem, k):
    """The same columns, order and scores as a stable sort of each row, ties included."""
    arguments = make_problem(**problem)
    for found, expected in zip(
        best_columns(*arguments, k), best_columns_plain(*arguments, k), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_best_columns_counted_by_hand():
    """The largest that are allowed and not seen; the earlier of two equal ones first."""
    scores = np.array([[5, 1, 3, 3, 9, 7], [1, 2, 3, 4, 9, 6]], np.float32)
    allowed = np.array([True, True, True, True, False, True])
    best, values = best_columns(
        scores, allowed, np.array([0, 1, 4]), np.array([0, 5, 3, 1], np.int32), 3
    )
    assert best.tolist() == [[5, 2, 3], [2, 0, -1]]
    assert values.tolist() == [[7, 3, 3], [3, 1, -np.inf]]


@pytest.mark.parametrize("function", [best_columns, best_columns_plain])
def test_best_columns_refuse_nan_that_counts(function):
    """NaN is refused, but for columns that the row may not have."""
    scores = np.array([[1, np.nan, 2], [1, 3, 2]], np.float32)
    open_, no_row = np.ones(3, bool), np.array([0, 0, 0])
    with pytest.raises(InputError, match="NaN"):
        function(scores, open_, no_row, np.array([], np.int32), 1)
    seen = function(scores, open_, np.array([0, 1, 1]), np.array([1], np.int32), 1)[0]
    assert seen.tolist() == [[2], [1]]
    closed = function(scores, np.array([True, False, True]), no_row, np.array([], np.int32), 1)[0]
    assert closed.tolist() == [[2], [2]]


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (0, np.ones((2, 3)), "scores"),
        (0, np.ones((3, 2), np.float32).T, "scores"),
        (1, np.ones(4, bool), "allowed"),
        (2, np.array([0, 1]), "indptr"),
        (2, np.array([0, 2, 1]), "indptr"),
        (2, np.array([0, 1, 9]), "indptr"),
        (2, np.array([-1, 1, 1]), "indptr"),
        (3, np.array([3], np.int32), "seen"),
        (3, np.array([-1], np.int32), "seen"),
        (4, 0, "k must be"),
    ],
)
def test_best_columns_refuse_what_would_leave_the_arrays(place, wrong, message):
    """Dtypes, layouts, shapes, offsets, columns and k are checked before the kernel runs."""
    arguments = [
        np.ones((2, 3), np.float32),
        np.ones(3, bool),
        np.array([0, 1, 1]),
        np.array([2], np.int32),
        2,
    ]
    arguments[place] = wrong
    with pytest.raises(InputError, match=message):
        best_columns(*arguments)
