"""Skip-gram: what the second core brings, and what it does to quality.

Wall clock, for that is what a second core is for. A core that other work takes away in between
would be counted against the threads, so only rounds count in which every thread had a core to
itself; wait for a quiet machine. Beside it stands the ceiling: two threads on tables of their
own, which share nothing but the machine.
"""

from __future__ import annotations

import os
import threading
import time

import numpy as np

from benchmarks.report import data, table, wiki_text
from embedry import Corpus, Word2Vec
from embedry.kernels.draws import keep_thresholds, negative_table, start_state
from embedry.kernels.sampling import sgns
from embedry.kernels.sampling.hot_rows import HotRows, spare_rows
from embedry.kernels.sampling.plan import SkipGram
from embedry.kernels.sampling.sgns_threads import OwnTables, hot_words
from embedry.kernels.simd import aligned
from embedry.learn.words.vocabulary import Vocabulary, sentences_of
from embedry.trust.evaluate import compare, read_analogies, read_word_pairs

TOKENS = 2_000_000
QUALITY_TOKENS = int(os.environ.get("EMBEDRY_BENCH_TOKENS", "4000000"))
SETTINGS = {"window": 5, "negative": 5, "learning_rate": 0.025}
ROUNDS = 12
PATIENCE = 180  # seconds to wait for rounds that nobody disturbed
UNDISTURBED = 1.06  # wall clock of a round, over the CPU time of its longest thread
SEEDS = (1, 2, 3)
THREADS = 2


class Text:
    """A text in ids, and the plan to learn it."""

    def __init__(self, tokens: int, seed: int) -> None:
        self.corpus = Corpus.from_file(wiki_text(tokens), tokenizer="whitespace")
        self.vocabulary = Vocabulary.of(self.corpus, 5)
        self.parts = list(sentences_of(self.corpus, self.vocabulary, 0, self.corpus.token_count))
        self.seed = seed

    def plan(self, generator) -> SkipGram:
        counts = self.vocabulary.counts
        keep = keep_thresholds(counts, 1e-3)
        negatives = negative_table(counts, 0.75, generator)
        return SkipGram(keep, negatives, 9 * int(counts.sum()), **SETTINGS)

    def tables(self, dims: int, generator):
        """Return tables with room for the copies of the threads."""
        rows = len(self.vocabulary)
        room = rows + spare_rows(rows, dims, THREADS) + 1
        words, contexts = aligned(room, dims), aligned(room, dims)
        words[:rows, :dims] = (generator.random((rows, dims)) - 0.5) / dims
        return words, contexts


def run() -> None:
    if data("enwiki-16m-words.jsonl.gz") is None:
        return
    text = Text(TOKENS, 1)
    title = f"Skip-gram in two threads, {TOKENS:,} words of Wikipedia, kernel, wall clock"
    table(title, [row for dims in (100, 300) for row in _speed(text, dims)])
    folder = data("words")
    if folder is not None:
        _quality(folder)


def _work(text: Text, tables, hot: HotRows, plan, part: int):
    """Return what one thread does in a round: every second bite of the text."""
    rows = len(text.vocabulary)
    own = OwnTables(*tables, rows, hot, part)
    state = start_state(np.random.default_rng(part))

    def learn() -> None:
        for bite in text.parts[part::THREADS]:
            own.train(bite.tokens, bite.offsets, 0, len(bite.offsets) - 1, plan, state)

    return learn


def _speed(text: Text, dims: int) -> list[dict[str, object]]:
    generator = np.random.default_rng(text.seed)
    plan = text.plan(generator)
    counts = text.vocabulary.counts
    none, hot = (hot_words(counts, plan, dims, threads) for threads in (1, THREADS))
    one, shared, copied, *apart = (text.tables(dims, generator) for _ in range(3 + THREADS))
    parts = range(THREADS)
    ways = {
        "one thread": [_all(text, one, plan)],
        "two, all rows shared": [_work(text, shared, none, plan, part) for part in parts],
        "two, copies of hot rows": [_work(text, copied, hot, plan, part) for part in parts],
        "two, tables of their own": [_work(text, apart[part], none, plan, part) for part in parts],
    }
    times = {way: [] for way in ways}
    for way, works in ways.items():
        _round(works)  # compiles, and brings the tables to where they are usually
        times[way].clear()
    end = time.monotonic() + PATIENCE
    while min(map(len, times.values())) < ROUNDS and time.monotonic() < end:
        for way, works in ways.items():
            wall, cpu = _round(works)
            if wall <= UNDISTURBED * max(cpu):
                times[way].append((wall, sum(cpu)))
    return [_speed_row(way, dims, times) for way in ways]


def _all(text: Text, tables, plan):
    """Return what one thread does alone: the whole text, on shared rows, as `train` does it."""
    rows = len(text.vocabulary)
    words, contexts = tables[0][:rows], tables[1][: rows + 1]
    state = start_state(np.random.default_rng(0))

    def learn() -> None:
        for bite in text.parts:
            last = len(bite.offsets) - 1
            sgns.train(words, contexts, bite.tokens, bite.offsets, 0, last, plan, state)

    return learn


def _round(works) -> tuple[float, list[float]]:
    """Run works in threads; return the wall clock, and the CPU seconds of each."""
    cpu = [0.0] * len(works)

    def timed(place: int) -> None:
        began = time.thread_time()
        works[place]()
        cpu[place] = time.thread_time() - began

    threads = [threading.Thread(target=timed, args=(place,)) for place in range(len(works))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, cpu


def _speed_row(way: str, dims: int, times) -> dict[str, object]:
    row: dict[str, object] = {"dims": dims, "threads": way, "rounds": len(times[way])}
    if not times[way] or not times["one thread"]:
        return row | dict.fromkeys(("s", "CPU s", "of one", "best of one"), "-")
    wall, cpu = np.median(times[way], axis=0)
    alone = np.array(times["one thread"])[:, 0]
    best = min(wall for wall, _ in times[way])
    return row | {
        "s": f"{wall:.2f}",
        "CPU s": f"{cpu:.2f}",
        "of one": f"{np.median(alone) / wall:.2f}",
        "best of one": f"{alone.min() / best:.2f}",
    }


def _quality(folder) -> None:
    """Print how whole fits in two threads do beside one thread."""
    corpus = Corpus.from_file(wiki_text(QUALITY_TOKENS), tokenizer="whitespace")
    one, two = ([_fit(corpus, seed, count) for seed in SEEDS] for count in (1, THREADS))
    tests = {
        "WS-353": read_word_pairs(folder / "EN-WS-353-ALL.txt"),
        "SimLex-999": read_word_pairs(folder / "EN-SIMLEX-999.txt"),
        "analogies": read_analogies(folder / "questions-words.txt"),
    }
    rows = [_compared(name, compare(two, one, questions)) for name, questions in tests.items()]
    title = f"Quality in two threads, {corpus.token_count:,} words, 5 epochs, dims 100"
    table(f"{title}, {len(SEEDS)} seeds", rows)


def _fit(corpus: Corpus, seed: int, threads: int):
    return Word2Vec(100, seed=seed, epochs=5, threads=threads).fit(corpus).embeddings_


def _compared(name: str, found) -> dict[str, object]:
    return {
        "test": name,
        "questions": found.known,
        "two threads": f"{found.first.mean:.3f}",
        "one thread": f"{found.second.mean:.3f}",
        "difference, 95 %": f"{found.interval.low:+.3f} .. {found.interval.high:+.3f}",
        "lower bound above -.02": "yes" if found.interval.low > -0.02 else "NO",
    }
