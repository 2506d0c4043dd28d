"""Words: tokens a second, whole fits, memory and the first use, beside gensim, one thread.

Quality stands in ``benchmarks.word_quality``, the second core in ``benchmarks.threads``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from benchmarks.children import compile_seconds, peak_bytes
from benchmarks.peers import SETTINGS, gensim_subwords, gensim_words
from benchmarks.report import alternate, table, wiki_text
from embedry import Corpus, Word2Vec
from embedry.kernels.draws import start_state
from embedry.learn.tables import sampling_plan
from embedry.learn.words.ngrams import Subwords
from embedry.learn.words.tables import WordTables
from embedry.learn.words.vocabulary import Vocabulary, sentences_of

TOKENS = int(os.environ.get("EMBEDRY_BENCH_SPEED_TOKENS", "2000000"))
SUBWORDS = Subwords(3, 6)
RATES = {"skipgram": 0.025, "cbow": 0.05}


@dataclass(frozen=True)
class Work:
    """One way to learn, and how many times gensim's speed is asked of it."""

    name: str
    dims: int
    asked: float | None
    architecture: str = "skipgram"
    subwords: Subwords | None = None


KERNELS = (
    Work("skip-gram", 100, 11),
    Work("skip-gram", 300, 8),
    Work("CBOW", 100, 6, "cbow"),
    Work("CBOW", 300, 4, "cbow"),
    Work("skip-gram, n-grams 3-6", 100, None, subwords=SUBWORDS),
)
FITS = (Work("skip-gram", 100, 8), Work("skip-gram", 300, 6))


def run() -> None:
    path = wiki_text(TOKENS)
    if path is None:
        return
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    size = f"{corpus.token_count:,} words of Wikipedia, CPU seconds"
    table(f"Words: training, 1 epoch, {size}", (_kernel(corpus, work) for work in KERNELS))
    tokens = corpus.token_count
    table(f"Words: whole fit, 5 epochs, {size}", (_fit(path, tokens, work) for work in FITS))
    table("Words: peak memory of learning", (_memory(path, dims) for dims in (100, 300, 1000)))
    table("First use, CPU seconds", compile_seconds())


def _row(work: Work, ours: float, theirs: float, tokens: int) -> dict[str, object]:
    return {
        "what": work.name,
        "dims": work.dims,
        "embedry s": f"{ours:.2f}",
        "gensim s": f"{theirs:.2f}",
        "embedry tokens/s": f"{tokens / ours:,.0f}",
        "gensim tokens/s": f"{tokens / theirs:,.0f}",
        "ratio": f"{theirs / ours:.1f}",
        "asked": "-" if work.asked is None else f"{work.asked:g}",
    }


def _kernel(corpus: Corpus, work: Work) -> dict[str, object]:
    """Training alone: vocabulary, tables and text are ready in memory, for both."""
    ours = _ready(corpus, work)
    sentences = [corpus.sentence(place) for place in range(len(corpus))]
    more = {"epochs": 1, "alpha": RATES[work.architecture]}
    if work.subwords is None:
        peer = gensim_words(work.dims, cbow=work.architecture == "cbow", **more)
    else:
        peer = gensim_subwords(work.dims, work.subwords, **more)
    peer.build_vocab(sentences)
    ours()  # compiles, or reads what was compiled
    mine, other = alternate(
        ours, lambda: peer.train(sentences, total_examples=len(sentences), epochs=1)
    )
    return _row(work, mine, other, corpus.token_count)


def _ready(corpus: Corpus, work: Work):
    """Return an epoch of training with all that `Word2Vec` makes before it."""
    generator = np.random.default_rng(1)
    vocabulary = Vocabulary.of(corpus, SETTINGS["min_count"])
    tables = WordTables.started(
        vocabulary.words, work.dims, work.architecture, work.subwords, generator, threads=1
    )
    plan = sampling_plan(
        vocabulary.counts,
        generator,
        window=SETTINGS["window"],
        negative=SETTINGS["negative"],
        sample=SETTINGS["sample"],
        exponent=0.75,
        rates=(RATES[work.architecture],) * 2,
    )
    (learner,) = tables.in_threads(plan, vocabulary.counts, 1)
    bites = list(sentences_of(corpus, vocabulary, 0, corpus.token_count))
    state = start_state(generator)

    def learn() -> None:
        for bite in bites:
            learner.learn(bite, plan, state)

    return learn


def _fit(path, tokens: int, work: Work) -> dict[str, object]:
    """All of it: read, count, train 5 epochs; gensim by its fast way, corpus_file."""

    def ours() -> None:
        text = Corpus.from_file(path, tokenizer="whitespace")
        Word2Vec(work.dims, epochs=5, threads=1, **SETTINGS).fit(text)

    def theirs() -> None:
        gensim_words(work.dims, epochs=5, corpus_file=str(path))

    mine, other = alternate(ours, theirs, rounds=1)
    return _row(work, mine, other, 5 * tokens)


def _memory(path, dims: int) -> dict[str, object]:
    """Peak memory of learning from a corpus in memory, beside the formula in `Word2Vec`."""
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    words, padded = len(Vocabulary.of(corpus, SETTINGS["min_count"])), -(-dims // 16) * 16
    kept = 8 * words * dims + 24 * min(words, 5000) * dims + 104 * dims**2
    negatives = 4 * min(2**22, 1000 * words)
    formula = 8 * words * padded + 4 * corpus.token_count + max(kept, negatives) + 10e6
    measured = peak_bytes(
        "from embedry import Corpus, Word2Vec\n"
        f"learner = Word2Vec({dims}, epochs=1, threads=1)\n"
        "learner.fit(Corpus.from_lines(['a b c d'] * 9))",
        "corpus = Corpus.from_file(sys.argv[1], tokenizer='whitespace')",
        "learner.fit(corpus)",
        str(path),
    )
    return {
        "dims": dims,
        "words": f"{words:,}",
        "tokens": f"{corpus.token_count:,}",
        "measured MB": f"{measured / 1e6:.0f}",
        "formula MB": f"{formula / 1e6:.0f}",
        "measured / formula": f"{measured / formula:.2f}",
        "asked": "0.8 .. 1.2",
    }
