"""Skip-gram: quality beside gensim, three seeds, paired bootstrap over the questions."""

from __future__ import annotations

import logging
import os

import numpy as np
from scipy.stats import rankdata

from benchmarks.report import data, table, wiki_text
from benchmarks.words import SETTINGS, gensim_model
from embedry import Corpus, Word2Vec

TOKENS = int(os.environ.get("EMBEDRY_BENCH_TOKENS", "4000000"))
SEEDS = (1, 2, 3)
_ANALOGY_WORDS = 30_000
_RESAMPLES = 1_000


def run() -> None:
    logging.getLogger("gensim").setLevel(logging.ERROR)
    path, folder = wiki_text(TOKENS), data("words")
    if path is None or folder is None:
        return
    corpus = Corpus.from_file(path, tokenizer="whitespace")
    ours, theirs = [], []
    for seed in SEEDS:
        words = Word2Vec(100, seed=seed, epochs=5, threads=1, **SETTINGS).fit(corpus)
        ours.append(_answers(words.embeddings_.ids, words.embeddings_.vectors, folder))
        peer = gensim_model(100, seed=seed, epochs=5, corpus_file=str(path)).wv
        theirs.append(_answers(peer.index_to_key, peer.vectors, folder))
    rows = [_compared(name, ours, theirs) for name in ours[0]]
    table(f"Quality, {corpus.token_count:,} words, 5 epochs, dims 100, 3 seeds", rows)


def _answers(ids, vectors, folder) -> dict[str, np.ndarray]:
    """Return, for each test, what the vectors say beside the truth, a question a row."""
    place = {word: number for number, word in enumerate(ids)}
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        "WS-353": _pairs(place, units, folder / "EN-WS-353-ALL.txt"),
        "SimLex-999": _pairs(place, units, folder / "EN-SIMLEX-999.txt"),
        "analogies": _analogies(place, units, folder / "questions-words.txt"),
    }


def _pairs(place, units, path) -> np.ndarray:
    rows = []
    for line in path.read_text().splitlines():
        first, second, truth = line.split()[:3]
        if first.lower() in place and second.lower() in place:
            cosine = units[place[first.lower()]] @ units[place[second.lower()]]
            rows.append((float(truth), float(cosine)))
    return np.array(rows)


def _analogies(place, units, path) -> np.ndarray:
    lines = [line.lower().split() for line in path.read_text().splitlines() if line[0] != ":"]
    near = units[:_ANALOGY_WORDS]
    asked = [
        [place[word] for word in line]
        for line in lines
        if all(place.get(word, _ANALOGY_WORDS) < _ANALOGY_WORDS for word in line)
    ]
    right = []
    for first in range(0, len(asked), 500):
        a, b, c, d = np.array(asked[first : first + 500]).T
        scores = (near[b] - near[a] + near[c]) @ near.T
        for given in (a, b, c):
            scores[np.arange(len(a)), given] = -np.inf
        right.extend((scores.argmax(axis=1) == d).astype(float))
    return np.array(right)[:, None]


def _score(rows: np.ndarray) -> float:
    """Return Spearman's rank correlation of pairs, or the share of right answers."""
    if rows.shape[1] == 1:
        return float(rows.mean())
    return float(np.corrcoef(rankdata(rows[:, 0]), rankdata(rows[:, 1]))[0, 1])


def _compared(name: str, ours, theirs) -> dict[str, object]:
    generator = np.random.default_rng(0)
    count = len(ours[0][name])
    differences = []
    for _ in range(_RESAMPLES):
        sample = generator.integers(0, count, count)
        pairs = zip(ours, theirs, strict=True)
        each = [_score(a[name][sample]) - _score(b[name][sample]) for a, b in pairs]
        differences.append(np.mean(each))
    low, high = np.quantile(differences, [0.025, 0.975])
    return {
        "test": name,
        "questions": count,
        "embedry": f"{np.mean([_score(run[name]) for run in ours]):.3f}",
        "gensim": f"{np.mean([_score(run[name]) for run in theirs]):.3f}",
        "difference, 95 %": f"{low:+.3f} .. {high:+.3f}",
        "lower bound above -.02": "yes" if low > -0.02 else "NO",
    }
