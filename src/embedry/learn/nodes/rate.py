"""The learning rate that suits a graph and the walks on it.

What it is: one rule, from how often walks take each edge. Walks on a sparse graph tell the same few
neighbours of a node again and again: a high rate then keeps vectors moving after what is last
read. Walks that take each edge a few times must teach all they can at once. What it is not: an
optimum; it was chosen on three graphs, see ``docs/decisions/0008-how-training-starts.md``.
"""

from __future__ import annotations

__all__ = ["usual_rate"]

_LOWEST, _HIGHEST = 0.0125, 0.05
_OF_AN_EDGE = 0.6  # the sum of the rates over all passes of an edge


def usual_rate(steps: int, edges: int) -> float:
    """Return the learning rate at the start: 0.6 over the passes of an edge, in [0.0125, 0.05].

    Parameters
    ----------
    steps : int
        Nodes of all walks in all epochs, at least 1.
    edges : int
        Those of both directions, each one where the graph is undirected; at least 1.

    Returns
    -------
    float

    Examples
    --------
    >>> usual_rate(800_000, 10_000), usual_rate(800_000, 40_000), usual_rate(800_000, 1_000_000)
    (0.0125, 0.03, 0.05)
    """
    return min(max(_OF_AN_EDGE * edges / steps, _LOWEST), _HIGHEST)
