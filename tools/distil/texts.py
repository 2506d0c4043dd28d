"""The texts that the student is taught with, and the words added to the teacher's pieces.

From a file of articles, a JSON object a line with ``title`` and ``text``: sentences, paragraphs
(half of them behind their title), short spans, and titles. The same file and seed give the same
texts in the same order.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tokenizers.normalizers import BertNormalizer

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SENTENCES, PARAGRAPHS, SPANS = 240_000, 26_000, 40_000
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")


class Article(NamedTuple):
    """One article of the training text."""

    title: str
    text: str


def articles(path: Path) -> list[Article]:
    """Read all articles of a file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open() as file:
        rows = map(json.loads, file)
        return [Article(row["title"], row["text"]) for row in rows]


def training_texts(path: Path, seed: int = 0) -> list[str]:
    """Cut articles into the texts that the teacher reads, shuffled."""
    chance = random.Random(seed)
    sentences: list[str] = []
    paragraphs: list[str] = []
    titles: list[str] = []
    for title, text in articles(path):
        titles.append(title)
        for paragraph in map(str.strip, text.split("\n\n")):
            words = paragraph.count(" ") + 1
            if 40 <= words <= 130:
                titled = f"{title}. {paragraph}" if chance.random() < 0.5 else paragraph
                paragraphs.append(titled)
            if words >= 4:
                cut = _SENTENCE_END.split(paragraph)
                sentences += [one for one in cut if 5 <= one.count(" ") + 1 <= 50]
    sentences, paragraphs = list(dict.fromkeys(sentences)), list(dict.fromkeys(paragraphs))
    chance.shuffle(sentences)
    chance.shuffle(paragraphs)
    spans = [_span(one, chance) for one in sentences[SENTENCES : SENTENCES + SPANS]]
    texts = [*sentences[:SENTENCES], *paragraphs[:PARAGRAPHS], *spans, *titles]
    chance.shuffle(texts)
    return texts


def _span(sentence: str, chance: random.Random) -> str:
    words = sentence.split()
    length = chance.randint(2, 8)
    first = chance.randint(0, max(0, len(words) - length))
    return " ".join(words[first : first + length]).strip(" ,.;:")


def frequent_words(path: Path, known: Collection[str], most: int) -> list[str]:
    """Return the most frequent words that are not known, as BERT's normaliser writes them."""
    normalise = BertNormalizer(lowercase=True).normalize_str
    counts: Counter[str] = Counter()
    for article in articles(path):
        counts.update(_WORD.findall(normalise(article.text)))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    found = (
        word
        for word, count in ordered
        if count >= 5 and len(word) > 1 and not word.isdigit() and word not in known
    )
    return list(islice(found, most))
