"""Which part of a split a pair goes to: train, validation or test.

What it is: parts as numbers, pairs put back into train where somebody would be left without, and
the refusal of a leak. What it is not: the splits; see ``embedry.data.splits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions

__all__ = [
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Keep",
    "keep_last",
    "refuse_shared",
    "rows_apart",
    "without_test",
]

TRAIN = np.int8(0)
VALIDATION = np.int8(1)
TEST = np.int8(2)
_NAMED = 3  # pairs in a message

Keep: TypeAlias = Literal["both", "users", "items", "none"]


def rows_apart(
    order: NDArray[np.int64], count: int, test: int, validation: int
) -> NDArray[np.int8]:
    """Say of each of ``count`` things which part it goes to.

    Parameters
    ----------
    order : ndarray (chosen,), int64
        Places, the first for the test, the next for the validation.
    count, test, validation : int

    Returns
    -------
    ndarray (count,), int8
    """
    parts = np.full(count, TRAIN)
    parts[order[:test]] = TEST
    parts[order[test : test + validation]] = VALIDATION
    return parts


def keep_last(
    interactions: Interactions, parts: NDArray[np.int8], chance: NDArray[np.int64], keep: Keep
) -> dict[str, int]:
    """Put a pair back into train of each user and item that would have none there.

    Parameters
    ----------
    interactions : Interactions
    parts : ndarray (pairs,), int8
        TRAIN, VALIDATION or TEST; changed in place.
    chance : ndarray (pairs,), int64
        A permutation: of several pairs, one of the validation is put back rather than one of the
        test, and of these the lowest.
    keep : {"both", "users", "items", "none"}
        Whose.

    Returns
    -------
    dict of str to int
        How many, by reason.
    """
    kept = {}
    if keep in {"both", "users"}:
        kept["last pair of a user"] = _put_back(interactions.rows, parts, chance)
    if keep in {"both", "items"}:
        kept["last pair of an item"] = _put_back(interactions.indices, parts, chance)
    return kept


def _put_back(owners: NDArray[np.int32], parts: NDArray[np.int8], chance: NDArray[np.int64]) -> int:
    """Put one pair back of each owner without any in train, and count them."""
    has = np.bincount(owners, weights=parts == TRAIN) > 0
    lost = np.flatnonzero(~has[owners])
    order = lost[np.lexsort((chance[lost], parts[lost], owners[lost]))]
    begins = np.ones(len(order), bool)
    np.not_equal(owners[order[1:]], owners[order[:-1]], out=begins[1:])
    parts[order[begins]] = TRAIN
    return int(np.count_nonzero(begins))


def without_test(interactions: Interactions, parts: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Mark validation pairs of users without a test pair.

    Parameters
    ----------
    interactions : Interactions
    parts : ndarray (pairs,), int8

    Returns
    -------
    ndarray (pairs,), bool
    """
    rows = interactions.rows
    tested = np.bincount(rows, weights=parts == TEST, minlength=len(interactions.user_ids)) > 0
    marked: NDArray[np.bool_] = (parts == VALIDATION) & ~tested[rows]
    return marked


def refuse_shared(held: Interactions, others: Interactions, what: tuple[str, str], do: str) -> None:
    """Refuse a leak: pairs that are held back, and are among others too.

    Parameters
    ----------
    held, others : Interactions
    what : pair of str
        How the message calls them: ``("the test", "The training data")``.
    do : str
        What to do, a sentence.

    Raises
    ------
    InputError
        If they share a pair, by names; the message counts them and names up to three.
    """
    shared = np.flatnonzero(held.among(others))
    if shared.size:
        rows, columns = held.rows[shared[:_NAMED]], held.indices[shared[:_NAMED]]
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        few = ", ".join(f"({held.user_ids[u]!r}, {held.item_ids[i]!r})" for u, i in pairs)
        raise InputError(
            f"{what[1]} must hold no pair of {what[0]}; they hold {len(shared):,} of "
            f"{len(held):,}, such as {few}. {do}"
        )
