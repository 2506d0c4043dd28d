"""Laws of BPR's steps: the compiled pass does what the plain one does."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels.recommend.bpr import BLOCK, GROUP, bitmap_size, train
from embedry.kernels.recommend.plainbpr import train_plain
from embedry.kernels.simd import aligned

few = settings(max_examples=40, deadline=None)
problems = st.fixed_dictionaries(
    {
        "users": st.integers(1, 40),
        "items": st.integers(1, 60),
        "dims": st.integers(1, 150),
        "share": st.floats(0, 1),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def table(generator, rows, dims):
    found = aligned(rows, dims)
    found[:, :dims] = generator.normal(scale=0.3, size=(rows, dims))
    return found


def problem(users=30, items=50, dims=20, share=0.2, seed=0):
    """Random tables and pairs, in the order in which `train` takes them."""
    generator = np.random.default_rng(seed)
    used = generator.random((users, items)) < share
    indptr = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
    tables = [table(generator, rows, dims) for rows in (users, items)]
    order = generator.permutation(users)
    return [*tables, indptr, np.nonzero(used)[1].astype(np.int32), order]


def copied(rows):
    found = aligned(*rows.shape)
    found[:] = rows
    return found


def ran(arrays, how=train, rate=0.1, regularization=0.01, seed=5):
    """Train copies; return them, the state, and what was learned."""
    users, items, *rest = arrays
    users, items, state = copied(users), copied(items), np.array([seed], np.uint64)
    return users, items, state, how(users, items, *rest, rate, regularization, state)


@given(problems)
@few
def test_train_does_what_the_plain_pass_does(case):
    """The same draws, the same pairs, and the same vectors but for rounding."""
    arrays = problem(**case)
    found, plain = ran(arrays), ran(arrays, train_plain)
    for one, two in zip(found[:2], plain[:2], strict=True):
        np.testing.assert_allclose(one, two, atol=2e-5)
        assert not one[:, case["dims"] :].any()
    assert found[2:] == plain[2:]


def test_train_does_so_in_groups_and_blocks():
    """Histories that fill several groups, and one that is longer than a group."""
    generator = np.random.default_rng(1)
    items = 2 * GROUP
    sizes = [GROUP + 3, *generator.integers(0, 3 * BLOCK, 40), 0]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = [np.sort(generator.choice(items, size, replace=False)) for size in sizes]
    tables = table(generator, len(sizes), 5), table(generator, items, 5)
    order = generator.permutation(len(sizes))
    arrays = [*tables, indptr, np.concatenate(rows).astype(np.int32), order]
    found, plain = ran(arrays), ran(arrays, train_plain)
    for one, two in zip(found[:2], plain[:2], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    assert found[2:] == plain[2:]


def test_train_takes_each_pair_once_and_passes_few_over():
    """A user moves as often as there are used items, but for those whose other item was used."""
    share = 0.25
    arrays = problem(users=200, items=400, share=share)
    pairs = len(arrays[3])
    learned = ran(arrays)[3]
    assert 0.96 * (1 - share) * pairs < learned < 1.02 * (1 - share) * pairs


@given(st.integers(0, 2**32 - 1))
@few
def test_train_moves_no_used_item_down(seed):
    """What a user has used is never taken for what they have not: only the others fall."""
    arrays = problem(users=1, items=30, dims=1, share=0.7, seed=seed)
    users, items, _, indices, _ = arrays
    users[:, 0], items[:, 0] = 1, 0
    _, moved, _, _ = ran(arrays, regularization=0.0)
    unused = np.setdiff1d(np.arange(30), indices)
    assert (moved[indices, 0] >= 0).all()
    assert (moved[unused, 0] <= 0).all()


def test_train_learns_nothing_where_everything_is_used():
    """A user who used every item, and one who used none, stay where they are."""
    arrays = problem(users=3, items=20, share=1.1)
    found = ran(arrays)
    assert found[3] == 0
    np.testing.assert_array_equal(found[0], arrays[0])
    empty = problem(share=0.0)
    assert ran(empty)[3] == 0
    np.testing.assert_array_equal(ran(empty)[1], empty[1])


def test_train_lifts_what_was_used():
    """After some passes used items score above others for nearly all."""
    arrays = problem(users=60, items=40, dims=16, share=0.15)
    users, items, indptr, indices, order = arrays
    state = np.array([1], np.uint64)
    for _ in range(200):
        train(users, items, indptr, indices, order, 0.1, 0.001, state)
    scores = users @ items.T
    rows = np.repeat(np.arange(60), np.diff(indptr))
    used = np.zeros(scores.shape, bool)
    used[rows, indices] = True
    for own, mine in zip(scores, used, strict=True):
        if mine.any():
            assert own[mine].mean() > own[~mine].mean() + 1


def test_train_is_the_same_each_time():
    """The same state gives the same bytes; another state gives others; it is carried on."""
    arrays = problem()
    one, two, other = ran(arrays), ran(arrays), ran(arrays, seed=6)
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1].tobytes() == two[1].tobytes()
    assert one[1].tobytes() != other[1].tobytes()
    assert one[2][0] != 5


def test_train_in_threads_keeps_rows_finite():
    """Threads with users of their own share the items unlocked and lose at most a few moves."""
    users, items, indptr, indices, order = problem(users=400, items=50, dims=32)
    parts = np.array_split(order, 4)

    def work(part, seed):
        state = np.array([seed], np.uint64)
        return sum(train(users, items, indptr, indices, part, 0.05, 0.01, state) for _ in range(20))

    with ThreadPoolExecutor(4) as pool:
        learned = sum(pool.map(work, parts, range(4)))
    assert learned > 10 * len(indices)
    assert np.isfinite(users).all()
    assert np.isfinite(items).all()


def test_bitmap_has_room_for_each_pair():
    """At least 32 bits a pair, and a power of two."""
    for pairs in (1, 2, 1000, GROUP, GROUP + 1):
        bits = bitmap_size(pairs)
        assert 32 * pairs <= bits < 64 * pairs + 1
        assert bits & (bits - 1) == 0


WRONG = [
    (0, lambda users: users.astype(np.float64), "users must be"),
    (0, lambda users: users[:, :16], "users must be"),
    (1, lambda items: aligned(len(items), 40), "as wide as each other"),
    (1, lambda items: items[:0], "an item at least"),
    (2, lambda indptr: indptr[:-1].copy(), "indptr must be one longer"),
    (2, lambda indptr: indptr.astype(np.int32), "indptr must be"),
    (3, lambda indices: indices[1:].copy(), "end with the"),
    (4, lambda order: order + 1, "order must name rows"),
    (4, lambda order: order - 1, "order must name rows"),
    (4, lambda order: order.astype(np.int32), "order must be"),
]


@pytest.mark.parametrize("how", [train, train_plain])
@pytest.mark.parametrize(("place", "change", "words"), WRONG)
def test_train_refuses_what_it_would_misread(how, place, change, words):
    """Each array that does not fit is refused before a row moves."""
    arrays = problem()
    arrays[place] = change(arrays[place])
    with pytest.raises(InputError, match=words):
        how(*arrays, 0.1, 0.01, np.array([1], np.uint64))


@pytest.mark.parametrize(
    ("rate", "regularization"),
    [(0, 0), (-1, 0), (np.nan, 0), (np.inf, 0), (0.1, -1), (1, 1), (0.1, np.nan)],
)
def test_train_refuses_rates_that_would_turn_vectors_over(rate, regularization):
    """The step is above 0, and shrinks no vector below nothing."""
    with pytest.raises(InputError, match="rate must be above 0"):
        train(*problem(), rate, regularization, np.array([1], np.uint64))
