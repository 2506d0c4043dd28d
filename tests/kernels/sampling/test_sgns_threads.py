"""Laws of skip-gram in threads: copies of hot rows change when others learn, not what."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from embedry.errors import InputError
from embedry.kernels.draws import negative_table, start_state
from embedry.kernels.sampling import plainsgns, sgns
from embedry.kernels.sampling.hot_rows import HotRows, hot_rows, merge_plain, spare_rows, steps_of
from embedry.kernels.sampling.plan import SkipGram, steady_batch
from embedry.kernels.sampling.sgns_threads import OwnTables, hot_words
from embedry.kernels.simd import aligned


class Text:
    """Sentences of words by Zipf's law, each often followed by the next; tables to learn them."""

    def __init__(self, *, words=60, dims=10, sentences=200, length=20, seed=0, threads=2, **plan):
        rng = np.random.default_rng(seed)
        shares = 1 / np.arange(1, words + 1)
        self.tokens = rng.choice(words, sentences * length, p=shares / shares.sum())
        follows = rng.random(self.tokens.size // 2) < 0.7
        self.tokens[1::2] = (self.tokens[: 2 * follows.size : 2] + follows) % words
        self.tokens = self.tokens.astype(np.int32)
        self.offsets = np.arange(sentences + 1, dtype=np.int64) * length
        self.counts = np.bincount(self.tokens, minlength=words) + 1
        keep = np.full(words, 2**32 - 1, np.uint32)
        values = {
            "keep": keep,
            "negatives": negative_table(self.counts, 0.75, rng, size=2000),
            "total_tokens": self.tokens.size,
            "batch": steady_batch(self.counts, keep, plan.get("learning_rate", 0.025)),
        }
        self.plan = SkipGram(**(values | plan))
        self.rows, self.threads = words, threads
        room = words + threads * (words + 1) + 1
        self.words, self.contexts = aligned(room, dims), aligned(room, dims)
        self.words[:words, :dims] = (rng.random((words, dims)) - 0.5) / dims

    def own(self, hot, thread, *, words=None, contexts=None):
        """Return the tables as one thread has them."""
        words = self.words if words is None else words
        contexts = self.contexts if contexts is None else contexts
        return OwnTables(words, contexts, self.rows, hot, thread)

    def state(self, thread):
        return start_state(np.random.default_rng(thread))

    def shared(self):
        """Return copies of the shared rows as `train` takes them."""
        return self.words[: self.rows].copy(), self.contexts[: self.rows + 1].copy()

    def loss(self):
        """Return the loss of the next word and five drawn ones."""
        words, contexts = self.words[: self.rows], self.contexts[: self.rows]
        near = (words[self.tokens[:-1]] * contexts[self.tokens[1:]]).sum(axis=1)
        drawn = np.resize(self.plan.negatives, self.tokens.size)
        apart = (words[self.tokens] * contexts[drawn]).sum(axis=1)
        return np.logaddexp(0, -near).mean() + 5 * np.logaddexp(0, apart).mean()


HOT = HotRows(
    np.array([0, 1, 3, 2, 9, 7], np.int64),
    np.array([0, 2, 4, 6], np.int64),
    np.ones(6, np.float32),
    100,
)


def test_own_tables_alone_learn_what_train_does():
    """Where nobody else learns, copies and merges change the last bits of the numbers alone."""
    text = Text(threads=1)
    words, contexts = text.shared()
    state, own_state = text.state(0), text.state(0)
    expected = sgns.train(words, contexts, text.tokens, text.offsets, 0, 200, text.plan, state)
    own = text.own(HOT, 0)
    learned = own.train(text.tokens, text.offsets, 0, 200, text.plan, own_state)
    own.settle()
    assert learned == expected
    np.testing.assert_array_equal(own_state, state)
    np.testing.assert_allclose(text.words[:60], words, atol=1e-5)
    np.testing.assert_allclose(text.contexts[:60], contexts[:60], atol=1e-5)


def test_own_tables_without_hot_rows_give_the_bytes_of_train():
    """No hot rows and one thread: the same bytes, as if there were no threads."""
    text = Text(threads=1)
    words, contexts = text.shared()
    sgns.train(words, contexts, text.tokens, text.offsets, 3, 190, text.plan, text.state(0))
    own = text.own(hot_rows(np.zeros(60), 10, strength=1, tokens=4000, threads=1), 0)
    own.train(text.tokens, text.offsets, 3, 190, text.plan, text.state(0))
    own.settle()
    np.testing.assert_array_equal(text.words[:60], words)
    np.testing.assert_array_equal(text.contexts[:61], contexts)


@pytest.mark.parametrize("negative", [5, 7])
def test_own_tables_in_turns_equal_plain(negative):
    """Two threads in turns, a stop at a time, learn and merge what plain NumPy does."""
    text = Text(negative=negative, sentences=80)
    tables = text.words.copy(), text.contexts.copy()
    states = [text.state(thread) for thread in (0, 1)]
    threads = [text.own(HOT, thread) for thread in (0, 1)]
    stops = steps_of(text.offsets, HOT.step)[1].tolist()
    before, turns = {}, [0, 0]
    for thread in (0, 1):
        first = 60 + thread * 7
        for number, table in enumerate(tables):
            table[first : first + 6] = table[HOT.rows]
            before[thread, number] = table[HOT.rows]
    plain = [text.state(thread) for thread in (0, 1)]
    for stop, following in pairwise(stops):
        for thread in (0, 1):
            own = threads[thread]
            own.train(text.tokens, text.offsets, stop, following, text.plan, states[thread])
            first = 60 + thread * 7
            of = np.arange(60, dtype=np.int32)
            of[HOT.rows] = np.arange(first, first + 6)
            keep = np.full(first + 6, 2**32 - 1, np.uint32)
            drawn = of[text.plan.negatives]
            plan = SkipGram(
                keep, drawn, text.plan.total_tokens, negative=negative, batch=text.plan.batch
            )
            plainsgns.train_plain(
                tables[0][: first + 6],
                tables[1][: first + 7],
                of[text.tokens],
                text.offsets,
                stop,
                following,
                plan,
                plain[thread],
            )
            for number, table in enumerate(tables):
                merge_plain(table, before[thread, number], HOT, first, turns[thread])
            turns[thread] += 1
    np.testing.assert_array_equal(states, plain)
    np.testing.assert_allclose(text.words, tables[0], atol=1e-5)
    np.testing.assert_allclose(text.contexts, tables[1], atol=1e-5)


def run_threads(text, hot, epochs=1):
    """Train all sentences in threads, each on its part; return the tokens kept."""
    cuts = np.linspace(0, len(text.offsets) - 1, text.threads + 1).astype(int).tolist()
    plan = replace(text.plan, total_tokens=epochs * text.tokens.size // text.threads)

    def part(thread):
        own, state, kept = text.own(hot, thread), text.state(thread), 0
        for _ in range(epochs):
            first, last = cuts[thread], cuts[thread + 1]
            kept += own.train(text.tokens, text.offsets, first, last, plan, state).kept
        own.settle()
        return kept

    with ThreadPoolExecutor(text.threads) as pool:
        return sum(pool.map(part, range(text.threads)))


@pytest.mark.parametrize("threads", [2, 3])
def test_own_tables_in_threads_learn_every_sentence(threads):
    """Threads lose no sentence and learn about as well as one does; no word stays no word."""
    text = Text(words=300, sentences=20_000, threads=threads)
    alone = Text(words=300, sentences=20_000, threads=1)
    hot = hot_words(text.counts, text.plan, 10, threads)
    assert len(hot)
    assert run_threads(text, hot) == 400_000
    assert run_threads(alone, hot_words(text.counts, text.plan, 10, 1)) == 400_000
    assert text.loss() < alone.loss() + 0.3  # 4.2 before, 2.3 after
    assert not text.contexts[300 + threads * (len(hot) + 1) :].any()


@pytest.mark.parametrize("words", [2, 3, 20])
@pytest.mark.parametrize("dims", [1, 20])
@pytest.mark.parametrize("learning_rate", [0.025, 0.25])
def test_own_tables_stay_steady_on_few_words(words, dims, learning_rate):
    """A long text of few words, the widest window, any rate: threads do not drive them apart."""
    text = Text(
        words=words,
        dims=dims,
        sentences=400,
        length=100,
        window=50,
        learning_rate=learning_rate,
    )
    run_threads(text, hot_words(text.counts, text.plan, dims, 2))
    assert np.abs(text.words).max() < 20
    assert np.abs(text.contexts[:words]).max() < 20


def test_own_tables_take_sentences_longer_than_a_step():
    """One sentence that is the whole text is learned in pieces, merged in between, all of it."""
    text = Text(sentences=1, length=10_000)
    own = text.own(HOT, 1)
    state = text.state(0)
    assert own.train(text.tokens, text.offsets, 0, 1, text.plan, state).kept == 10_000
    assert state[1] == 10_000


def test_own_tables_train_by_any_kernel():
    """The plain kernel in place of the compiled one learns the same."""
    text, plain = Text(sentences=60), Text(sentences=60)
    own = text.own(HOT, 1)
    other = OwnTables(plain.words, plain.contexts, 60, HOT, 1, kernel=plainsgns.train_plain)
    for tables in (own, other):
        tables.train(text.tokens, text.offsets, 0, 60, text.plan, text.state(0))
        tables.settle()
    assert text.contexts[:60].any()
    np.testing.assert_allclose(text.words, plain.words, atol=1e-5)
    np.testing.assert_allclose(text.contexts, plain.contexts, atol=1e-5)


def test_own_tables_take_each_plan_anew():
    """Another plan, as another learning rate, is used from the next call on."""
    text, still = Text(), Text(learning_rate=0.0, min_learning_rate=0.0)
    own = text.own(HOT, 0)
    own.train(text.tokens, text.offsets, 0, 9, text.plan, text.state(0))
    own.settle()
    learned = text.words.copy()
    own.train(text.tokens, text.offsets, 0, 9, still.plan, text.state(0))
    own.settle()
    np.testing.assert_array_equal(text.words, learned)


def test_own_tables_refuse():
    """A thread that there is no room for, and sentences that are not there, are refused."""
    text = Text()
    with pytest.raises(InputError, match="spare_rows"):
        text.own(HOT, 20)
    with pytest.raises(InputError, match="spare_rows"):
        text.own(HOT, -1)
    with pytest.raises(InputError, match="spare_rows"):
        text.own(HOT, 1, words=text.words[:70])
    with pytest.raises(InputError, match="first"):
        text.own(HOT, 1).train(text.tokens, text.offsets, 0, 999, text.plan, text.state(0))


def test_hot_words_are_touched_as_often_as_counted():
    """Touches are kept tokens, and negatives drawn for each: those of a count by hand."""
    keep = np.array([2**31, 2**32 - 1, 2**32 - 1, 2**32 - 1], np.uint32)
    negatives = np.array([1, 1, 2, 3] * 10, np.int32)
    plan = SkipGram(keep, negatives, 100, window=3, negative=2, learning_rate=0.01)
    counts = np.array([100, 30, 10, 10]) * 10_000  # of 150, 100 are kept, and 200 drawn
    touches = np.array([50, 30 + 100, 10 + 50, 10 + 50]) / 150
    hot = hot_words(counts, plan, 100, 2)
    expected = hot_rows(touches, 100, strength=0.01 * 4, tokens=1_500_000, threads=2)
    assert hot.rows.tolist() == expected.rows.tolist() == [1, 2, 3, 0]
    assert hot.tiers.tolist() == expected.tiers.tolist()
    assert hot.step == pytest.approx(expected.step, abs=1)


def test_hot_words_are_none_for_one_thread():
    """One thread has the tables to itself."""
    text = Text(words=300, sentences=20_000)
    assert len(hot_words(text.counts, text.plan, 100, 1)) == 0
    assert len(hot_words(text.counts, text.plan, 100, 2)) > 0
    assert spare_rows(300, 100, 1) == 0


@pytest.mark.parametrize(("size", "threads"), [(59, 2), (60, 0)])
def test_hot_words_refuse(size, threads):
    """Counts are of the plan's vocabulary."""
    with pytest.raises(InputError, match="counts"):
        hot_words(np.ones(size, np.int64), Text().plan, 100, threads)
