"""Skip-gram: tokens a second and whole fits, beside gensim, one thread."""

from __future__ import annotations

import logging

import numpy as np

from benchmarks.report import alternate, table, wiki_text
from embedry import Corpus, Word2Vec
from embedry.kernels import sgns
from embedry.kernels.simd import aligned
from embedry.learn.word2vec import _vocabulary

TOKENS = 2_000_000
SETTINGS = {"window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}


def gensim_model(dims: int, seed: int, epochs: int, **more):
    """Return gensim's skip-gram with the same settings."""
    from gensim.models import Word2Vec as Gensim

    return Gensim(vector_size=dims, sg=1, workers=1, seed=seed, epochs=epochs, **SETTINGS, **more)


def run() -> None:
    logging.getLogger("gensim").setLevel(logging.ERROR)
    path = wiki_text(TOKENS)
    if path is None:
        return
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    Word2Vec(dims=8, epochs=1, threads=1).fit(Corpus.from_lines(["a b c d"] * 9))  # compiles
    rows = [row for dims in (100, 300) for row in (_kernel(corpus, dims), _fit(path, dims))]
    table(f"Skip-gram, {corpus.token_count:,} words of Wikipedia, CPU seconds", rows)


def _row(what: str, dims: int, ours: float, theirs: float, tokens: int) -> dict[str, object]:
    return {
        "what": what,
        "dims": dims,
        "embedry s": f"{ours:.1f}",
        "gensim s": f"{theirs:.1f}",
        "embedry tokens/s": f"{tokens / ours:,.0f}",
        "gensim tokens/s": f"{tokens / theirs:,.0f}",
        "ratio": f"{theirs / ours:.1f}",
    }


def _kernel(corpus: Corpus, dims: int) -> dict[str, object]:
    """Training alone: vocabulary, tables and text are ready in memory, for both."""
    text = _vocabulary(corpus, SETTINGS["min_count"])
    generator = np.random.default_rng(1)
    count = len(text.words)
    vectors, contexts = aligned(count, dims), aligned(count + 1, dims)
    vectors[:, :dims] = (generator.random((count, dims)) - 0.5) / dims
    plan = sgns.SkipGram(
        keep=sgns.keep_thresholds(text.counts, SETTINGS["sample"]),
        negatives=sgns.negative_table(text.counts, 0.75, generator),
        total_tokens=9 * len(text.tokens),
        window=SETTINGS["window"],
        negative=SETTINGS["negative"],
    )
    state = sgns.start_state(generator)
    everything = (text.tokens, text.offsets, 0, len(text.offsets) - 1, plan, state)
    sentences = [corpus.sentence(place) for place in range(len(corpus))]
    peer = gensim_model(dims, seed=1, epochs=1)
    peer.build_vocab(sentences)
    ours, theirs = alternate(
        lambda: sgns.train(vectors, contexts, *everything),
        lambda: peer.train(sentences, total_examples=len(sentences), epochs=1),
    )
    return _row("training, 1 epoch", dims, ours, theirs, corpus.token_count)


def _fit(path, dims: int) -> dict[str, object]:
    """All of it: read, count, train 5 epochs; gensim by its fast way, corpus_file."""

    def ours():
        Word2Vec(dims, epochs=5, threads=1, **SETTINGS).fit(
            Corpus.from_file(path, tokenizer="whitespace")
        )

    def theirs():
        gensim_model(dims, seed=1, epochs=5, corpus_file=str(path))

    mine, other = alternate(ours, theirs, rounds=1)
    tokens = 5 * TOKENS
    return _row("whole fit, 5 epochs", dims, mine, other, tokens)
