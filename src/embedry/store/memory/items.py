"""The ids of a collection in memory: which position each item has.

Positions count from 0 in the order of insertion and are never reused while the collection is
open. A replay of the log: see `embedry.store.disk.log`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.disk.records import Reader

__all__ = ["Items"]


class Items:
    """Ids, their positions and rows, and which are alive."""

    def __init__(self) -> None:
        self.seen = -1
        self.ids: list[Id] = []
        self.rows = np.empty(0, np.int64)  # (positions,), ascending: the log's row of each
        self.alive = np.empty(0, bool)  # (positions,); replaced, never written to
        self._position_of: dict[Id, int] = {}

    def __len__(self) -> int:
        """Return how many positions there are, dead ones included."""
        return len(self.ids)

    @property
    def count(self) -> int:
        """How many items are alive."""
        return len(self._position_of)

    def position(self, id: object) -> int | None:
        """Return the position of an id, or None."""
        return self._position_of.get(id)  # type: ignore[call-overload, no-any-return]

    def positions(self, ids: Iterable[Id]) -> NDArray[np.int64]:
        """Return the positions of ids that are all there, (n,) int64."""
        return np.fromiter((self._position_of[id] for id in ids), np.int64)

    def missing(self, ids: Iterable[Id]) -> list[Id]:
        """Return the ids that are not there."""
        return [id for id in ids if id not in self._position_of]

    def positions_of_rows(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions of rows; those this process never saw are left out."""
        wanted = np.asarray(rows, np.int64)
        places = np.searchsorted(self.rows, wanted)
        known = places < len(self.rows)
        known[known] = self.rows[places[known]] == wanted[known]
        return places[known]

    def catch_up(self, reader: Reader) -> None:
        """Take in what was written since."""
        gone = self.positions_of_rows(reader.removed(self.seen))
        gone = gone[self.alive[gone]]
        for position in gone.tolist():
            del self._position_of[self.ids[position]]
        newest = int(self.rows[-1]) if len(self.rows) else 0
        fresh = [(row, id) for row, id in reader.ids(self.seen) if row > newest]
        for position, (_, id) in enumerate(fresh, len(self.ids)):
            self.ids.append(id)
            self._position_of[id] = position
        if fresh:
            self.rows = np.concatenate([self.rows, np.array([r for r, _ in fresh], np.int64)])
        if fresh or len(gone):
            alive = np.concatenate([self.alive, np.ones(len(fresh), bool)])
            alive[gone] = False
            self.alive = alive
        self.seen = reader.change
