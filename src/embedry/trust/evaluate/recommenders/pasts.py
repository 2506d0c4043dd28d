"""What users have used before a test, where a model is to know them by that alone.

What it is: histories, by names, brought into the rows and columns of one model. What it is not:
what the model was trained on; the users may be new to it.

References
----------
Liang, Krishnan, Hoffman, Jebara 2018, Variational Autoencoders for Collaborative Filtering,
section 4 (users held out whole, known by a part of what they used: strong generalization).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.interactions import Interactions
from embedry.data.pairs.held_back import refuse_shared
from embedry.errors import InputError
from embedry.trust.evaluate.recommenders.rows import picked, places_of, starts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["Pasts", "check_apart", "match_pasts"]


@dataclass(frozen=True, eq=False)
class Pasts:
    """What each of n users has used, in the columns of a model.

    Attributes
    ----------
    starts : ndarray (n + 1,), int64
    columns : ndarray (entries,), int32
        In the order of the histories.
    values : ndarray (entries,), float32
        How strongly.
    told : ndarray (entries,), bool
        Whether the model knows anything of the item, so that it is told.
    strange : ndarray (n,), int64
        How many more pairs each has, of items the model knows nothing of, or not at all.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    told: NDArray[np.bool_]
    strange: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Who can be known by it: the users with an item that the model knows, (n,)."""
        owners = np.repeat(np.arange(len(self.strange)), np.diff(self.starts))
        return np.bincount(owners[self.told], minlength=len(self.strange)) > 0

    def only(self, rows: NDArray[np.int64]) -> Pasts:
        """Return those of some users, by row."""
        starts, entries = picked(self.starts, np.arange(len(self.columns)), rows)
        parts = (self.columns[entries], self.values[entries], self.told[entries])
        return Pasts(starts, *parts, self.strange[rows])

    def named(self, rows: range, item_ids: Sequence[Id]) -> list[dict[Id, float]]:
        """Return the histories of some users as a model is told them, by names."""
        found = []
        for row in rows:
            part = slice(self.starts[row], self.starts[row + 1])
            told = self.told[part]
            columns, values = self.columns[part][told], self.values[part][told]
            items = (item_ids[column] for column in columns.tolist())
            found.append(dict(zip(items, values.tolist(), strict=True)))
        return found


def match_pasts(
    users: Sequence[Id],
    histories: Interactions,
    item_ids: Sequence[Id],
    informs: NDArray[np.bool_],
) -> Pasts:
    """Bring histories into the rows of users and the columns of a model.

    Parameters
    ----------
    users : sequence of n ids
    histories : Interactions
        Users that are not asked for are passed over.
    item_ids : sequence of ids
        The columns.
    informs : ndarray (items,), bool
        Of which of them the model knows anything.

    Returns
    -------
    Pasts
    """
    rows = places_of(users, histories.user_ids)
    starts, entries = picked(histories.indptr, np.arange(len(histories)), rows)
    owners = np.repeat(np.arange(len(users)), np.diff(starts))
    columns = places_of(histories.item_ids, item_ids)[histories.indices[entries]]
    there = columns >= 0
    told = there & informs[columns]
    strange = np.bincount(owners[~told], minlength=len(users)).astype(np.int64)
    return Pasts(
        starts_of(owners[there], len(users)),
        columns[there].astype(np.int32),
        histories.values[entries][there],
        told[there],
        strange,
    )


def check_apart(test: Interactions, histories: Interactions) -> None:
    """Refuse histories that hold what is to be found.

    Parameters
    ----------
    test, histories : Interactions

    Raises
    ------
    InputError
        If ``histories`` are no Interactions, or share a pair with the test.
    """
    if not isinstance(histories, Interactions):
        raise InputError(
            f"histories must be Interactions; got {type(histories).__name__}. Make them with "
            "Interactions.from_triples(users, items), or take the train of a split of the test."
        )
    advice = (
        "Split the pairs of these users in two, by leave_one_out or random_split, or pass "
        "histories.without(test)."
    )
    refuse_shared(test, histories, ("the test", "histories"), advice)
