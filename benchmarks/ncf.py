"""The leave-one-out protocol of He 2017 on MovieLens-1M: one item to be found among 99 others.

A reader of the files that were published with the paper, ``ml-1m.test.rating`` and
``ml-1m.test.negative``, gzipped or not. They number users from 0 and movies in order of first
appearance; what is read has the names of MovieLens itself.

References
----------
He, Liao, Zhang, Nie, Hu, Chua 2017, Neural Collaborative Filtering, section 4.1.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedry import Interactions
from embedry.data.splits import Split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS, MOVIES, NEGATIVES = 6040, 3706, 99
_PAIR = re.compile(r"\((\d+),(\d+)\)")


@dataclass(frozen=True)
class LeaveOneOut:
    """What is learned from, what is to be found, and among what.

    Attributes
    ----------
    split : Split
        All pairs but one of each user; that one.
    negatives : dict of str to tuple of 99 str
        Of each user, movies that they have not seen in training; 156 users have their test movie
        among them, which evaluation leaves out.
    """

    split: Split
    negatives: dict[str, tuple[str, ...]]


def read_leave_one_out(folder: Path) -> LeaveOneOut:
    """Read ``pairs.parquet`` (all pairs, in the order of MovieLens) and the two files."""
    whole = Interactions.from_parquet(folder / "pairs.parquet", user="userID", item="movieID")
    if whole.shape != (USERS, MOVIES):
        raise ValueError(f"MovieLens-1M has {USERS} users and {MOVIES} movies; got {whole!r}.")
    users, movies = whole.user_ids, whole.item_ids  # in order of first appearance
    held = [line.split("\t")[:2] for _, line in _lines(folder / "ml-1m.test.rating")]
    held_pairs = [(int(user), int(movie)) for user, movie in held]
    test = Interactions.from_triples(
        [users[user] for user, _ in held_pairs], [movies[movie] for _, movie in held_pairs]
    )
    if not whole.among(test).sum() == len(test) == USERS:
        raise ValueError("Each user must have one test pair that is among all pairs.")
    negatives = {}
    for where, line in _lines(folder / "ml-1m.test.negative"):
        first, *others = line.split("\t")
        found = _PAIR.fullmatch(first)
        if found is None or (int(found[1]), int(found[2])) != held_pairs[len(negatives)]:
            raise ValueError(f"{where}: {first} must be the test pair of the same line.")
        if len(set(others)) != NEGATIVES:
            raise ValueError(f"{where}: there must be {NEGATIVES} movies; got {len(set(others))}.")
        negatives[users[int(found[1])]] = tuple(movies[int(movie)] for movie in others)
    return LeaveOneOut(Split(whole.without(test), test), negatives)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    packed = path.with_name(path.name + ".gz")
    place = path if path.exists() else packed
    with gzip.open(place, "rt") if place == packed else place.open() as file:
        for number, line in enumerate(file, 1):
            yield f"{place}, line {number}", line.rstrip("\n")
