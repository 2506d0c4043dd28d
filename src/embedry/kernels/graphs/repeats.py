"""How often a node comes again soon after itself on walks.

What it is: counts over the near steps of a walk, compiled and plain. What they are for: training
takes several steps at once from where the vectors were, and a node that fills a window, as the
hub of a star does, would overshoot; see `embedry.kernels.sampling.sgns.steady_batch`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NEAR", "add_repeats", "add_repeats_plain"]

NEAR = 10  # steps looked at to each side


@compiled
def add_repeats(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    again: NDArray[np.int64],
    near: NDArray[np.int64],
) -> None:
    """Add, for each node, how many near steps hold the node again, and how many there are.

    Parameters
    ----------
    tokens : ndarray (tokens,), int32
        Nodes, walk after walk.
    offsets : ndarray (walks + 1,), int64
        Walk i is ``tokens[offsets[i]:offsets[i + 1]]``.
    again, near : ndarray (nodes,), int64
        Added to in place: over the occurrences of a node, the steps at most 10 away on the same
        walk that are the node itself, and all of them.
    """
    for walk in range(offsets.size - 1):
        begin, end = offsets[walk], offsets[walk + 1]
        for place in range(begin, end):
            node = tokens[place]
            first = place - NEAR if place - NEAR > begin else begin
            last = place + NEAR + 1 if place + NEAR + 1 < end else end
            same = 0
            for step in range(first, last):
                same += tokens[step] == node
            again[node] += same - 1
            near[node] += last - first - 1


def add_repeats_plain(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    again: NDArray[np.int64],
    near: NDArray[np.int64],
) -> None:
    """Do the same as `add_repeats`, pair by pair of places: its oracle."""
    for begin, end in pairwise(offsets):
        nodes = tokens[begin:end]
        places = np.arange(len(nodes))
        apart = np.abs(places[:, None] - places)  # (length, length)
        close = (apart > 0) & (apart <= NEAR)
        np.add.at(near, nodes, close.sum(axis=1))
        np.add.at(again, nodes, (close & (nodes[:, None] == nodes)).sum(axis=1))
