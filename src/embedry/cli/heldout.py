"""What `embedry evaluate recommend` reads: a model of taste, and files with the ids it knows.

What it is: ids of text brought to those of a model, which may be numbers. What it is not: the
evaluation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from embedry.cli.arguments import as_columns, as_delimiter, known_id, read_interactions
from embedry.data.interactions import Interactions
from embedry.errors import InputError
from embedry.trust.evaluate.recommenders.negatives import read_negatives
from embedry.trust.evaluate.recommenders.sampled import Sampled

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from embedry.ids import Id
    from embedry.learn.taste.learner import TasteLearner

__all__ = ["HeldOut", "as_cutoffs"]


def as_cutoffs(text: str) -> tuple[int, ...]:
    """Read cutoffs from the command line.

    Parameters
    ----------
    text : str
        Such as ``"5,10,20"``.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If one is no whole number.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--k must be whole numbers, such as 5,10,20; got {text!r}.") from None


class HeldOut:
    """Files about users and items, read with the ids of a model."""

    def __init__(self, taste: TasteLearner) -> None:
        used = taste.interactions_
        self._users, self._items = frozenset(used.user_ids), frozenset(used.item_ids)

    def test(self, path: Path, delimiter: str | None, columns: str | None) -> Interactions:
        """Read the pairs of a test; see `embedry.Interactions.from_file`."""
        given = as_columns(columns) or (0, 1)
        found = Interactions.from_file(path, delimiter=as_delimiter(delimiter), columns=given)
        return self._named(found)

    def histories(self, path: Path, delimiter: str | None, columns: str | None) -> Interactions:
        """Read what users had used, with values where there are, as what is learned from."""
        return self._named(read_interactions(path, delimiter, columns, None))

    def _named(self, found: Interactions) -> Interactions:
        return replace(
            found,
            user_ids=_known(self._users, found.user_ids),
            item_ids=_known(self._items, found.item_ids),
        )

    def items(self, path: Path) -> list[Id]:
        """Read items, one a line; blank lines are passed over."""
        from embedry.data.text.encoding import read_text

        names = filter(None, map(str.strip, read_text(path).splitlines()))
        return list(_known(self._items, tuple(dict.fromkeys(names))))

    def protocol(self, count: int | None, path: Path | None, seed: int) -> Sampled | None:
        """Return the sampled protocol that was asked for by a number or a file, or none."""
        if count is not None and path is not None:
            raise InputError("Pass --sampled to draw negatives, or --negatives for a file of them.")
        if path is None:
            return None if count is None else Sampled(count, seed=seed)
        given = read_negatives(path)
        return Sampled(
            {
                known_id(self._users, str(user)): _known(self._items, items)
                for user, items in given.items()
            }
        )


def _known(known: frozenset[Id], texts: Iterable[Id]) -> tuple[Id, ...]:
    return tuple(known_id(known, str(text)) for text in texts)
