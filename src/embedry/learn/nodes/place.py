"""New nodes placed by their neighbours.

What it is: the mean of the vectors of a node's neighbours, from the graph for known nodes and
from what the caller says for new ones, and the map from there to the node's own vector. What it
is not: the fitting, which words and nodes share; see ``embedry.learn.place``.

References
----------
Khodak, Saunshi, Liang, Ma, Stewart, Arora 2018, A La Carte Embedding (the same for words).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError, UnknownIdError
from embedry.ids import check_ids
from embedry.learn.learner import real_number
from embedry.learn.place import Placed, PlacingMap, fit_placing_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.graph import Graph
    from embedry.ids import Id

__all__ = ["NeighbourMap", "neighbour_map"]

_NODES = 5_000  # that the map is fitted on, at most: more take room and hardly change it


@dataclass(frozen=True, eq=False)
class NeighbourMap:
    """Places nodes by their neighbours.

    Attributes
    ----------
    fitted : PlacingMap
        From the mean of the neighbours to the node; the identity where too few are known.
    """

    fitted: PlacingMap

    def place(
        self,
        space: Embeddings,
        nodes: Sequence[Id],
        neighbours: Sequence[Sequence[Id] | Mapping[Id, float]],
    ) -> Placed:
        """Place nodes; see `embedry.Node2Vec.place`."""
        names = check_ids(nodes)
        many = hasattr(neighbours, "__iter__") and not isinstance(neighbours, (str, bytes, Mapping))
        given = list(neighbours) if many else []  # a generator is read once
        if not many or len(given) != len(names):
            raise InputError(
                f"neighbours must hold one collection of ids for each of the {len(names)} nodes; "
                f"got {neighbours!r:.60}. Pass [[id, id], ...] or [{{id: weight}}, ...]."
            )
        features = np.zeros((len(names), space.dims), np.float32)
        support = np.zeros(len(names))
        for row, (name, around) in enumerate(zip(names, given, strict=True)):
            ids, weights = _weighed(name, around, space)
            features[row] = weights @ space.subset(ids).vectors  # (d,) @ (d, dims)
            support[row] = len(ids)
        vectors = self.fitted.vectors(features)
        return Placed(Embeddings(names, vectors, space.card), self.fitted.confidence(support))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file needs; `from_arrays` reads it."""
        return {
            "placing": self.fitted.matrix,
            "placing_supports": self.fitted.supports,
            "placing_cosines": self.fitted.cosines,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NeighbourMap:
        """Read what `arrays` gave; ``KeyError`` where it is damaged."""
        parts = (arrays[f"placing{name}"] for name in ("", "_supports", "_cosines"))
        return cls(PlacingMap(*parts))


def _weighed(
    name: Id, around: Sequence[Id] | Mapping[Id, float], space: Embeddings
) -> tuple[list[Id], NDArray[np.float32]]:
    """Return the neighbours of a node and their shares of the mean."""
    if isinstance(around, (str, bytes)) or not isinstance(around, (Sequence, Mapping)):
        raise InputError(f"The neighbours of {name!r} must be ids in a list; got {around!r:.60}.")
    if not around:
        raise InputError(f"A node needs a neighbour to be placed by; {name!r} has none.")
    ids = check_ids(around)
    unknown = [id for id in ids if id not in space]
    if unknown:
        shown = ", ".join(map(repr, unknown[:3]))
        raise UnknownIdError(
            f"The neighbours of {name!r} must have vectors; {len(unknown)} have none, such as "
            f"{shown}. Leave them out.",
            ids=unknown,
        )
    weights = np.ones(len(ids))
    if isinstance(around, Mapping):
        what = f"The weight of a neighbour of {name!r}"
        weights[:] = [real_number(what, value, 1e-30, 1e30) for value in around.values()]
    return ids, (weights / weights.sum()).astype(np.float32)


def neighbour_map(
    graph: Graph, placed: NDArray[np.int64], vectors: NDArray[np.float32]
) -> NeighbourMap:
    """Fit the map from neighbours to nodes.

    Parameters
    ----------
    graph : Graph
    placed : ndarray (n,), int64
        The nodes that have vectors, ascending.
    vectors : ndarray (n, dims), float32
        Theirs.

    Returns
    -------
    NeighbourMap
        The identity, without confidence, where fewer than 100 nodes have neighbours.

    Notes
    -----
    Fitted on at most 5,000 nodes, spread evenly. A node is no neighbour of its own.
    """
    row_of = np.full(len(graph), -1, np.int64)
    row_of[placed] = np.arange(len(placed))
    asked = np.unique(np.linspace(0, len(placed) - 1, min(_NODES, len(placed))).astype(np.int64))
    features = np.zeros((len(asked), vectors.shape[1]))
    support = np.zeros(len(asked), np.int64)
    for at, row in enumerate(asked.tolist()):
        arcs = slice(graph.indptr[placed[row]], graph.indptr[placed[row] + 1])
        near = row_of[graph.indices[arcs]]
        known = (near >= 0) & (near != row)
        if not known.any():
            continue
        weights = np.ones(len(near), np.float32) if graph.weights is None else graph.weights[arcs]
        shares = weights[known] / weights[known].sum(dtype=np.float64)
        features[at] = shares @ vectors[near[known]]  # (d,) @ (d, dims)
        support[at] = np.count_nonzero(known)
    some = support > 0
    fitted = fit_placing_map(features[some], vectors[asked[some]], support[some])
    if fitted is None:
        nothing = np.empty(0)
        fitted = PlacingMap(np.eye(vectors.shape[1], dtype=np.float32), nothing, nothing)
    return NeighbourMap(fitted)
