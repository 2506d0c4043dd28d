"""The learning rate that suits a graph and the walks on it.

What it is: one rule, from how often walks take each edge. Walks that take each edge a few times
must teach all they can at once; walks that pass it again and again can take smaller steps, and
then tell the groups of nodes better. Direct neighbours are told the better, the higher the rate:
the lowest is a compromise, see ``docs/decisions/0008-how-training-starts.md``. What it is not: an
optimum for a task; evaluate, and set ``learning_rate``.
"""

from __future__ import annotations

__all__ = ["usual_rate"]

_LOWEST, _HIGHEST = 0.0175, 0.05
_OF_AN_EDGE = 1.2  # the sum of the rates over all passes of an edge


def usual_rate(steps: int, edges: int) -> float:
    """Return the learning rate at the start: 1.2 over the passes of an edge, in [0.0175, 0.05].

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
    >>> usual_rate(800_000, 9_000), usual_rate(800_000, 20_000), usual_rate(800_000, 90_000)
    (0.0175, 0.03, 0.05)
    """
    return min(max(_OF_AN_EDGE * edges / steps, _LOWEST), _HIGHEST)
