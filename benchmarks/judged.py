"""Judged texts: what a query should find, and how alike people find two sentences.

The conventions, which move the numbers: Cranfield and CISI count any judgement as 1; the pool of
MS MARCO has gains of 1 to 3, taken as they are; HotpotQA asks for the two gold paragraphs, written
as "title. text". The first query is odd: tune on odd ones, report on even ones.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import data
from embedry.ranking import ndcg, recall

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Judged:
    """Queries over documents, with what is relevant to each, and how it is measured."""

    name: str
    documents: list[str]
    queries: list[str]
    relevant: list[dict[int, float]]
    measure: Callable[..., float]
    k: int

    def scores(self, similar: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the measure of each query, given (queries, documents) similarities."""
        best = np.argsort(-similar, axis=1, kind="stable")[:, : self.k].tolist()
        pairs = zip(best, self.relevant, strict=True)
        return np.array([self.measure(row, gains, k=self.k) for row, gains in pairs])


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences, and how alike people find them."""

    left: list[str]
    right: list[str]
    alike: NDArray[np.float64]


@cache
def all_judged() -> list[Judged]:
    """Return what is there of Cranfield, CISI, MS MARCO and HotpotQA."""
    folder = data("retrieval")
    found = [] if folder is None else [_cranfield(folder), _cisi(folder), _msmarco(folder)]
    folder = data("hotpotqa")
    return found if folder is None else [*found, *_hotpot(folder)]


def similarity_pairs(part: str) -> Pairs | None:
    """Return a part of STS-B: train, dev or test."""
    path = data(f"stsbenchmark/sts-{part}.csv")
    if path is None:
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    alike = np.array([float(row[4]) for row in rows])
    return Pairs([row[5] for row in rows], [row[6] for row in rows], alike)


def _smart(path: Path) -> dict[int, dict[str, str]]:
    """Read the format of the SMART collections: fields of numbered texts."""
    found: dict[int, dict[str, list[str]]] = {}
    number, field = 0, ""
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if begins := re.match(r"\.I\s+(\d+)", line):
            number, field = int(begins[1]), ""
            found[number] = defaultdict(list)
        elif named := re.match(r"\.([A-Z])\s*$", line):
            field = named[1]
        elif field:
            found[number][field].append(line.strip())
    return {one: {name: " ".join(text) for name, text in has.items()} for one, has in found.items()}


def _cranfield(folder: Path) -> Judged:
    texts, queries = (_smart(folder / "cranfield" / name) for name in ("cran.all.1400", "cran.qry"))
    places = {number: place for place, number in enumerate(texts)}
    relevant = defaultdict(dict)
    for line in (folder / "cranfield" / "cranqrel").read_text().splitlines():
        query, document, gain = map(int, line.split()[:3])
        if gain > 0 and document in places:
            relevant[query - 1][places[document]] = 1.0
    documents = [text.get("W") or text.get("T", "") for text in texts.values()]
    asked = [text["W"] for text in queries.values()]
    return _judged("Cranfield", documents, asked, relevant, ndcg, 10)


def _cisi(folder: Path) -> Judged:
    texts, queries = (_smart(folder / "cisi" / name) for name in ("CISI.ALL", "CISI.QRY"))
    places = {number: place for place, number in enumerate(texts)}
    order = {number: place for place, number in enumerate(queries)}
    relevant = defaultdict(dict)
    for line in (folder / "cisi" / "CISI.REL").read_text().splitlines():
        query, document = map(int, line.split()[:2])
        relevant[order[query]][places[document]] = 1.0
    documents = [f"{text.get('T', '')}. {text.get('W', '')}" for text in texts.values()]
    asked = [f"{text.get('T', '')} {text['W']}".strip() for text in queries.values()]
    return _judged("CISI", documents, asked, relevant, ndcg, 10)


def _msmarco(folder: Path) -> Judged:
    texts = _lines(folder / "msmarco-small" / "corpus.jsonl")
    queries = _lines(folder / "msmarco-small" / "queries.jsonl")
    places = {text["_id"]: place for place, text in enumerate(texts)}
    order = {query["_id"]: place for place, query in enumerate(queries)}
    relevant = defaultdict(dict)
    for line in (folder / "msmarco-small" / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, gain = line.split()
        if int(gain) > 0 and document in places:
            relevant[order[query]][places[document]] = float(gain)
    documents = [f"{text['title']} {text['text']}".strip() for text in texts]
    return _judged("MS MARCO", documents, [one["text"] for one in queries], relevant, ndcg, 10)


def _hotpot(folder: Path) -> list[Judged]:
    texts = _lines(folder / "corpus.jsonl.gz")
    places = {(text["title"], text["text"]): place for place, text in enumerate(texts)}
    asked = _lines(folder / "grpo_val.jsonl.gz")
    relevant = {
        place: {
            places[part["title"], part["text"]]: 1.0
            for part in one["paragraphs"]
            if part["is_gold"]
        }
        for place, one in enumerate(asked)
    }
    documents = [f"{text['title']}. {text['text']}" for text in texts]
    questions = [one["question"] for one in asked]
    return [_judged("HotpotQA", documents, questions, relevant, recall, k) for k in (5, 10)]


def _lines(path: Path) -> list[dict]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _judged(name, documents, queries, relevant, measure, k) -> Judged:
    """Keep the queries to which something is relevant, in their order."""
    kept = sorted(relevant)
    of = {ndcg: f"{name} nDCG@{k}", recall: f"{name} recall@{k}"}[measure]
    return Judged(
        of, documents, [queries[one] for one in kept], [relevant[one] for one in kept], measure, k
    )
