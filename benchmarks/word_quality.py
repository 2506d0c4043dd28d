"""Words: quality beside gensim, seed by seed, paired bootstrap over the questions.

``EMBEDRY_BENCH_TOKENS`` says how many words are learned from; 16500000 takes all there are, and
gensim about six minutes a seed of skip-gram, half an hour with n-grams of characters.
``EMBEDRY_BENCH_KINDS`` names what is learned, with commas between: skip-gram, CBOW,
skip-gram+n-grams, CBOW+n-grams. The table is printed anew after each seed, for all seeds so far.
Both sides learn at their own default rate.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from benchmarks.peers import SETTINGS, gensim_subwords, gensim_words
from benchmarks.report import cpu_seconds, data, table, wiki_text
from embedry import Corpus, Embeddings, Subwords, Word2Vec
from embedry.trust.evaluate import compare, read_analogies, read_word_pairs

TOKENS = int(os.environ.get("EMBEDRY_BENCH_TOKENS", "4000000"))
SEEDS = (1, 2, 3)
EPOCHS = 5


@dataclass(frozen=True)
class Kind:
    """One way to learn."""

    cbow: bool = False
    subwords: Subwords | None = None


KINDS = {
    "skip-gram": Kind(),
    "CBOW": Kind(cbow=True),
    "skip-gram+n-grams": Kind(subwords=Subwords(3, 6)),
    "CBOW+n-grams": Kind(cbow=True, subwords=Subwords(3, 6)),
}
CHOSEN = os.environ.get("EMBEDRY_BENCH_KINDS", "skip-gram").split(",")


def run() -> None:
    path, folder = wiki_text(TOKENS), data("words")
    if path is None or folder is None:
        return
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    tests = {
        "WS-353": read_word_pairs(folder / "EN-WS-353-ALL.txt"),
        "SimLex-999": read_word_pairs(folder / "EN-SIMLEX-999.txt"),
        "analogies": read_analogies(folder / "questions-words.txt"),
    }
    words = f"{corpus.token_count:,} words, {EPOCHS} epochs, dims 100"
    for name in CHOSEN:
        ours, theirs = [], []
        for count, seed in enumerate(SEEDS, start=1):
            ours.append(_embedry(corpus, KINDS[name], seed))
            theirs.append(_gensim(path, corpus.token_count, KINDS[name], seed))
            rows = [_compared(test, ours, theirs, questions) for test, questions in tests.items()]
            table(f"{name}: quality, {words}, seeds so far: {count}", rows)


def _embedry(corpus: Corpus, kind: Kind, seed: int) -> Embeddings:
    ways = {"architecture": "cbow" if kind.cbow else "skipgram", "subwords": kind.subwords}
    learner = Word2Vec(100, seed=seed, epochs=EPOCHS, threads=1, **ways, **SETTINGS)
    learned, seconds = cpu_seconds(lambda: learner.fit(corpus))
    _say("embedry", seed, corpus.token_count, seconds)
    return learned.embeddings_


def _gensim(path, tokens: int, kind: Kind, seed: int) -> Embeddings:
    train = partial(gensim_subwords, subwords=kind.subwords) if kind.subwords else gensim_words
    settings = {"seed": seed, "epochs": EPOCHS, "cbow": kind.cbow, "corpus_file": str(path)}
    model, seconds = cpu_seconds(lambda: train(100, **settings))
    _say("gensim", seed, tokens, seconds)
    return Embeddings(model.wv.index_to_key, model.wv.vectors)


def _say(name: str, seed: int, tokens: int, seconds: float) -> None:
    speed = EPOCHS * tokens / seconds
    print(f"{name}, seed {seed}: {seconds:.0f} CPU s, {speed:,.0f} tokens/s", flush=True)


def _compared(name: str, ours, theirs, questions) -> dict[str, object]:
    found = compare(ours, theirs, questions)
    return {
        "test": name,
        "questions": found.known,
        "embedry": f"{found.first.mean:.3f}",
        "gensim": f"{found.second.mean:.3f}",
        "difference, 95 %": f"{found.interval.low:+.3f} .. {found.interval.high:+.3f}",
        "lower bound above -.02": "yes" if found.interval.low > -0.02 else "NO",
    }
