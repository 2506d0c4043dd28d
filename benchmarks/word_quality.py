"""Skip-gram: quality beside gensim, seed by seed, paired bootstrap over the questions.

``EMBEDRY_BENCH_TOKENS`` says how many words are learned from; 16500000 takes all there are, and
gensim about ten minutes a seed. The table is printed anew after each seed, for all seeds so far.
"""

from __future__ import annotations

import os

from benchmarks.peers import SETTINGS, gensim_words
from benchmarks.report import cpu_seconds, data, table, wiki_text
from embedry import Corpus, Embeddings, Word2Vec
from embedry.trust.evaluate import compare, read_analogies, read_word_pairs

TOKENS = int(os.environ.get("EMBEDRY_BENCH_TOKENS", "4000000"))
SEEDS = (1, 2, 3)
EPOCHS = 5


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
    ours, theirs = [], []
    for count, seed in enumerate(SEEDS, start=1):
        ours.append(_embedry(corpus, seed))
        theirs.append(_gensim(path, corpus.token_count, seed))
        rows = [_compared(name, ours, theirs, questions) for name, questions in tests.items()]
        words = f"{corpus.token_count:,} words, {EPOCHS} epochs, dims 100"
        table(f"Skip-gram, quality, {words}, seeds so far: {count}", rows)


def _embedry(corpus: Corpus, seed: int) -> Embeddings:
    learner = Word2Vec(100, seed=seed, epochs=EPOCHS, threads=1, **SETTINGS)
    learned, seconds = cpu_seconds(lambda: learner.fit(corpus))
    _say("embedry", seed, corpus.token_count, seconds)
    return learned.embeddings_


def _gensim(path, tokens: int, seed: int) -> Embeddings:
    model, seconds = cpu_seconds(
        lambda: gensim_words(100, seed=seed, epochs=EPOCHS, corpus_file=str(path))
    )
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
