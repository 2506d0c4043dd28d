"""Edges between numbered nodes, and which of them count.

What it is: the check of weights, and what is left out of a graph and why. What it is not: a
reader of names (see ``numbering``), of files (see ``embedry.data.tables``), or a graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LARGEST_WEIGHT",
    "SMALLEST_WEIGHT",
    "Edges",
    "as_places",
    "as_weights",
    "check_some",
    "keep_edges",
]

SMALLEST_WEIGHT = 1e-30
LARGEST_WEIGHT = 1e30  # sums of 1e8 of them stay within float32


class Edges(NamedTuple):
    """Edges between node numbers.

    Attributes
    ----------
    sources, targets : ndarray (edges,), int32
    weights : ndarray (edges,), float64 or float32, or None where all weigh 1
    """

    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: NDArray[np.floating] | None

    def chosen(self, which: NDArray[np.bool_]) -> Edges:
        """Return the edges for which ``which``, (edges,) bool, is true."""
        weights = None if self.weights is None else self.weights[which]
        return Edges(self.sources[which], self.targets[which], weights)


def as_weights(
    weights: ArrayLike | None, count: int, named: Callable[[int], str]
) -> NDArray[np.floating] | None:
    """Check weights.

    Parameters
    ----------
    weights : array-like (count,), or None
        Each 0, or in [1e-30, 1e30].
    count : int
        How many edges there are.
    named : callable
        Says for a place how the message calls that edge.

    Returns
    -------
    ndarray (count,), float32 or float64, or None
        None for None.

    Raises
    ------
    InputError
        If they are no real numbers, not one an edge, or one is out of range.
    """
    if weights is None:
        return None
    try:
        given = np.asarray(weights)
        if given.dtype.kind not in "biufO":
            raise TypeError(f"got dtype {given.dtype}")
        if given.dtype.kind == "O":
            _check_no_text(given)
        wide = np.float32 if given.dtype == np.float32 else np.float64
        array: NDArray[np.floating] = given.astype(wide, copy=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"weights must be numbers; {error}. Convert them.") from error
    if array.shape != (count,):
        raise InputError(f"weights must have shape ({count},), one an edge; got {array.shape}.")
    fits = (array == 0) | ((array >= SMALLEST_WEIGHT) & (array <= LARGEST_WEIGHT))
    if not fits.all():
        wrong = np.flatnonzero(~fits)
        first = int(wrong[0])
        raise InputError(
            f"weights must be 0, or in [{SMALLEST_WEIGHT:g}, {LARGEST_WEIGHT:g}]; {wrong.size} are "
            f"not, the first at {named(first)}: {array[first]}. Drop those edges, or shift and "
            "scale the weights."
        )
    return array


def _check_no_text(given: NDArray[Any]) -> None:
    texts = (value for value in given.flat if isinstance(value, (str, bytes)))
    text = next(texts, None)
    if text is not None:
        raise TypeError(f"got {text!r} of type {type(text).__name__}")


def keep_edges(edges: Edges, *, self_loops: bool) -> tuple[Edges, dict[str, int]]:
    """Leave out edges of weight zero, and self loops unless they are to stay.

    Parameters
    ----------
    edges : Edges
    self_loops : bool
        Whether they stay.

    Returns
    -------
    edges : Edges
    dropped : dict of str to int
        ``"weight of zero"`` and ``"self loop"``, where there are any; a loop of weight zero
        counts as the first.
    """
    sources, targets, weights = edges
    zero = np.zeros(len(sources), bool) if weights is None else weights == 0
    loop = np.zeros(len(sources), bool) if self_loops else (sources == targets) & ~zero
    counts = {
        "weight of zero": int(np.count_nonzero(zero)),
        "self loop": int(np.count_nonzero(loop)),
    }
    dropped = {reason: count for reason, count in counts.items() if count}
    if dropped:
        edges = edges.chosen(~(zero | loop))
    return edges, dropped


def check_some(edges: Edges, dropped: Mapping[str, int]) -> None:
    """Refuse a graph without any edge.

    Parameters
    ----------
    edges : Edges
    dropped : mapping of str to int
        What was left out before, for the message.

    Raises
    ------
    InputError
        If there is none.
    """
    if len(edges.sources):
        return
    left_out = ", ".join(f"{count} of {reason}" for reason, count in dropped.items())
    raise InputError(
        "A graph must hold at least one edge; got none"
        f"{', after leaving out ' + left_out if left_out else ''}. Nothing can be learned of it."
    )


def as_places(places: ArrayLike, count: int) -> NDArray[Any]:
    """Check the places of edges.

    Parameters
    ----------
    places : array-like of int, or bool (count,)
    count : int
        How many edges there are.

    Returns
    -------
    ndarray
        Of int in [0, count), or of bool (count,).

    Raises
    ------
    InputError
        If it is neither.
    """
    array = np.asarray(places)
    if array.dtype == bool and array.shape == (count,):
        return array
    if array.shape == (0,):
        return array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InputError(
            f"places must be a flat array of whole numbers, or of {count} bool; got "
            f"{array.dtype} {array.shape}."
        )
    if array.min() < 0 or array.max() >= count:
        raise InputError(
            f"places must be in [0, {count}), as edges() counts; got {array.min()} to "
            f"{array.max()}."
        )
    return array
