"""Laws of training on bags of rows: the compiled kernel does what the plain one does."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.kernels import compiler
from embedry.kernels.compiler import compiled
from embedry.kernels.draws import keep_thresholds, negative_table, start_state
from embedry.kernels.sampling import sgns
from embedry.kernels.sampling.bags import Bags, steady_bags, train_bags
from embedry.kernels.sampling.cbow import train_cbow
from embedry.kernels.sampling.plainbags import train_bags_plain
from embedry.kernels.sampling.plan import SkipGram, steady_batch
from embedry.kernels.sampling.subword_sgns import train_subwords
from embedry.kernels.simd import aligned

KEEP_ALL = np.uint32(2**32 - 1)
KINDS = ["cbow", "cbow of subwords", "skipgram of subwords"]


@dataclasses.dataclass
class Case:
    """A small corpus and tables to train on it."""

    words: np.ndarray
    contexts: np.ndarray
    tokens: np.ndarray
    offsets: np.ndarray
    plan: SkipGram
    state: np.ndarray
    bags: Bags

    def run(self, how=train_bags, first=0, last=None):
        """Train a copy; return its tables, its state and the counts."""
        words, contexts, state = self.words.copy(), self.contexts.copy(), self.state.copy()
        last = self.offsets.size - 1 if last is None else last
        text = (self.tokens, self.offsets, first, last)
        counts = how(words, contexts, *text, self.plan, state, self.bags)
        return words, contexts, state, counts


def lists_of(*lists):
    """Lay out lists of rows, one a word."""
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return {"subword_offsets": offsets, "subword_rows": np.concatenate(lists).astype(np.int32)}


def make(
    kind="cbow", seed=0, words=20, dims=10, lengths=(30, 0, 1, 7), rows=35, longest=9, **settings
):
    """Make a random case; ``settings`` override its plan, or its bags."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = rng.integers(0, words, offsets[-1]).astype(np.int32)
    counts = np.bincount(tokens, minlength=words) + 1
    plan = {
        "keep": keep_thresholds(counts, 0.05),
        "negatives": negative_table(counts, 0.75, rng, size=100),
        "total_tokens": max(1, int(offsets[-1])),
        "learning_rate": 0.05,
    }
    bags = {"architecture": kind.split()[0]}
    if "subwords" in kind:
        sizes = rng.integers(1, longest + 1, words)
        bags |= lists_of(*(rng.integers(0, rows, size) for size in sizes)) | {"positions": 8}
    else:
        rows = words
    bags |= {name: settings.pop(name) for name in ("positions", "damping") if name in settings}
    table, contexts = aligned(rows, dims), aligned(words + 1, dims)
    scale = 1 / max(3, np.sqrt(dims))
    table[:, :dims] = rng.normal(scale=scale, size=(rows, dims))
    contexts[:-1, :dims] = rng.normal(scale=scale, size=(words, dims))
    return Case(
        table,
        contexts,
        tokens,
        offsets,
        SkipGram(**(plan | settings)),
        start_state(rng),
        Bags(**bags),
    )


def hand_case(kind="cbow", sentence=(0, 1, 2), lists=((0,), (1,), (2,), (3,)), **settings):
    """Make a case of four words: one sentence, all kept, a step that stays the same."""
    case = make(words=4, dims=4, rows=9, lengths=(len(sentence),))
    case.tokens[:] = sentence
    values = {
        "keep": np.full(4, KEEP_ALL),
        "negatives": np.array([3], np.int32),
        "negative": 1,
        "min_learning_rate": 0.05,
        "window": 1,
    }
    case.plan = dataclasses.replace(case.plan, **(values | settings))
    if "subwords" in kind:
        case.bags = Bags(kind.split()[0], **lists_of(*lists))
        case.words = aligned(9, 4)
        case.words[:, :4] = np.random.default_rng(0).normal(size=(9, 4))
    return case


def kernel_of(bags):
    """Return the compiled function that trains such bags."""
    return train_cbow if bags.architecture == "cbow" else train_subwords


def logistic(score):
    return 1 / (1 + np.exp(-score))


def learn_side_by_side(words, contexts, *bags):
    """Let bags of a centre and the rows around it learn from what was before any of them."""
    old = words.copy(), contexts.copy()
    for centre, around in bags:
        bag, targets = old[0][around].mean(axis=0), old[1][[centre, 3]]
        steps = 0.05 * (np.array([1, 0]) - logistic(targets @ bag))
        words[around] += steps @ targets
        contexts[[centre, 3]] += np.outer(steps, bag)


def agree(left, right, tolerance=2e-5):
    """Assert that two runs drew the same and learnt the same."""
    np.testing.assert_array_equal(left[2], right[2])
    assert left[3] == right[3]
    np.testing.assert_allclose(left[0], right[0], atol=tolerance)
    np.testing.assert_allclose(left[1], right[1], atol=tolerance)


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    words=st.integers(1, 30),
    dims=st.integers(1, 70),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    rows=st.integers(1, 60),
    longest=st.integers(1, 30),
    window=st.integers(1, 50),
    negative=st.integers(1, 13),
    positions=st.integers(1, 40),
    damping=st.floats(0.1, 1),
    done=st.integers(0, 200),
)
def test_train_bags_equals_plain(
    kind, seed, words, dims, lengths, rows, longest, window, negative, positions, damping, done
):
    """On any corpus and lists of subwords the kernel draws, counts and learns as plain NumPy."""
    case = make(
        kind,
        seed,
        words,
        dims,
        lengths,
        rows,
        longest,
        window=window,
        negative=negative,
        positions=positions,
        damping=damping,
        learning_rate=0.01,
    )
    case.state[1] = done
    agree(case.run(), case.run(train_bags_plain), tolerance=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("negative", [1, 5, 6, 11, 12, 50])
@pytest.mark.parametrize("window", [1, 2, 50])
def test_train_bags_equals_plain_at_the_edges(kind, window, negative):
    """Groups of targets just full, just over, the largest window and most negatives."""
    edges = {"window": window, "negative": negative, "learning_rate": 0.01}
    case = make(kind, dims=17, lengths=(120, 3), longest=30, **edges)
    agree(case.run(), case.run(train_bags_plain), tolerance=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dims", [1, 15, 16, 17, 512, 1023, 1024])
def test_train_bags_equals_plain_for_any_dims(kind, dims):
    """From one number a row to 1024, full lines and not."""
    case = make(kind, words=15, dims=dims, lengths=(40,), negative=8)
    agree(case.run(), case.run(train_bags_plain), tolerance=1e-4)


def test_train_bags_moves_vectors_as_word2vec_does():
    """The bag is the mean; each word of it gets the whole error, each target step * bag."""
    case = hand_case()
    words, contexts = case.words.astype(float), case.contexts.astype(float)
    learn_side_by_side(words, contexts, (0, [1]), (2, [1]))
    learn_side_by_side(words, contexts, (1, [0, 2]))
    for how in (train_bags, train_bags_plain):
        learnt = case.run(how)
        np.testing.assert_allclose(learnt[0], words, atol=1e-6)
        np.testing.assert_allclose(learnt[1], contexts, atol=1e-6)
        assert learnt[3] == (3, 4)


def test_train_bags_of_subwords_is_the_mean_of_all_rows_around():
    """In CBOW each row of each word counts alike, and each gets the whole error."""
    lists = ((0, 4, 5), (1,), (2, 6), (3,))
    case = hand_case("cbow of subwords", sentence=(0, 1, 2), lists=lists)
    words, contexts = case.words.astype(float), case.contexts.astype(float)
    learn_side_by_side(words, contexts, (0, [1]), (2, [1]))
    learn_side_by_side(words, contexts, (1, [0, 4, 5, 2, 6]))
    for how in (train_bags, train_bags_plain):
        learnt = case.run(how)
        np.testing.assert_allclose(learnt[0], words, atol=1e-6)
        np.testing.assert_allclose(learnt[1], contexts, atol=1e-6)


def test_train_bags_skipgram_moves_each_row_of_a_word():
    """A word around is the mean of its rows, learns for itself, and each row gets its error."""
    lists = ((0, 4, 5), (1, 6), (2,), (3,))
    case = hand_case("skipgram of subwords", sentence=(0, 1), lists=lists)
    words, contexts = case.words.astype(float), case.contexts.astype(float)
    for centre, around in ((0, [1, 6]), (1, [0, 4, 5])):
        word, targets = words[around].mean(axis=0), contexts[[centre, 3]]
        steps = 0.05 * (np.array([1, 0]) - logistic(targets @ word))
        words[around] += steps @ targets
        contexts[[centre, 3]] += np.outer(steps, word)
    for how in (train_bags, train_bags_plain):
        learnt = case.run(how)
        np.testing.assert_allclose(learnt[0], words, atol=1e-6)
        np.testing.assert_allclose(learnt[1], contexts, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_train_bags_loses_no_part_of_a_row_that_repeats(kind):
    """A row that is in a word twice takes twice as much, and the word moves as it learned."""
    once = hand_case(kind, sentence=(0, 1), lists=((0,), (1,), (2,), (3,)))
    twice = hand_case(kind, sentence=(0, 1), lists=((0, 0, 4), (1,), (2,), (3,)))
    once.words[0] = (2 * twice.words[0] + twice.words[4]) / 3
    learnt, expected = twice.run()[0], once.run()[0]
    moved = learnt - twice.words
    np.testing.assert_allclose(moved[0], 2 * moved[4], atol=1e-6)
    assert np.abs(moved[4, :4]).min() > 1e-5
    mean = (2 * learnt[0] + learnt[4]) / 3
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)


def test_train_bags_counts_a_repeated_word_each_time():
    """A word on both sides of the centre gets the error twice."""
    moved = []
    for sentence in ((0, 1, 2), (0, 1, 0)):
        case = hand_case(sentence=sentence)
        case.words[[1, 2]] = case.words[0]  # the bag of the middle is the same vector
        case.contexts[[0, 2]] = 0
        small = {"learning_rate": 0.001, "min_learning_rate": 0.001}
        case.plan = dataclasses.replace(case.plan, negatives=np.array([0], np.int32), **small)
        moved.append(case.run()[0][0] - case.words[0])
    assert np.abs(moved[0][:4]).min() > 1e-5
    np.testing.assert_allclose(moved[1], 2 * moved[0], rtol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_counts_a_repeated_negative_each_time(kind):
    """A word drawn five times for one position moves five times as far as one drawn once."""
    moved = []
    for negative in (1, 5):
        case = hand_case(kind, sentence=(0, 1), negative=negative)
        case.words[0] = 0  # the second position moves no target
        contexts = case.run()[1]
        moved.append(contexts[3] - case.contexts[3])
    assert np.abs(moved[0][:4]).min() > 1e-5
    np.testing.assert_allclose(moved[1], 5 * moved[0], rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_train_bags_teaches_the_second_bag_a_negative_that_is_the_first_centre(kind):
    """Of two bags side by side one may be told apart from the centre of the other."""
    case = hand_case(kind, sentence=(0, 1), negatives=np.array([0], np.int32), negative=1)
    words, contexts = case.words.astype(float), case.contexts.astype(float)
    right, wrong = (
        0.05 * (label - logistic(words[0] @ contexts[row])) for row, label in ((1, 1), (0, 0))
    )
    step = 0.05 * (1 - logistic(words[1] @ contexts[0]))
    moved = case.run()
    np.testing.assert_allclose(
        moved[0][0], words[0] + right * contexts[1] + wrong * contexts[0], atol=1e-6
    )
    np.testing.assert_allclose(
        moved[1][0], contexts[0] + step * words[1] + wrong * words[0], atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_learns_nothing_from_a_negative_that_is_the_centre(kind):
    """With the centre for its only negative, a word is drawn together and by nothing apart."""
    case = hand_case(kind, sentence=(0, 0), negatives=np.array([0], np.int32), negative=8)
    words, contexts = case.run()[:2]
    expected = case.words.astype(float), case.contexts.astype(float)
    at_once = 2 if kind.startswith("cbow") else 1  # both places learn side by side
    for _ in range(2 // at_once):
        word, target = expected[0][0].copy(), expected[1][0].copy()
        step = 0.05 * at_once * (1 - logistic(word @ target))
        expected[0][0] += step * target
        expected[1][0] += step * word
    np.testing.assert_allclose(words, expected[0], atol=1e-6)
    np.testing.assert_allclose(contexts, expected[1], atol=1e-6)


def test_train_bags_skipgram_of_whole_words_is_skip_gram():
    """Where each word has one row of its own and nothing repeats, both kernels learn the same."""
    case = make(words=20, lengths=(30, 0, 7))
    case.bags = Bags("skipgram", **lists_of(*([word] for word in range(20))))
    expected = case.words.copy(), case.contexts.copy(), case.state.copy()
    text = (case.tokens, case.offsets, 0, 3)
    counts = sgns.train(*expected[:2], *text, case.plan, expected[2])
    agree(case.run(), (*expected, counts), tolerance=1e-5)
    case.bags = Bags("skipgram")
    np.testing.assert_array_equal(case.run()[0], expected[0])


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_in_parts_equals_train_at_once(kind):
    """Sentence by sentence, carrying the state, gives the bytes of one call."""
    case = make(kind, lengths=(30, 0, 1, 7, 50))
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


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_same_seed_same_bytes(kind):
    """One thread and one seed give the same bytes; another seed gives others."""
    first, again, other = make(kind, seed=1).run(), make(kind, seed=1).run(), make(kind, seed=1)
    other.state[0] += np.uint64(1)
    np.testing.assert_array_equal(first[0], again[0])
    assert (other.run()[0] != first[0]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_leaves_padding_and_last_row_zero(kind):
    """Columns from dims on, and the row that stands for no word, stay zero."""
    case = make(kind, words=3, dims=18, lengths=(300,), negative=9)
    words, contexts, *_ = case.run()
    assert not words[:, 18:].any()
    assert not contexts[:, 18:].any()
    assert not contexts[-1].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 1, 2, 1_000_000])
def test_train_bags_takes_sentences_of_any_length(kind, length):
    """Nothing overflows; a lone word has no pair; all words around are met."""
    case = make(kind, words=50, lengths=(length,), keep=np.full(50, KEEP_ALL), window=1)
    words, _, _, (kept, pairs) = case.run()
    assert (kept, pairs) == (length, max(0, 2 * (length - 1)))
    assert np.isfinite(words).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", [1, 2, 10, 100])
@pytest.mark.parametrize("dims", [1, 100])
@pytest.mark.parametrize("learning_rate", [0.025, 0.1])
def test_train_bags_stays_steady_on_few_words(kind, words, dims, learning_rate):
    """A long text of few words made of few rows, the widest window, any rate: none runs away."""
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, words + 1)
    case = make(kind, words=words, dims=dims, lengths=[100] * 200, rows=words + 3)
    case.tokens[:] = rng.choice(words, 20_000, p=shares / shares.sum())
    counts, keep = np.bincount(case.tokens, minlength=words), np.full(words, KEEP_ALL)
    batch = steady_batch(counts, keep, learning_rate)
    text = (keep, negative_table(counts, 0.75, rng, size=1000), 20_000)
    case.plan = SkipGram(*text, window=50, learning_rate=learning_rate, batch=batch)
    case.bags = steady_bags(dataclasses.replace(case.bags, positions=32), counts, case.plan)
    words, contexts, *_ = case.run()
    assert np.abs(words).max() < 20
    assert np.abs(contexts).max() < 20


def test_steady_bags_changes_nothing_in_usual_texts():
    """Many words, few n-grams shared: as published, whatever the architecture."""
    counts = np.full(1000, 5)
    table = np.arange(1000, dtype=np.int32)
    plan = SkipGram(np.full(1000, KEEP_ALL), table, 5000, window=10, learning_rate=0.05)
    lists = lists_of(*([word, 1000 + word // 10, 2000 + word // 20] for word in range(1000)))
    for bags in (Bags(), Bags("cbow", **lists), Bags("skipgram", **lists)):
        steady = steady_bags(bags, counts, plan)
        assert (steady.positions, steady.damping) == (32, 1)


def test_steady_bags_dampens_and_shortens_where_few_rows_make_up_a_text():
    """The more of the text one word is, the less of the error; the more is shared, the shorter."""
    plan = SkipGram(np.full(2, KEEP_ALL), np.array([0, 1], np.int32), 100, window=49)
    plan = dataclasses.replace(plan, learning_rate=0.1)
    half, most = (steady_bags(Bags(), np.array([50, n]), plan).damping for n in (50, 0))
    assert (half, most) == (pytest.approx(0.1), pytest.approx(0.05))
    own = lists_of([0], [1])
    assert steady_bags(Bags("skipgram", **own), np.array([50, 50]), plan).positions == 32
    same = lists_of([0, 1], [0, 1])
    steady = steady_bags(Bags("skipgram", **same), np.array([50, 50]), plan)
    assert (steady.positions, steady.damping) == (1, 1)
    slow = dataclasses.replace(plan, learning_rate=0.002)
    assert steady_bags(Bags("skipgram", **same), np.array([50, 50]), slow).positions == 10


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_brings_words_of_a_topic_together(kind):
    """Words that share sentences end up nearer than words that never do."""
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 2, 400)
    case = make(kind, words=20, dims=8, lengths=[10] * 400, rows=200, longest=5)
    case.tokens[:] = (topics[:, None] * 10 + rng.integers(0, 10, (400, 10))).ravel()
    table = negative_table(np.ones(20, np.int64), 0.75, rng, size=1000)
    plan = {"keep": np.full(20, KEEP_ALL), "negatives": table, "total_tokens": 40_000}
    case.plan = dataclasses.replace(case.plan, **plan)
    for _ in range(10):
        case.words, case.contexts, case.state, _ = case.run()
    vectors = case.words
    if case.bags.of_subwords:
        offsets, rows = case.bags.lists
        vectors = np.add.reduceat(vectors[rows], offsets[:-1]) / np.diff(offsets)[:, None]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = unit @ unit.T
    inside = (near[:10, :10].mean() + near[10:, 10:].mean()) / 2
    assert inside > near[:10, 10:].mean() + 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", [8, 1024])
@pytest.mark.parametrize("how", [train_bags, train_bags_plain])
def test_train_bags_lets_the_rate_fall_evenly_within_a_sentence(kind, positions, how):
    """One sentence of words that are there once: what each context moves falls to nothing."""
    count = 200
    case = make(kind, words=count + 1, dims=2, lengths=(count,), rows=2, longest=1, window=1)
    case.tokens[:] = np.arange(count)
    case.plan = dataclasses.replace(
        case.plan,
        keep=np.full(count + 1, KEEP_ALL),
        negatives=np.array([count], np.int32),
        negative=1,
        learning_rate=1e-4,
        min_learning_rate=0.0,
    )
    if case.bags.of_subwords:  # every word is made of one row, the same for all
        offsets, rows = np.arange(count + 2), np.zeros(count + 1, np.int32)
        case.bags = Bags(kind.split()[0], offsets, rows, positions=positions)
    case.words[:, :2] = 1
    case.contexts[:] = 0
    moved = case.run(how)[1][:count, 0] * 2 / 1e-4  # the label less a guess of a half
    moved[1:-1] /= 1 if kind.startswith("cbow") else 2  # pairs; at both ends there is but one
    fell = 1 - np.arange(count) / count
    if kind.startswith("cbow"):  # both bags of a turn have its rate, and take two positions
        half = min(count, positions if case.bags.of_subwords else count) // 2
        block, place = np.divmod(np.arange(count), 2 * half)
        fell = 1 - (2 * half * block + 2 * (place % half)) / count
    np.testing.assert_allclose(moved, fell, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_takes_arrays_that_cannot_be_written(kind):
    """Tokens, offsets and lists may be read-only, as memory-mapped ones are."""
    case = make(kind)
    expected = case.run()
    kernel = kernel_of(case.bags)
    before = len(kernel.signatures)
    for array in (case.tokens, case.offsets, *case.bags.lists):
        array.flags.writeable = False
    np.testing.assert_array_equal(case.run()[0], expected[0])
    assert len(kernel.signatures) == before


@pytest.mark.parametrize("kind", KINDS)
def test_train_bags_kernel_is_kept_on_disk(kind, tmp_path, monkeypatch):
    """The kernel can be cached: a second dispatcher, as a second process, loads it."""
    case = make(kind)
    case.run()
    known = kernel_of(case.bags)
    monkeypatch.setattr(compiler, "cache_dir", lambda _: tmp_path)
    monkeypatch.setattr(compiler._KernelLocator, "get_source_stamp", lambda _: "one")
    signature = known.signatures[-1]
    hits = []
    for _ in range(2):
        kernel = compiled(known.py_func)
        kernel.compile(signature)
        hits.append(sum(kernel.stats.cache_hits.values()))
    assert hits == [0, 1]


OTHER_LANES = """
import numpy as np
from embedry.kernels import emit
emit.LANES = 24 - emit.LANES
from embedry.kernels import simd
from embedry.kernels.sampling.bags import *
from embedry.kernels.sampling.plainbags import *
from embedry.kernels.draws import negative_table, start_state
from embedry.kernels.sampling.plan import SkipGram
rng = np.random.default_rng(0)
tokens, offsets = rng.integers(0, 9, 60).astype(np.int32), np.array([0, 60])
plan = SkipGram(np.full(9, 2**31, np.uint32), np.arange(9, dtype=np.int32), 60, negative=7)
lists = np.arange(0, 28, 3), rng.integers(0, 9, 27).astype(np.int32)
for bags in (Bags(), Bags("cbow", *lists), Bags("skipgram", *lists)):
    words, contexts, state = simd.aligned(9, 40), simd.aligned(10, 40), start_state(rng)
    words[:], contexts[:-1] = rng.normal(size=(9, 48)) / 7, rng.normal(size=(9, 48)) / 7
    plain = words.copy(), contexts.copy(), state.copy()
    train_bags(words, contexts, tokens, offsets, 0, 1, plan, state, bags)
    train_bags_plain(*plain[:2], tokens, offsets, 0, 1, plan, plain[2], bags)
    np.testing.assert_allclose(words, plain[0], atol=1e-4)
    np.testing.assert_allclose(contexts, plain[1], atol=1e-4)
"""


@pytest.mark.parametrize("target", [{}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}])
def test_train_bags_is_the_same_for_the_other_width_of_vectors(tmp_path, target):
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


OFFSETS, ROWS = np.array([0, 2, 3], np.int64), np.array([0, 4, 1], np.int32)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"architecture": "glove"}, "architecture"),
        ({"positions": 0}, "positions"),
        ({"positions": 1025}, "positions"),
        ({"damping": 0.0}, "damping"),
        ({"damping": 1.5}, "damping"),
        ({"damping": np.nan}, "damping"),
        ({"subword_offsets": None}, "together"),
        ({"subword_rows": None}, "together"),
        ({"subword_offsets": OFFSETS.astype(np.int32)}, "subword_offsets"),
        ({"subword_rows": ROWS.astype(np.int64)}, "subword_rows"),
        ({"subword_offsets": OFFSETS[:0]}, "start at 0"),
        ({"subword_offsets": np.array([1, 2, 3])}, "start at 0"),
        ({"subword_offsets": np.array([0, 2])}, "end at 3"),
        ({"subword_offsets": np.array([0, 3, 3])}, "word 1 has none"),
        ({"subword_offsets": np.array([0, 4, 3])}, "word 1 has none"),
        ({"subword_rows": np.array([0, -1, 1], np.int32)}, "got -1 at 1"),
    ],
)
def test_bags_refuses(change, match):
    """What makes up the input is checked once, when it is made."""
    values = {"subword_offsets": OFFSETS, "subword_rows": ROWS}
    with pytest.raises(InputError, match=match):
        Bags(**(values | change))


@pytest.mark.parametrize(
    "change",
    [
        {"words": np.zeros((20, 16))},
        {"words": np.zeros((20, 20), np.float32)},
        {"words": np.zeros((19, 16), np.float32)},
        {"words": np.zeros((21, 16), np.float32)},
        {"contexts": np.zeros((20, 16), np.float32)},
        {"contexts": np.zeros((21, 32), np.float32)},
        {"contexts": np.ones((21, 16), np.float32)},
        {"tokens": np.zeros(38, np.int64)},
        {"offsets": np.zeros(5, np.int32)},
        {"state": np.zeros(3, np.uint64)},
        {"bags": Bags("cbow", OFFSETS, ROWS)},
        {"bags": Bags(**lists_of(*([20 + word] for word in range(20))))},
    ],
)
@pytest.mark.parametrize("how", [train_bags, train_bags_plain])
def test_train_bags_refuses_other_arrays(how, change):
    """An array of another shape, dtype or order is refused before a pointer is touched."""
    case = dataclasses.replace(make(), **change)
    with pytest.raises(InputError):
        case.run(how, last=1)


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (2, 1), (0, 5)])
def test_train_bags_refuses_sentences_that_are_not_there(first, last):
    """The range of sentences must lie within the corpus."""
    with pytest.raises(InputError, match="first"):
        make().run(first=first, last=last)


def test_bags_shares_make_up_for_rows_that_repeat():
    """Rows 0, 0, 4: the mean of three entries would move 5 / 3 times as far."""
    shares = Bags("cbow", **lists_of((0, 0, 4), (1,), (2, 3))).shares
    np.testing.assert_allclose(shares, [3 / 5, 1, 1])
