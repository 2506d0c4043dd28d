"""Skip-gram: quality beside gensim, three seeds, paired bootstrap over the questions."""

from __future__ import annotations

import logging
import os

from benchmarks.report import data, table, wiki_text
from benchmarks.words import SETTINGS, gensim_model
from embedry import Corpus, Embeddings, Word2Vec
from embedry.trust.evaluate import compare, read_analogies, read_word_pairs

TOKENS = int(os.environ.get("EMBEDRY_BENCH_TOKENS", "4000000"))
SEEDS = (1, 2, 3)


def run() -> None:
    logging.getLogger("gensim").setLevel(logging.ERROR)
    path, folder = wiki_text(TOKENS), data("words")
    if path is None or folder is None:
        return
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    ours, theirs = [], []
    for seed in SEEDS:
        words = Word2Vec(100, seed=seed, epochs=5, threads=1, **SETTINGS).fit(corpus)
        ours.append(words.embeddings_)
        peer = gensim_model(100, seed=seed, epochs=5, corpus_file=str(path)).wv
        theirs.append(Embeddings(peer.index_to_key, peer.vectors))
    tests = {
        "WS-353": read_word_pairs(folder / "EN-WS-353-ALL.txt"),
        "SimLex-999": read_word_pairs(folder / "EN-SIMLEX-999.txt"),
        "analogies": read_analogies(folder / "questions-words.txt"),
    }
    rows = [_compared(name, questions, ours, theirs) for name, questions in tests.items()]
    table(f"Quality, {corpus.token_count:,} words, 5 epochs, dims 100, 3 seeds", rows)


def _compared(name: str, questions, ours, theirs) -> dict[str, object]:
    found = compare(ours, theirs, questions)
    return {
        "test": name,
        "questions": found.known,
        "embedry": f"{found.first.mean:.3f}",
        "gensim": f"{found.second.mean:.3f}",
        "difference, 95 %": f"{found.interval.low:+.3f} .. {found.interval.high:+.3f}",
        "lower bound above -.02": "yes" if found.interval.low > -0.02 else "NO",
    }
