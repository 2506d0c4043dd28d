"""What changed when a space grew: how far known items moved, and which moved most.

A space that learns on from new data is a child of the one it was: the coordinates are the same
(the map between the two is the identity), but items move. That is measured, and the card of the
child says how much of the neighbourhoods survived.

References
----------
Hamilton, Leskovec, Jurafsky 2016, Diachronic Word Embeddings Reveal Statistical Laws of Semantic
Change (displacement as cosine distance). Gonen, Jawahar, Seddah, Goldberg 2020, Simple,
Interpretable and Stable Method for Detecting Words with Usage Change (shared neighbours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.metrics import COSINE
from embedry.neighbours import nearest_of_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id

__all__ = ["Growth", "measure_growth"]

_NEIGHBOURS = 10
_ASKED = 1_000  # items whose neighbourhoods are compared, at most
_NAMED = 20
_ROWS_AT_ONCE = 4096  # brought to unit length at a time


@dataclass(frozen=True)
class Growth:
    """How a space changed from its parent.

    Attributes
    ----------
    added : tuple of str or int
        Items that are new.
    displacement : float
        Mean of 1 - cosine of an item's vector before and after, over the items known before.
    displacement_by_use : float
        The same, each item counted as often as it was used before: what is met most, moves most.
    moved : tuple of (id, float)
        The 20 known items that moved most, and their 1 - cosine, furthest first.
    fidelity : float
        The share of the 10 nearest neighbours that stayed, among items known before: a mean over
        up to 1,000 items, evenly spread.
    fidelity_by_use : float
        The same, each item counted as often as it was used before.
    """

    added: tuple[Id, ...]
    displacement: float
    displacement_by_use: float
    moved: tuple[tuple[Id, float], ...]
    fidelity: float
    fidelity_by_use: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Growth:
        """Read the attributes from JSON values."""
        moved = tuple((id, float(far)) for id, far in values["moved"])
        numbers = {
            name: float(values[name])
            for name in ("displacement", "displacement_by_use", "fidelity", "fidelity_by_use")
        }
        return cls(added=tuple(values["added"]), moved=moved, **numbers)

    def __str__(self) -> str:
        most = ", ".join(f"{id} {far:.2f}" for id, far in self.moved[:5])
        return (
            f"{len(self.added):,} new; known ones moved {self.displacement:.3f} on average, by use "
            f"{self.displacement_by_use:.3f} (1 - cosine), most: {most}; {self.fidelity:.0%} of "
            f"neighbours stayed, by use {self.fidelity_by_use:.0%}"
        )


def measure_growth(
    ids: Sequence[Id],
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> Growth:
    """Compare the vectors of a space with those of its parent.

    Parameters
    ----------
    ids : sequence of n str or int
        The items after; the first m of them were known before.
    before : ndarray (m, dims), float32
    after : ndarray (n, dims), float32
    counts : ndarray (m,), int64
        How often each item was used before.

    Returns
    -------
    Growth

    Raises
    ------
    InputError
        If a vector is zero: it has no direction to compare.

    Notes
    -----
    O(m dims) time for the distances, O(2,000 m dims) for the neighbourhoods, in matrix products:
    some 4 s each for 100,000 items of 300 dims before and after on one core. Beside the vectors
    it takes at most 130 MB and 40 bytes an item: they are brought to unit length in blocks.
    """
    known = after[: len(before)]
    distances = _distances(before, known)
    furthest = np.argsort(-distances, kind="stable")[:_NAMED].tolist()
    shares = np.maximum(counts, 1) / np.maximum(counts, 1).sum()
    return Growth(
        tuple(ids[len(before) :]),
        float(distances.mean()),
        float(shares @ distances),
        tuple((ids[place], float(distances[place])) for place in furthest),
        _kept_neighbours(before, known, np.full(len(before), 1 / len(before))),
        _kept_neighbours(before, known, shares),
    )


def _distances(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return 1 - cosine of each row in two states, (n,) float64."""
    lengths = COSINE.lengths(old), COSINE.lengths(new)
    distances = np.empty(len(old))
    for first in range(0, len(old), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        was, now = (
            COSINE.scaled(rows[part], long[part])
            for rows, long in zip((old, new), lengths, strict=True)
        )
        cosines = np.einsum("nd,nd->n", was, now, dtype=np.float64)
        distances[part] = np.maximum(1 - cosines, 0)  # rounding may leave a cosine above 1
    return distances


def _kept_neighbours(
    old: NDArray[np.float32], new: NDArray[np.float32], shares: NDArray[np.float64]
) -> float:
    """Return the mean share of neighbours that stayed; items come in so often as their share."""
    if len(old) < 2:
        return 1.0
    count = min(_ASKED, len(old))
    middles = (np.arange(count) + 0.5) / count
    drawn = np.minimum(np.searchsorted(np.cumsum(shares), middles), len(old) - 1)
    asked, times = np.unique(drawn, return_counts=True)
    were, _ = nearest_of_each(old, asked, COSINE, _NEIGHBOURS)
    are, _ = nearest_of_each(new, asked, COSINE, _NEIGHBOURS)
    # (n, k, 1) == (n, 1, k) -> (n, k): is each neighbour among those of now?
    stayed = (were[:, :, None] == are[:, None, :]).any(axis=2).mean(axis=1)
    return float(np.average(stayed, weights=times))
