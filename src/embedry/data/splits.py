"""Splits of interactions: what is learned from, and what is held back to judge by.

What it is: random, leave-one-out, temporal, cold items, cold users, each in two parts or three.
Parts share no pair and together are all; each keeps the users and items that occur in it, and
all go by names. What it is not: an evaluation; see ``embedry.evaluate``.

References
----------
He, Liao, Zhang, Nie, Hu, Chua 2017, Neural Collaborative Filtering, section 4.1 (leave one out).
Meng, McCreadie, Macdonald, Ounis 2020, Exploring Data Splitting Strategies for the Evaluation of
Recommendation Models (how much the split decides).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from embedry.data.interactions import Interactions
from embedry.data.pairs.columns import as_times
from embedry.data.pairs.held_back import (
    TEST,
    TRAIN,
    VALIDATION,
    Keep,
    keep_last,
    refuse_shared,
    rows_apart,
    without_test,
)
from embedry.data.pairs.settings import check_share
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

__all__ = [
    "By",
    "Keep",
    "Split",
    "cold_items",
    "cold_users",
    "leave_one_out",
    "random_split",
    "temporal_split",
]


def __dir__() -> list[str]:
    return __all__


By: TypeAlias = Literal["time", "random"]


@dataclass(frozen=True, eq=False)
class Split:
    """Interactions in two parts, or three.

    Attributes
    ----------
    train, test : Interactions
        Each with the users and items that occur in it, in the order of the whole.
    validation : Interactions or None
        To tune on, so that nothing is chosen by the test.
    kept : mapping of str to int
        Pairs that were to be held back and stayed in train, counted by reason: ``"last pair of a
        user"``, ``"last pair of an item"``, ``"validation after a kept test pair"``.
    at : int or None
        The second that the test begins at, of a temporal split.

    Raises
    ------
    InputError
        If two parts share a pair.
    """

    train: Interactions
    test: Interactions
    validation: Interactions | None = None
    kept: Mapping[str, int] = field(default_factory=dict)
    at: int | None = None

    def __post_init__(self) -> None:
        """Refuse a leak, and hold the counts against change."""
        object.__setattr__(self, "kept", MappingProxyType(dict(self.kept)))
        parts = [("train", self.train), ("validation", self.validation), ("test", self.test)]
        there = [(name, part) for name, part in parts if part is not None]
        for place, (name, part) in enumerate(there):
            for other_name, other in there[place + 1 :]:
                advice = f"{other_name}.without({name}) leaves these out."
                refuse_shared(other, part, (other_name, name), advice)

    @property
    def unseen(self) -> dict[str, int]:
        """What of the test train does not know: ``"users"``, ``"items"``, ``"pairs"`` of either."""
        users = _is_new(self.test.user_ids, self.train.user_ids)
        items = _is_new(self.test.item_ids, self.train.item_ids)
        pairs = users[self.test.rows] | items[self.test.indices]
        counted = {"users": users, "items": items, "pairs": pairs}
        return {name: int(np.count_nonzero(mask)) for name, mask in counted.items()}


def random_split(
    interactions: Interactions,
    share: float = 0.2,
    *,
    validation: float | None = None,
    keep: Keep = "both",
    seed: int = 0,
) -> Split:
    """Hold back pairs at random.

    The usual split; it lets a model learn from what came after the test. Where there are times,
    `temporal_split` is nearer to what a recommender will meet.

    Parameters
    ----------
    interactions : Interactions
    share : float
        Of all pairs, for the test; in (0, 1).
    validation : float, optional
        Of all pairs, for a third part.
    keep : {"both", "users", "items", "none"}
        Whose last pair stays in train, counted in ``kept``: with ``"both"``, all users and items
        of the other parts are known to train, and the parts are somewhat smaller than asked for.
    seed : int

    Returns
    -------
    Split

    Raises
    ------
    InputError
        If they are no Interactions, a setting is out of range, or a part would be empty.

    Examples
    --------
    >>> users, items = zip(*[(u, i) for u in "abcde" for i in "vwxyz"])
    >>> split = random_split(Interactions.from_triples(users, items), 0.2)
    >>> len(split.train), len(split.test), split.unseen
    (20, 5, {'users': 0, 'items': 0, 'pairs': 0})
    """
    _check(interactions, keep)
    size = len(interactions)
    order = _generator(seed).permutation(size)
    parts = rows_apart(order, size, *_counts(size, share, validation))
    kept = keep_last(interactions, parts, order, keep)
    return _split(interactions, parts, three=validation is not None, kept=kept)


def leave_one_out(
    interactions: Interactions,
    by: By = "time",
    *,
    validation: bool = False,
    keep: Keep = "both",
    seed: int = 0,
) -> Split:
    """Hold back one pair of each user: the latest, or any.

    Parameters
    ----------
    interactions : Interactions
    by : {"time", "random"}
        ``"time"`` takes the latest, of equal times any of them. Others' later pairs stay in
        train: only `temporal_split` learns from nothing that came after the test.
    validation : bool
        Whether to hold back the one before too, of users with three pairs or more.
    keep : {"both", "users", "items", "none"}
        As in `random_split`. A user's only pair stays in train with ``"both"`` and ``"users"``;
        papers that follow He 2017 take ``"users"``.
    seed : int
        For the order of equal times, and for ``by="random"``.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        If they are no Interactions, a setting is none of these, there are no times for
        ``by="time"``, or a part would be empty.

    Examples
    --------
    >>> used = Interactions.from_triples([*"aaabb"], [*"xyzxy"], times=[1, 2, 3, 5, 4])
    >>> leave_one_out(used, keep="users").test.triples()[:2]
    (['a', 'b'], ['z', 'x'])
    """
    _check(interactions, keep)
    if by not in get_args(By):
        raise InputError(f"by must be 'time' or 'random'; got {by!r}.")
    chance = _generator(seed).permutation(len(interactions))
    rows = interactions.rows
    keys = (chance, _times(interactions), rows) if by == "time" else (chance, rows)
    order = np.lexsort(keys)  # by user, the last one the latest
    counts = np.diff(interactions.indptr)
    ends = interactions.indptr[1:]
    parts = np.full(len(interactions), TRAIN)
    parts[order[ends[counts > 0] - 1]] = TEST
    if validation:
        parts[order[ends[counts > 2] - 2]] = VALIDATION
    kept = keep_last(interactions, parts, chance, keep)
    after = without_test(interactions, parts)
    parts[after] = TRAIN
    kept["validation after a kept test pair"] = int(np.count_nonzero(after))
    return _split(interactions, parts, three=validation, kept=kept)


def temporal_split(
    interactions: Interactions,
    *,
    at: int | datetime | None = None,
    share: float | None = None,
    validation: float | None = None,
) -> Split:
    """Hold back all pairs from a time on.

    What a recommender meets: it has learned from the past alone. Users and items that are new
    after that time are unknown to train; ``unseen`` counts them.

    Parameters
    ----------
    interactions : Interactions
        With times.
    at : int or datetime, optional
        The second that the test begins at; a datetime knows its zone.
    share : float, optional
        Instead: about how many of the pairs, the latest, are the test; in (0, 1). Pairs of one
        second stay together, so that it may be more.
    validation : float, optional
        Of all pairs, those just before, for a third part.

    Returns
    -------
    Split
        Every pair of train is earlier than any of the validation, and these earlier than any of
        the test.

    Raises
    ------
    InputError
        If they are no Interactions or have no times, not exactly one of ``at`` and ``share`` is
        given, one is out of range, or a part would be empty.

    Examples
    --------
    >>> used = Interactions.from_triples([*"aabb"], [*"xyxy"], times=[1, 5, 2, 9])
    >>> split = temporal_split(used, share=0.5)
    >>> split.at, split.train.times, split.test.times
    (5, array([1, 2]), array([5, 9]))
    """
    _check(interactions)
    times = _times(interactions)
    if (at is None) == (share is None):
        raise InputError("Pass exactly one of at=, a time, and share=, a part of all pairs.")
    ordered = np.sort(times)
    if share is None:
        begin = int(as_times(np.array([at]), 1, lambda _: "at")[0])
    else:
        begin = int(ordered[len(times) - _counts(len(times), share, None)[0]])
    parts = np.where(times >= begin, TEST, TRAIN)
    if validation is not None:
        validation = check_share("validation", validation)
        first = int(np.searchsorted(ordered, begin)) - max(1, round(validation * len(times)))
        before = ordered[max(first, 0)]
        parts[(times >= before) & (times < begin)] = VALIDATION
    return _split(interactions, parts, three=validation is not None, at=begin)


def cold_items(
    interactions: Interactions,
    share: float = 0.2,
    *,
    validation: float | None = None,
    seed: int = 0,
) -> Split:
    """Hold back all pairs of some items, which train then knows nothing of.

    To judge what is said of new items, by their content.

    Parameters
    ----------
    interactions : Interactions
    share : float
        Of the items with a pair, for the test; in (0, 1).
    validation : float, optional
        Of the items with a pair, for a third part.
    seed : int

    Returns
    -------
    Split
        Users who used cold items alone are unknown to train; ``unseen`` counts them.

    Raises
    ------
    InputError
        If they are no Interactions, a setting is out of range, or a part would be empty.

    Examples
    --------
    >>> users, items = zip(*[(u, i) for u in "abcde" for i in "vwxyz"])
    >>> split = cold_items(Interactions.from_triples(users, items), 0.4)
    >>> split.train.shape, split.test.shape, split.unseen["items"]
    ((5, 3), (5, 2), 2)
    """
    _check(interactions)
    parts = _cold(interactions.item_counts, share, validation, seed)[interactions.indices]
    return _split(interactions, parts, three=validation is not None)


def cold_users(
    interactions: Interactions,
    share: float = 0.2,
    *,
    validation: float | None = None,
    seed: int = 0,
) -> Split:
    """Hold back all pairs of some users, whom train then knows nothing of.

    To judge what is said to new users by their histories: split the test again, by
    `leave_one_out` or `random_split`, into histories and what is to be found, and pass both to
    ``embedry.evaluate.recommend(model, found, histories=histories)`` (Liang 2018 calls this
    strong generalization).

    Parameters
    ----------
    interactions : Interactions
    share : float
        Of the users with a pair, for the test; in (0, 1).
    validation : float, optional
        Of the users with a pair, for a third part.
    seed : int

    Returns
    -------
    Split
        Items that cold users alone used are unknown to train; ``unseen`` counts them.

    Raises
    ------
    InputError
        If they are no Interactions, a setting is out of range, or a part would be empty.

    References
    ----------
    Liang, Krishnan, Hoffman, Jebara 2018, Variational Autoencoders for Collaborative Filtering,
    section 4.

    Examples
    --------
    >>> users, items = zip(*[(u, i) for u in "abcde" for i in "vwxyz"])
    >>> split = cold_users(Interactions.from_triples(users, items), 0.2)
    >>> split.train.shape, split.test.shape, split.unseen["users"]
    ((4, 5), (1, 5), 1)
    """
    _check(interactions)
    counts = np.diff(interactions.indptr)
    parts = _cold(counts, share, validation, seed)[interactions.rows]
    return _split(interactions, parts, three=validation is not None)


def _cold(
    counts: NDArray[np.int64], share: float, validation: float | None, seed: int
) -> NDArray[np.int8]:
    order = _generator(seed).permutation(np.flatnonzero(counts))
    return rows_apart(order, len(counts), *_counts(len(order), share, validation))


def _split(
    interactions: Interactions,
    parts: NDArray[np.int8],
    *,
    three: bool,
    kept: Mapping[str, int] | None = None,
    at: int | None = None,
) -> Split:
    """Take the pairs apart."""
    wanted = {"train": TRAIN, "test": TEST} | ({"validation": VALIDATION} if three else {})
    found = {}
    for name, part in wanted.items():
        mask = parts == part
        if not mask.any():
            raise InputError(
                f"Each part must hold a pair; {name} would hold none of {interactions!r}. Choose "
                "another share or time, or another split."
            )
        found[name] = interactions.chosen(mask)
    counted = {reason: count for reason, count in (kept or {}).items() if count}
    return Split(**found, kept=counted, at=at)


# --- what was asked ----------------------------------------------------------------------------


def _check(interactions: Interactions, keep: Keep = "both") -> None:
    if not isinstance(interactions, Interactions):
        raise InputError(
            f"A split is made of Interactions; got {type(interactions).__name__}. Make them with "
            "Interactions.from_triples(users, items) or .from_file(path)."
        )
    if keep not in get_args(Keep):
        raise InputError(f"keep must be one of {', '.join(get_args(Keep))}; got {keep!r}.")


def _times(interactions: Interactions) -> NDArray[np.int64]:
    if interactions.times is None:
        raise InputError(
            f"{interactions!r} must have times to be split by. Read them with time=, or split at "
            "random."
        )
    return interactions.times


def _counts(total: int, share: float, validation: float | None) -> tuple[int, int]:
    """Return how many are the test and the validation: at least one, where asked for."""
    share = check_share("share", share)
    if validation is None:
        return max(1, round(share * total)), 0
    validation = check_share("validation", validation)
    if share + validation >= 1:
        raise InputError(
            f"share and validation must leave something to learn from; got {share:g} and "
            f"{validation:g}, which leave nothing."
        )
    return max(1, round(share * total)), max(1, round(validation * total))


def _generator(seed: int) -> np.random.Generator:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be an int of at least 0; got {seed!r}.")
    return np.random.default_rng(seed)


def _is_new(names: tuple[str | int, ...], known: tuple[str | int, ...]) -> NDArray[np.bool_]:
    there = set(known)
    return np.array([name not in there for name in names], bool)
