"""Walks in plain NumPy, from written-out probabilities: the oracle of the compiled ones.

What it is: the probability of each next node, and walks drawn from it. What it is not: fast.

References
----------
A. Grover, J. Leskovec, "node2vec: scalable feature learning for networks", 2016, section 3.2.2.
R. Liu, M. Hirn, A. Krishnan, "Accurately modeling biased random walks on weighted networks using
node2vec+", 2023, equations 3 to 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.graphs.walks import Walked, WalkPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["next_probabilities", "walk_plain"]


def walk_plain(
    plan: WalkPlan, starts: Sequence[int], length: int, rng: np.random.Generator
) -> Walked:
    """Walk from each start; the same as `embedry.kernels.graphs.walks.walk` in distribution.

    Parameters
    ----------
    plan : WalkPlan
    starts : sequence of int
    length : int
    rng : Generator

    Returns
    -------
    Walked
    """
    walks = []
    for start in starts:
        nodes = [int(start)]
        before = None
        while len(nodes) < length:
            nexts, probabilities = next_probabilities(plan, before, nodes[-1])
            if not len(nexts):
                break
            before = nodes[-1]
            nodes.append(int(rng.choice(nexts, p=probabilities)))
        walks.append(nodes)
    offsets = np.cumsum([0, *map(len, walks)], dtype=np.int64)
    return Walked(np.array([node for nodes in walks for node in nodes], np.int32), offsets)


def next_probabilities(
    plan: WalkPlan, before: int | None, node: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return where a walk may go from a node, and with what probability.

    Parameters
    ----------
    plan : WalkPlan
    before : int or None
        The node the walk came from; None at its start.
    node : int

    Returns
    -------
    tuple of ndarray (d,), int32, and ndarray (d,), float64
        The nodes that arcs lead to, and probabilities whose sum is 1; both empty at a dead end.
    """
    row = slice(plan.indptr[node], plan.indptr[node + 1])
    nexts = plan.indices[row]
    masses = _weights(plan, node).astype(np.float64)
    if before is not None and plan.is_biased:
        masses *= [_bias(plan, before, node, place) for place in range(len(nexts))]
    return nexts, masses / masses.sum() if len(nexts) else masses


def _bias(plan: WalkPlan, before: int, node: int, place: int) -> float:
    """Return the bias of the arc at a place of a node's row (Liu et al. 2023, equation 6)."""
    target = plan.indices[plan.indptr[node] + place]
    if target == before:
        return 1 / plan.p
    from_before = plan.indices[plan.indptr[before] : plan.indptr[before + 1]] == target
    if not plan.is_extended:
        return 1.0 if from_before.any() else 1 / plan.q
    strong = _strong_from(plan, target)
    near = float(_weights(plan, before)[from_before].sum())  # 0 where there is no arc
    if from_before.any() and near >= strong:
        return 1.0
    if _weights(plan, node)[place] < _strong_from(plan, node):
        return min(1.0, 1 / plan.q)
    return 1 / plan.q + (1 - 1 / plan.q) * (float(near / strong) if near else 0.0)


def _strong_from(plan: WalkPlan, node: int) -> np.float32:
    """Return the mean of the weights of a node's arcs plus gamma standard deviations."""
    weights = _weights(plan, node).astype(np.float64)
    if not len(weights):
        return np.float32(0)
    return np.float32(weights.mean() + plan.gamma * weights.std())


def _weights(plan: WalkPlan, node: int) -> NDArray[np.float32]:
    row = slice(plan.indptr[node], plan.indptr[node + 1])
    if plan.weights is None:
        return np.ones(int(plan.indptr[node + 1] - plan.indptr[node]), np.float32)
    return plan.weights[row]
