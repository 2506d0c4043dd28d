"""What MovieLens-1M says of its movies, as spaces of content: genres, years, people, plots."""

from __future__ import annotations

import csv
import gzip
import re
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import data
from embedry import Embeddings, TagEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Columns of movies_extrainfos.dat
TITLE, YEAR, RATED, DIRECTOR, WRITER, CAST, PLOT = 1, 2, 3, 6, 7, 8, 9
COMMONEST = 0.3  # words of a plot that more movies have say nothing
YEARS_APART, YEARS_WIDE = 4, 5.0


def content_of(titles: Mapping[int, str], genres: Mapping[int, str]) -> dict[str, Embeddings]:
    """Return the spaces of content of movies, by title (as in ``Alien (1979)``) and genres."""
    facts = _facts(data("movielens-1m/movies_extrainfos.dat.gz"))
    known = {
        movie: facts[found] for movie, title in titles.items() if (found := _match(title, facts))
    }
    words = {movie: _words(fact[PLOT] + " " + fact[TITLE]) for movie, fact in known.items()}
    people = {
        name: {movie: _people(fact[column]) for movie, fact in known.items()}
        for name, column in (("director", DIRECTOR), ("writer", WRITER), ("cast", CAST))
    }
    rated = {movie: [fact[RATED]] for movie, fact in known.items()}
    return {
        "genre": _space({movie: text.split("|") for movie, text in genres.items()}),
        "year": _years({movie: int(title.strip()[-5:-1]) for movie, title in titles.items()}),
        "plot": _space(_without_common(words), least=2),
        **{name: _space(tags, least=2) for name, tags in people.items()},
        "rated": _space(rated, least=5),
    }


def _space(tags: Mapping[int, list[str]], least: int = 1) -> Embeddings:
    return TagEncoder(min_count=least).fit(tags.values()).embeddings(tags)


def _years(years: Mapping[int, int]) -> Embeddings:
    middles = np.arange(1920, 2003, YEARS_APART)
    far = (np.array(list(years.values()))[:, None] - middles) / YEARS_WIDE  # (movies, middles)
    return Embeddings(list(years), np.exp(-(far**2) / 2))


def _without_common(words: Mapping[int, list[str]]) -> dict[int, list[str]]:
    having: dict[str, int] = {}
    for mine in words.values():
        for word in set(mine):
            having[word] = having.get(word, 0) + 1
    most = COMMONEST * len(words)
    return {movie: [w for w in mine if having[w] <= most] for movie, mine in words.items()}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]{2,}", text.lower())


def _people(text: str) -> list[str]:
    names = (re.sub(r"\(.*?\)", "", name).strip() for name in text.split(","))
    return [name for name in names if name and name != "N/A"]


def _facts(path: Path) -> dict[tuple[str, int], list[str]]:
    """Return the columns of each movie by its plain title and year."""
    found: dict[tuple[str, int], list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            columns = line.rstrip("\n").split("::")
            year = re.sub(r"\D", "", columns[YEAR])[:4] if len(columns) > PLOT else ""
            if year:
                found.setdefault((_plain(columns[TITLE]), int(year)), columns)
    return found


def _match(title: str, facts: Mapping[tuple[str, int], object]) -> tuple[str, int] | None:
    plain, year = _plain(title.strip()[:-6]), int(title.strip()[-5:-1])
    return next(
        ((plain, year + off) for off in (0, -1, 1, -2, 2) if (plain, year + off) in facts), None
    )


def _plain(title: str) -> str:
    bare = re.sub(r"\s*\([^()]*\)", "", title).strip()
    turned = re.sub(r"^(.*), (The|A|An|Les|La|Le|Il|Das|El)$", r"\2 \1", bare)
    return re.sub(r"[^a-z0-9]", "", turned.lower().replace("&", "and"))


def read_pairs(name: str) -> np.ndarray:
    """Return the (user, item) rows of a gzipped csv of the cold-start split, (n, 2) int64."""
    with gzip.open(data(f"movielens-1m/coldstart/{name}.csv.gz"), "rt", encoding="utf-8") as file:
        return np.array([list(map(int, row)) for row in list(csv.reader(file))[1:]])


def read_items() -> tuple[dict[int, str], dict[int, str]]:
    """Return titles and genres of the items of the cold-start split."""
    with gzip.open(data("movielens-1m/coldstart/item_df.csv.gz"), "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {int(row[0]): row[1] for row in rows}, {int(row[0]): row[2] for row in rows}
