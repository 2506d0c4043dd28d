"""Laws of skip-gram training: the compiled kernel does what the plain one does."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels import compiler
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import keep_thresholds, negative_table, start_state
from embedry.kernels.sampling import sgns
from embedry.kernels.sampling.plainsgns import train_plain
from embedry.kernels.sampling.plan import SkipGram, check_ids, steady_batch
from embedry.kernels.sampling.sgns import train
from embedry.kernels.simd import aligned

KEEP_ALL = np.uint32(2**32 - 1)


@dataclasses.dataclass
class Case:
    """A small corpus and tables to train on it."""

    words: np.ndarray
    contexts: np.ndarray
    tokens: np.ndarray
    offsets: np.ndarray
    plan: SkipGram
    state: np.ndarray

    def run(self, how=train, first=0, last=None):
        """Train a copy; return its tables, its state and the counts."""
        words, contexts, state = self.words.copy(), self.contexts.copy(), self.state.copy()
        last = self.offsets.size - 1 if last is None else last
        counts = how(words, contexts, self.tokens, self.offsets, first, last, self.plan, state)
        return words, contexts, state, counts


def make(seed=0, words=20, dims=10, lengths=(30, 0, 1, 7), **plan):
    """Make a random case; ``plan`` overrides its settings."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = rng.integers(0, words, offsets[-1]).astype(np.int32)
    counts = np.bincount(tokens, minlength=words) + 1
    values = {
        "keep": keep_thresholds(counts, 0.05),
        "negatives": negative_table(counts, 0.75, rng, size=100),
        "total_tokens": max(1, int(offsets[-1])),
        "learning_rate": 0.05,
    }
    table, contexts = aligned(words, dims), aligned(words + 1, dims)
    table[:, :dims] = rng.normal(scale=0.3, size=(words, dims))
    contexts[:-1, :dims] = rng.normal(scale=0.3, size=(words, dims))
    plan = SkipGram(**(values | plan))
    return Case(table, contexts, tokens, offsets, plan, start_state(rng))


def hand_case(**plan):
    """Make a case of three words: the sentence 0 1, all kept, a step that stays the same."""
    case = make(words=3, dims=4, lengths=(2,))
    case.tokens[:] = [0, 1]
    values = {
        "keep": np.full(3, KEEP_ALL),
        "negatives": np.array([2], np.int32),
        "negative": 1,
        "min_learning_rate": 0.05,
    }
    case.plan = dataclasses.replace(case.plan, **(values | plan))
    return case


def logistic(score):
    return 1 / (1 + np.exp(-score))


def agree(left, right, tolerance=2e-5):
    """Assert that two runs drew the same and learnt the same."""
    np.testing.assert_array_equal(left[2], right[2])
    assert left[3] == right[3]
    np.testing.assert_allclose(left[0], right[0], atol=tolerance)
    np.testing.assert_allclose(left[1], right[1], atol=tolerance)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 30),
    dims=st.integers(1, 70),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    window=st.integers(1, 50),
    negative=st.integers(1, 13),
    done=st.integers(0, 200),
)
def test_train_equals_plain(seed, words, dims, lengths, window, negative, done):
    """On any corpus the kernel draws, counts and learns what plain NumPy does."""
    case = make(seed, words, dims, lengths, window=window, negative=negative)
    case.state[1] = done
    agree(case.run(train), case.run(train_plain))


@pytest.mark.parametrize("negative", [1, 5, 6, 11, 12, 50])
@pytest.mark.parametrize("window", [1, 2, 50])
@pytest.mark.parametrize("batch", [2, 8, 20])
def test_train_equals_plain_at_the_edges(window, negative, batch):
    """Groups of targets just full, just over, the largest window and most negatives, batches."""
    case = make(words=9, dims=17, lengths=(120, 3), window=window, negative=negative, batch=batch)
    agree(case.run(train), case.run(train_plain), tolerance=1e-4)


@pytest.mark.parametrize("dims", [1, 15, 16, 17, 512, 1023, 1024])
def test_train_equals_plain_for_any_dims(dims):
    """From one number a row to 1024, full lines and not."""
    case = make(words=15, dims=dims, lengths=(40,), negative=8)
    case.words /= np.sqrt(dims)
    case.contexts /= np.sqrt(dims)
    agree(case.run(train), case.run(train_plain), tolerance=1e-4)


@pytest.mark.parametrize("words", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("dims", [1, 4, 100])
@pytest.mark.parametrize("learning_rate", [0.025, 0.25])
def test_train_stays_steady_on_few_words(words, dims, learning_rate):
    """A long text of few words, the widest window, any rate: no vector runs away."""
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, words + 1)
    case = make(words=words, dims=dims, lengths=[100] * 400)
    case.tokens[:] = rng.choice(words, 40_000, p=shares / shares.sum())
    counts = np.bincount(case.tokens, minlength=words)
    keep = np.full(words, KEEP_ALL)
    case.plan = SkipGram(
        keep,
        negative_table(counts, 0.75, rng, size=1000),
        40_000,
        window=50,
        learning_rate=learning_rate,
        batch=steady_batch(counts, keep, learning_rate),
    )
    words, contexts, *_ = case.run()
    assert np.abs(words).max() < 20
    assert np.abs(contexts).max() < 20


def test_steady_batch_shrinks_with_the_share_of_a_word():
    """The more of the text one word is, once thinned out, and the higher the rate, the fewer."""
    keep = np.array([KEEP_ALL, KEEP_ALL], np.uint32)
    assert steady_batch(np.array([10, 990]), keep, 0.025) == 4
    assert steady_batch(np.array([10, 990]), np.array([KEEP_ALL, 0], np.uint32), 0.025) == 4
    assert steady_batch(np.array([10, 990]), keep, 0.25) == 2
    assert steady_batch(np.ones(100, np.int64), np.full(100, KEEP_ALL), 0.025) == 20
    assert steady_batch(np.ones(100, np.int64), np.full(100, KEEP_ALL), 0.0) == 20
    assert steady_batch(np.zeros(2, np.int64), keep, 0.025) == 20


def test_train_moves_vectors_as_the_paper_says():
    """One pair, one negative: each vector moves by rate * (label - logistic(dot)) * other."""
    case = hand_case()
    words, contexts = case.words.astype(float), case.contexts.astype(float)
    for centre, around in ((0, 1), (1, 0)):
        word, targets = words[around].copy(), contexts[[centre, 2]]
        steps = 0.05 * (np.array([1, 0]) - logistic(targets @ word))
        words[around] += steps @ targets
        contexts[[centre, 2]] += np.outer(steps, word)
    for how in (train, train_plain):
        learnt = case.run(how)
        np.testing.assert_allclose(learnt[0], words, atol=1e-6)
        np.testing.assert_allclose(learnt[1], contexts, atol=1e-6)
        assert learnt[3] == (2, 2)


def test_train_counts_a_repeated_negative_each_time():
    """A word drawn five times for one window moves five times as far as one drawn once."""
    moved = []
    for negative in (1, 5):
        case = hand_case(negative=negative)
        case.words[0] = 0  # the second window moves no target
        contexts = case.run()[1]
        moved.append(contexts[2] - case.contexts[2])
    assert np.abs(moved[0][:4]).min() > 1e-5
    np.testing.assert_allclose(moved[1], 5 * moved[0], rtol=1e-3)


def test_train_learns_nothing_from_a_negative_that_is_the_centre():
    """With the centre for its only negative, a pair is drawn together and by nothing apart."""
    case = hand_case(negatives=np.array([0, 1], np.int32), negative=8)
    alone = hand_case(negatives=np.array([2], np.int32), negative=1)
    case.tokens[:] = 0
    alone.tokens[:] = 0
    case.plan = dataclasses.replace(case.plan, negatives=np.array([0], np.int32))
    alone.contexts[2] = 0
    case.contexts[2] = 0
    words, contexts = case.run()[:2]
    expected = case.words.astype(float), case.contexts.astype(float)
    for _ in range(2):
        word, target = expected[0][0].copy(), expected[1][0].copy()
        step = 0.05 * (1 - logistic(word @ target))
        expected[0][0] += step * target
        expected[1][0] += step * word
    np.testing.assert_allclose(words, expected[0], atol=1e-6)
    np.testing.assert_allclose(contexts, expected[1], atol=1e-6)


def test_train_in_parts_equals_train_at_once():
    """Sentence by sentence, carrying the state, gives the bytes of one call."""
    case = make(lengths=(30, 0, 1, 7, 50))
    whole = case.run()
    kept = pairs = 0
    for sentence in range(5):
        case.words, case.contexts, case.state, counts = case.run(first=sentence, last=sentence + 1)
        kept, pairs = kept + counts.kept, pairs + counts.pairs
    np.testing.assert_array_equal(whole[0], case.words)
    np.testing.assert_array_equal(whole[1], case.contexts)
    np.testing.assert_array_equal(whole[2], case.state)
    assert whole[3] == (kept, pairs)
    assert whole[2][1] == 88


def test_train_same_seed_same_bytes():
    """One thread and one seed give the same bytes; another seed gives others."""
    first, again, other = make(seed=1).run(), make(seed=1).run(), make(seed=1)
    other.state[0] += np.uint64(1)
    np.testing.assert_array_equal(first[0], again[0])
    assert (other.run()[0] != first[0]).any()


def test_train_leaves_padding_and_last_row_zero():
    """Columns from dims on, and the row that stands for no word, stay zero."""
    case = make(words=3, dims=18, lengths=(300,), negative=9)
    words, contexts, *_ = case.run()
    assert not words[:, 18:].any()
    assert not contexts[:, 18:].any()
    assert not contexts[-1].any()


@pytest.mark.parametrize("length", [0, 1, 2, 1_000_000])
def test_train_takes_sentences_of_any_length(length):
    """Nothing overflows; a lone word has no pair; all words around are met."""
    case = make(words=50, lengths=(length,), keep=np.full(50, KEEP_ALL), window=1)
    words, _, _, (kept, pairs) = case.run()
    assert (kept, pairs) == (length, max(0, 2 * (length - 1)))
    assert np.isfinite(words).all()


def test_train_looks_one_to_window_words_far_evenly():
    """Far from the ends a centre meets 2 * (1 + ... + window) / window words on average."""
    case = make(words=5, dims=1, lengths=(50_000,), keep=np.full(5, KEEP_ALL), window=7)
    pairs = case.run()[3].pairs
    assert pairs / 50_000 == pytest.approx(8, abs=0.1)  # six standard errors


def test_train_brings_words_of_a_topic_together():
    """Words that share sentences end up nearer than words that never do."""
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 2, 400)
    case = make(words=20, dims=8, lengths=[10] * 400, negative=5)
    case.tokens[:] = (topics[:, None] * 10 + rng.integers(0, 10, (400, 10))).ravel()
    table = negative_table(np.ones(20, np.int64), 0.75, rng, size=1000)
    plan = {"keep": np.full(20, KEEP_ALL), "negatives": table, "total_tokens": 40_000}
    case.plan = dataclasses.replace(case.plan, **plan)
    for _ in range(10):
        case.words, case.contexts, case.state, _ = case.run()
    unit = case.words / np.linalg.norm(case.words, axis=1, keepdims=True)
    near = unit @ unit.T
    inside = (near[:10, :10].mean() + near[10:, 10:].mean()) / 2
    assert inside > near[:10, 10:].mean() + 0.5


def test_train_in_threads_learns_every_sentence():
    """Threads that share tables lose no sentence and write no garbage (Hogwild)."""
    case = make(words=200, lengths=[50] * 400, keep=np.full(200, KEEP_ALL))
    states = [start_state(np.random.default_rng(seed)) for seed in range(4)]

    def part(number):
        first = number * 100
        return train(
            case.words,
            case.contexts,
            case.tokens,
            case.offsets,
            first,
            first + 100,
            case.plan,
            states[number],
        )

    with ThreadPoolExecutor(4) as pool:
        kept = sum(trained.kept for trained in pool.map(part, range(4)))
    assert kept == 20_000
    assert [state[1] for state in states] == [5000] * 4
    assert np.abs(case.words).max() < 10
    assert not case.contexts[-1].any()


def test_train_takes_arrays_that_cannot_be_written():
    """Tokens and offsets may be read-only, as memory-mapped ones are; results are the same."""
    case = make()
    expected = case.run()
    case.tokens.flags.writeable = case.offsets.flags.writeable = False
    np.testing.assert_array_equal(case.run()[0], expected[0])
    assert len(sgns._train.signatures) == 1


def test_train_kernel_is_kept_on_disk(tmp_path, monkeypatch):
    """The kernel can be cached: a second dispatcher, as a second process, loads it."""
    make().run()
    monkeypatch.setattr(compiler, "cache_dir", lambda _: tmp_path)
    monkeypatch.setattr(compiler._KernelLocator, "get_source_stamp", lambda _: "one")
    signature = sgns._train.signatures[0]
    hits = []
    for _ in range(2):
        kernel = compiled(sgns._train.py_func)
        kernel.compile(signature)
        hits.append(sum(kernel.stats.cache_hits.values()))
    assert hits == [0, 1]


OTHER_LANES = """
import numpy as np
from embedry.kernels import emit
emit.LANES = 24 - emit.LANES
from embedry.kernels import simd
from embedry.kernels.sampling.plainsgns import train_plain
from embedry.kernels.draws import start_state
from embedry.kernels.sampling.plan import SkipGram
from embedry.kernels.sampling.sgns import train
rng = np.random.default_rng(0)
tokens, offsets = rng.integers(0, 9, 60).astype(np.int32), np.array([0, 60])
plan = SkipGram(np.full(9, 2**31, np.uint32), np.arange(9, dtype=np.int32), 60, negative=7)
words, contexts, state = simd.aligned(9, 40), simd.aligned(10, 40), start_state(rng)
words[:], contexts[:-1] = rng.normal(size=(9, 48)), rng.normal(size=(9, 48))
plain = words.copy(), contexts.copy(), state.copy()
train(words, contexts, tokens, offsets, 0, 1, plan, state)
train_plain(*plain[:2], tokens, offsets, 0, 1, plan, plain[2])
np.testing.assert_allclose(words, plain[0], atol=1e-4)
np.testing.assert_allclose(contexts, plain[1], atol=1e-4)
"""


@pytest.mark.parametrize("target", [{}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}])
def test_train_is_the_same_for_the_other_width_of_vectors(tmp_path, target):
    """The kernel built for 8 lanes, or for 16, whichever this host does not choose, is right;
    and so it is for the oldest CPU of its kind."""
    done = subprocess.run(
        [sys.executable, "-c", OTHER_LANES],
        env=os.environ | {"EMBEDRY_CACHE": str(tmp_path)} | target,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


TOKENS, OFFSETS = np.array([0, 1, 2], np.int32), np.array([0, 3], np.int64)


@pytest.mark.parametrize(
    ("tokens", "offsets", "match"),
    [
        (np.array([0, 3, 2], np.int32), OFFSETS, "got 3 at 1"),
        (np.array([0, 1, -1], np.int32), OFFSETS, "got -1 at 2"),
        (TOKENS.astype(np.int64), OFFSETS, "tokens"),
        (np.arange(6, dtype=np.int32)[::2], OFFSETS, "C-contiguous"),
        (TOKENS[None], OFFSETS, "of 1 dimension"),
        (TOKENS.tolist(), OFFSETS, "list"),
        (TOKENS, OFFSETS.astype(np.int32), "offsets"),
        (TOKENS, np.array([0, 4]), "end by 3"),
        (TOKENS, np.array([-1, 3]), "start at 0"),
        (TOKENS, np.array([], np.int64), "offsets"),
        (TOKENS, np.array([0, 2, 1, 3]), "behind sentence 1"),
    ],
)
def test_check_ids_refuses(tokens, offsets, match):
    """Whatever would let the kernel read or write elsewhere is refused, and named."""
    with pytest.raises(InputError, match=match):
        check_ids(tokens, offsets, 3)


def test_check_ids_takes_what_is_right():
    """Good sentences, no sentences, and no tokens pass."""
    check_ids(TOKENS, OFFSETS, 3)
    check_ids(TOKENS, np.array([0]), 3)
    check_ids(TOKENS[:0], np.array([0, 0]), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"words": np.zeros((20, 16))},
        {"words": np.zeros((20, 20), np.float32)},
        {"tokens": np.zeros(76, np.int32)[::2]},
        {"words": np.zeros((19, 16), np.float32)},
        {"contexts": np.zeros((20, 16), np.float32)},
        {"contexts": np.ones((21, 16), np.float32)},
        {"words": np.zeros((22, 16), np.float32), "contexts": np.zeros((23, 16), np.float32)},
        {"tokens": np.zeros(38, np.int64)},
        {"offsets": np.zeros(5, np.int32)},
        {"state": np.zeros(2, np.int64)},
        {"state": np.zeros(3, np.uint64)},
    ],
)
@pytest.mark.parametrize("how", [train, train_plain])
def test_train_refuses_other_arrays(how, change):
    """An array of another shape, dtype or order is refused before a pointer is touched."""
    case = dataclasses.replace(make(), **change)
    with pytest.raises(InputError):
        case.run(how, last=1)


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (2, 1), (0, 5)])
def test_train_refuses_sentences_that_are_not_there(first, last):
    """The range of sentences must lie within the corpus."""
    with pytest.raises(InputError, match="first"):
        make().run(first=first, last=last)


@pytest.mark.parametrize(
    "change",
    [
        {"window": 0},
        {"window": 51},
        {"negative": 0},
        {"negative": 51},
        {"batch": 0},
        {"batch": 7},
        {"batch": 22},
        {"total_tokens": 0},
        {"learning_rate": np.nan},
        {"learning_rate": np.inf},
        {"min_learning_rate": -1.0},
        {"min_learning_rate": 1.0},
        {"keep": np.zeros(20)},
        {"negatives": np.zeros(0, np.int32)},
        {"negatives": np.array([0, 20], np.int32)},
        {"negatives": np.array([-1], np.int32)},
        {"negatives": np.zeros(3, np.int64)},
    ],
)
def test_skip_gram_refuses(change):
    """A plan is checked once, when it is made."""
    with pytest.raises(InputError, match=next(iter(change))):
        dataclasses.replace(make().plan, **change)
