"""Laws of the room that kernels write to: nothing outside of it, whatever is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.kernels.draws import start_state
from embedry.kernels.sampling import bags, cbow, sgns
from embedry.kernels.sampling.bags import Bags, train_bags
from embedry.kernels.sampling.plainbags import train_bags_plain
from embedry.kernels.sampling.plan import SkipGram
from embedry.kernels.simd import aligned, padded

KINDS = ["cbow", "cbow of subwords", "skipgram", "skipgram of subwords"]
FENCE, FAR = 256, 1 << 44
POST = -7777


class Fenced:
    """NumPy and `aligned`, which leave numbers around each array that must stay as they are.

    Room for whole numbers is filled with offsets far outside of all tables: one that is used
    before it is written ends the process.
    """

    def __init__(self):
        self.fenced = []

    def __getattr__(self, name):
        return getattr(np, name)

    def full(self, shape, value, dtype=np.int64):
        size = int(np.prod(shape))
        room = np.full(size + 2 * FENCE, POST, dtype)
        room[FENCE : FENCE + size] = value
        self.fenced.append((room, size))
        return room[FENCE : FENCE + size].reshape(shape)

    def empty(self, shape, dtype=float):
        return self.full(shape, FAR if dtype == np.int64 else 0, dtype)

    def ones(self, shape, dtype):
        return self.full(shape, 1, dtype)

    def aligned(self, rows, dims):
        return self.full((rows, padded(dims)), 0, np.float32)

    def check(self):
        for room, size in self.fenced:
            assert (room[:FENCE] == POST).all()
            assert (room[FENCE + size :] == POST).all()
        assert self.fenced


def bags_of(kind, words, rows, rng, longest=1, positions=32):
    if "subwords" not in kind:
        return Bags(kind)
    lists = [rng.integers(0, rows, rng.integers(1, longest + 1)) for _ in range(words)]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    rows = np.concatenate(lists).astype(np.int32)
    return Bags(kind.split()[0], offsets, rows, positions)


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Compile each kernel with the real NumPy, which Numba looks up while it compiles."""
    rng = np.random.default_rng(0)
    plan = SkipGram(np.full(3, 2**32 - 1, np.uint32), np.arange(3, dtype=np.int32), 3)
    for kind in KINDS:
        text = np.arange(3, dtype=np.int32), np.array([0, 3]), 0, 1
        tables = aligned(3, 16), aligned(4, 16)
        train_bags(*tables, *text, plan, start_state(rng), bags_of(kind, 3, 3, rng))


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    words=st.sampled_from([1, 2, 3, 30, 200]),
    dims=st.sampled_from([1, 15, 16, 17, 48, 70]),
    lengths=st.lists(st.integers(0, 100) | st.sampled_from([2000]), min_size=1, max_size=4),
    rows=st.sampled_from([1, 5, 50]),
    longest=st.sampled_from([1, 30, 250]),
    window=st.sampled_from([1, 2, 10, 49, 50]),
    negative=st.integers(1, 50),
    positions=st.sampled_from([1, 2, 3, 31, 32, 33, 1023, 1024]),
    batch=st.sampled_from([2, 8, 20]),
)
def test_train_bags_writes_nothing_outside_its_room(
    kind, seed, words, dims, lengths, rows, longest, window, negative, positions, batch
):
    """No array around is touched, and where that is quick to see, the plain kernel agrees."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = rng.integers(0, words, offsets[-1]).astype(np.int32)
    plan = SkipGram(
        rng.integers(0, 2**32, words).astype(np.uint32),
        rng.integers(0, words, rng.integers(1, 100)).astype(np.int32),
        max(1, int(offsets[-1])),
        window=window,
        negative=negative,
        learning_rate=0.001,
        batch=batch,
    )
    made = bags_of(kind, words, rows, rng, longest, positions)
    fenced = Fenced()
    count = rows if made.of_subwords else words
    table, contexts = fenced.aligned(count, dims), fenced.aligned(words + 1, dims)
    table[:, :dims] = rng.normal(size=(count, dims)) / 3 / np.sqrt(dims)
    contexts[:-1, :dims] = rng.normal(size=(words, dims)) / 3 / np.sqrt(dims)
    state = start_state(rng)
    plain = table.copy(), contexts.copy(), state.copy()
    text = (tokens, offsets, 0, len(lengths))
    with pytest.MonkeyPatch.context() as patch:
        for module in (bags, cbow, sgns):
            patch.setattr(module, "np", fenced)
            patch.setattr(module, "aligned", fenced.aligned, raising=False)
        counts = train_bags(table, contexts, *text, plan, state, made)
    fenced.check()
    assert np.isfinite(table).all()
    assert not contexts[-1].any()
    if offsets[-1] * window * negative < 10_000:
        assert train_bags_plain(*plain[:2], *text, plan, plain[2], made) == counts
        np.testing.assert_array_equal(plain[2], state)
        np.testing.assert_allclose(table, plain[0], atol=1e-4)
        np.testing.assert_allclose(contexts, plain[1], atol=1e-4)
