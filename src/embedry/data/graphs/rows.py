"""Compressed rows (CSR): edges sorted by the node they leave, each once.

What it is: the arithmetic beneath `embedry.data.graph.Graph`: an edge is the number
``source * nodes + target``, and rows are those numbers in order. What it is not: a check of
what came (see ``edges``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.data.graphs.edges import Edges
    from embedry.ids import Id

__all__ = ["Arrays", "BothWays", "Rows", "check_rows", "compress", "is_symmetric"]

_NEARLY = 1e-6  # a few float32 roundings: sums of the same weights in another order

BothWays: TypeAlias = Literal["same", "add"]
Arrays: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32] | None]"


@dataclass(frozen=True, eq=False)
class Rows:
    """Compressed rows, as in `embedry.data.graph.Graph`.

    Attributes
    ----------
    indptr : ndarray (nodes + 1,), int64
    indices : ndarray (arcs,), int32
    weights : ndarray (arcs,), float32, or None
    merged : int
        Edges that came again.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32] | None
    merged: int

    @property
    def arrays(self) -> Arrays:
        """The three arrays: indptr, indices, weights."""
        return self.indptr, self.indices, self.weights


def compress(
    edges: Edges, ids: Sequence[Id], *, directed: bool, both_ways: BothWays = "same"
) -> Rows:
    """Sort edges into rows, each once.

    Parameters
    ----------
    edges : Edges
    ids : sequence of str or int
        The names of the nodes, for messages.
    directed : bool
        If not, each edge is put into the rows of both its ends; a self loop once.
    both_ways : {"same", "add"}
        What holds in an undirected graph when an edge comes in both directions: ``"same"``: both
        must weigh the same, and are one edge of that weight; ``"add"``: their weights are
        added up.

    Returns
    -------
    Rows
        Without weights, an edge that comes again changes nothing; with weights, those of one
        direction are added up. ``weights`` is None where all are 1.

    Raises
    ------
    InputError
        If the directions of an edge must weigh the same and do not, or a sum leaves float32.

    Notes
    -----
    A sort of the edges and one of the arcs; at most 40 bytes an arc beside the edges.
    """
    nodes = len(ids)
    if directed:
        keys, weights = _once(_keys(edges.sources, edges.targets, nodes), edges.weights)
    elif edges.weights is None or both_ways == "add":
        keys, weights = _once(_undirected_keys(edges, nodes), edges.weights)
    else:
        keys, weights = _once_if_same(edges, edges.weights, ids)
    merged = len(edges.sources) - len(keys)
    if not directed:
        keys, weights = _mirrored(keys, weights, nodes)
    indptr = np.searchsorted(keys, np.arange(nodes + 1, dtype=np.int64) * nodes).astype(np.int64)
    keys %= max(nodes, 1)
    return Rows(indptr, keys.astype(np.int32), _as_plain(weights), merged)


def _keys(rows: NDArray[np.int32], columns: NDArray[np.int32], nodes: int) -> NDArray[np.int64]:
    """Return row * nodes + column, which sorts as (row, column) does."""
    keys = rows.astype(np.int64)
    keys *= nodes
    keys += columns
    return keys


def _begins(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of each of the ordered values whether it is the first of its kind."""
    begins = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return begins


def _undirected_keys(edges: Edges, nodes: int) -> NDArray[np.int64]:
    """Return the keys of edges with the smaller end first."""
    smaller = np.minimum(edges.sources, edges.targets)
    return _keys(smaller, np.maximum(edges.sources, edges.targets), nodes)


def _once(
    keys: NDArray[np.int64], weights: NDArray[np.floating] | None
) -> tuple[NDArray[np.int64], NDArray[np.floating] | None]:
    """Sort the keys, each once, and add up the weights of those that came again."""
    if weights is not None:
        return _summed(keys, weights)
    keys.sort()
    return keys[_begins(keys)], None


def _summed(
    keys: NDArray[np.int64], weights: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    weights = weights[np.argsort(keys, kind="stable")]  # stable: sums do not depend on the sort
    keys.sort()
    begins = _begins(keys)
    if begins.all():
        return keys, weights
    sums = weights[begins].astype(np.float64)
    again = np.flatnonzero(~begins)
    np.add.at(sums, again - np.arange(1, len(again) + 1), weights[again])
    return keys[begins], sums


def _once_if_same(
    edges: Edges, weights: NDArray[np.floating], ids: Sequence[Id]
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Take each undirected edge once, if its weight is the same in both directions."""
    keys = _undirected_keys(edges, len(ids))
    keys *= 2
    keys += edges.sources > edges.targets  # the last bit: which of the two directions
    keys, weights = _summed(keys, weights)
    second = np.flatnonzero(keys[1:] >> 1 == keys[:-1] >> 1) + 1
    _check_same(keys, weights, second, ids)
    keep = np.ones(len(keys), bool)
    keep[second] = False
    return keys[keep] >> 1, weights[keep]


def _check_same(
    keys: NDArray[np.int64],
    weights: NDArray[np.floating],
    second: NDArray[np.int64],
    ids: Sequence[Id],
) -> None:
    one, other = weights[second - 1], weights[second]
    wrong = np.flatnonzero(_differ(one, other))
    if wrong.size:
        place = int(wrong[0])
        low, high = (ids[code] for code in divmod(int(keys[second[place]]) >> 1, len(ids)))
        raise InputError(
            "In an undirected graph an edge that is given in both directions must weigh the same "
            f"in both; {wrong.size} do not, the first from {low!r} to {high!r}: "
            f"{one[place]:g} and back {other[place]:g}. Build it with directed=True, and call "
            "undirected() on that to add the two up."
        )


def _differ(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.bool_]:
    apart: NDArray[np.bool_] = np.abs(one - other) > _NEARLY * np.maximum(one, other)
    return apart


def _mirrored(
    keys: NDArray[np.int64], weights: NDArray[np.floating] | None, nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.floating] | None]:
    """Put each edge under both its directions, sorted."""
    low, high = np.divmod(keys, max(nodes, 1))
    turned = low != high
    high *= nodes
    high += low
    both = np.concatenate([keys, high[turned]])
    del keys, low, high
    if weights is None:
        both.sort()
        return both, None
    weights = np.concatenate([weights, weights[turned]])[np.argsort(both)]
    both.sort()
    return both, weights


def _as_plain(weights: NDArray[np.floating] | None) -> NDArray[np.float32] | None:
    if weights is None or (weights == 1).all():
        return None
    if weights.max(initial=0) > 3e38:
        raise InputError(
            f"Weights of edges that come again are added up and must stay below 3e38; got "
            f"{weights.max():g}. Scale the weights down."
        )
    return weights.astype(np.float32)


def is_symmetric(arcs: Edges, nodes: int, *, required: bool = False) -> bool:
    """Say whether each arc has one of the same weight in the other direction.

    Parameters
    ----------
    arcs : Edges
        Ascending by source and target, without repeats.
    nodes : int
    required : bool
        Whether to refuse what is not symmetric.

    Returns
    -------
    bool
        Weights a millionth apart are the same.

    Raises
    ------
    InputError
        If it is required and not so: the message names the first arc without its like.
    """
    keys = _keys(arcs.sources, arcs.targets, nodes)
    turned = _keys(arcs.targets, arcs.sources, nodes)
    weights = np.ones(len(keys), np.float32) if arcs.weights is None else arcs.weights
    order = np.argsort(turned)
    if np.array_equal(turned[order], keys) and not _differ(weights, weights[order]).any():
        return True
    if required:
        places = np.minimum(np.searchsorted(keys, turned), len(keys) - 1)
        back = np.where(keys[places] == turned, weights[places], 0)
        first = int(np.flatnonzero(_differ(weights, back))[0])
        raise InputError(
            "The matrix of an undirected graph must be symmetric; the first place where this one "
            f"is not is row {arcs.sources[first]}, column {arcs.targets[first]}: "
            f"{weights[first]:g} there and {back[first]:g} back. Pass directed=True, and call "
            "undirected() on that to add the two up."
        )
    return False


def check_rows(
    nodes: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32] | None,
) -> None:
    """Refuse arrays that a walk could leave.

    Parameters
    ----------
    nodes : int
    indptr, indices, weights
        As in `embedry.data.graph.Graph`.

    Raises
    ------
    InputError
        If a dtype or shape is another, ``indptr`` is no ascent from 0 to the number of arcs, an
        arc leads to no node, a row does not ascend, or a weight is not finite and above 0.
    """
    _check_array("indptr", indptr, np.int64, nodes + 1)
    _check_array("indices", indices, np.int32, np.size(indices))
    lengths = np.diff(indptr)
    if indptr[0] != 0 or indptr[-1] != len(indices) or lengths.min(initial=0) < 0:
        raise InputError(
            f"indptr must ascend from 0 to the number of arcs, {len(indices)}; got "
            f"{indptr[0]} to {indptr[-1]}, in steps of {lengths.min(initial=0)} and more."
        )
    if len(indices) and not (indices.min() >= 0 and indices.max() < nodes):
        raise InputError(
            f"indices must be in [0, {nodes}); got {indices.min()} to {indices.max()}."
        )
    ascends = indices[1:] > indices[:-1]
    ascends[indptr[1:-1][(indptr[1:-1] > 0) & (indptr[1:-1] < len(indices))] - 1] = True
    if not ascends.all():
        raise InputError("indices must ascend within each row, without repeats. Sort the rows.")
    if weights is None:
        return
    _check_array("weights", weights, np.float32, len(indices))
    if not ((weights > 0) & (weights < np.inf)).all():
        raise InputError("The weights of a graph must be finite and above 0. Drop other edges.")


def _check_array(name: str, array: Any, dtype: type[np.generic], length: int) -> None:
    if not isinstance(array, np.ndarray):
        raise InputError(
            f"{name} must be an array of {np.dtype(dtype)}; got {type(array).__name__}. "
            "Build the graph with from_edges or from_scipy."
        )
    if array.dtype != dtype or array.shape != (length,):
        raise InputError(
            f"{name} must be {np.dtype(dtype)} ({length},); got {array.dtype} {array.shape}. "
            "Build the graph with from_edges or from_scipy."
        )
