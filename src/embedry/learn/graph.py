"""DeepWalk and Node2Vec: a space of nodes, learned from random walks on a graph.

A walk is read as a sentence of nodes, and skip-gram learns to tell the nodes near each other on
walks from random ones. Walks are made while training goes on, batch by batch, so that their
number costs time and no memory. Both learners train with negative sampling, as later work does;
the DeepWalk of the paper used a hierarchical softmax.

What it is not: a use of what is known of nodes beside their edges; of a node without an edge
nothing can be learned. How they train is in ``embedry.learn.nodes.learner``.

References
----------
Perozzi, Al-Rfou, Skiena 2014, DeepWalk: Online Learning of Social Representations. Grover,
Leskovec 2016, node2vec: Scalable Feature Learning for Networks (negative sampling: section 3.2).
Liu, Hirn, Krishnan 2023, Accurately modeling biased random walks on weighted networks using
node2vec+.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedry.learn.nodes.learner import GraphLearner
from embedry.learn.nodes.walks import Extended, Walker, check_bias

if TYPE_CHECKING:
    from embedry.data.graph import Graph

__all__ = ["DeepWalk", "Node2Vec"]


class DeepWalk(GraphLearner):
    """Learn a vector for each node of a graph from even random walks.

    Parameters
    ----------
    dims : int
        The width of a vector.
    walks : int
        From each node, in each epoch.
    length : int
        Nodes of a walk, in [2, 10000].
    window : int
        How many steps on each side of a node are looked at, at most, in [1, 50]: for each node
        the reach is drawn from 1..window, so that near nodes count more.
    negative : int
        How many random nodes each true one is told from, in [1, 50].
    epochs : int
        How often all walks are made, each time anew.
    learning_rate : float or None
        Falls linearly to 0.0001 over all epochs. None takes one from 0.0175 to 0.05: the
        lower, the more often walks take each edge. Higher ones tell direct neighbours better,
        lower ones groups of nodes.
    seed : int
    threads : int or None
        None takes the cores allowed. Only ``threads=1`` gives the same bytes each time: threads
        share the vectors without locks (Recht et al. 2011, Hogwild).

    Attributes
    ----------
    embeddings_ : Embeddings
        The nodes that walks came to, in the order of the graph.
    learning_rate_ : float
        The one it began with.
    unplaced_ : tuple of str or int
        The others: nodes without an edge, and in a directed graph those that no edge leaves and
        no walk found.

    Notes
    -----
    An edge is taken in proportion to its weight. Time is that of training: about
    ``epochs * walks * length * nodes`` tokens, the walks themselves a hundredth of it.
    Memory in bytes, with N nodes and P = dims rounded up to 16: ``8 * N * P`` for the two
    tables, ``4 * N * dims`` for the vectors kept, ``4 * min(2**22, 1000 * N)`` for the table of
    random nodes, 8 an edge and direction where edges have weights, some 3 MB a thread.

    References
    ----------
    Perozzi, Al-Rfou, Skiena 2014, DeepWalk: Online Learning of Social Representations.

    Examples
    --------
    >>> from embedry import DeepWalk, Graph
    >>> graph = Graph.from_edges([("ann", "bob"), ("bob", "cid")], nodes=["dan"])
    >>> nodes = DeepWalk(dims=16, threads=1).fit(graph)
    >>> nodes.embeddings_.ids, nodes.unplaced_
    (('ann', 'bob', 'cid'), ('dan',))
    """

    _kind = "deepwalk"

    def __init__(
        self,
        dims: int = 128,
        *,
        walks: int = 10,
        length: int = 80,
        window: int = 10,
        negative: int = 5,
        epochs: int = 1,
        learning_rate: float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.walks = walks
        self.length = length
        self.window = window
        self.negative = negative
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.seed = seed
        self.threads = threads

    def _walker(self, graph: Graph) -> Walker:
        return Walker.on(graph, int(self.walks), int(self.length), seed=self.seed)


class Node2Vec(GraphLearner):
    """Learn a vector for each node of a graph from walks that stay near or go far.

    Parameters
    ----------
    dims : int
        The width of a vector.
    p : float
        In [1e-6, 1e6]: a step back to where the walk came from weighs ``1 / p``.
    q : float
        In [1e-6, 1e6]: a step to a node that has no edge from where the walk came from weighs
        ``1 / q``. Below 1 walks go far, above 1 they stay near.
    extended : bool or Extended
        node2vec+, for weighted graphs: a weak edge counts as one in part. True is
        ``Extended(gamma=0)``. Without weights there is no difference.
    walks, length, window, negative, epochs, learning_rate, seed, threads
        As in `DeepWalk`.

    Attributes
    ----------
    embeddings_ : Embeddings
        The nodes that walks came to, in the order of the graph.
    learning_rate_ : float
        The one it began with.
    unplaced_ : tuple of str or int
        The others: nodes without an edge, and in a directed graph those that no edge leaves and
        no walk found.

    Notes
    -----
    With ``p = q = 1`` the same walks as `DeepWalk`. Memory as there, with 8 bytes more an edge
    and direction for ``q != 1``, and 8 more for node2vec+. In a directed graph, near means that
    an edge leads there from where the walk came from.

    References
    ----------
    Grover, Leskovec 2016, node2vec: Scalable Feature Learning for Networks. Liu, Hirn, Krishnan
    2023, Accurately modeling biased random walks on weighted networks using node2vec+.

    Examples
    --------
    >>> from embedry import Graph, Node2Vec
    >>> graph = Graph.from_edges([(1, 2), (2, 3), (3, 1), (3, 4)])
    >>> nodes = Node2Vec(dims=16, p=0.5, q=2, threads=1).fit(graph)
    >>> placed = nodes.place([5], neighbours=[[1, 2]])
    >>> placed.embeddings.ids, placed.confidence is None
    ((5,), True)
    """

    _kind = "node2vec"

    def __init__(
        self,
        dims: int = 128,
        *,
        p: float = 1.0,
        q: float = 1.0,
        extended: bool | Extended = False,
        walks: int = 10,
        length: int = 80,
        window: int = 10,
        negative: int = 5,
        epochs: int = 1,
        learning_rate: float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.p = p
        self.q = q
        self.extended = extended
        self.walks = walks
        self.length = length
        self.window = window
        self.negative = negative
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.seed = seed
        self.threads = threads

    def _walker(self, graph: Graph) -> Walker:
        return Walker.on(
            graph,
            int(self.walks),
            int(self.length),
            p=self.p,
            q=self.q,
            extended=self.extended,
            seed=self.seed,
        )

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        super().check_settings()
        check_bias(self.p, self.q, self.extended)

    def _plain_settings(self) -> dict[str, Any]:
        """Return the settings as a file and a card hold them: of node2vec+, gamma or None."""
        gamma = self.extended.gamma if isinstance(self.extended, Extended) else 0.0
        return {**super()._plain_settings(), "extended": float(gamma) if self.extended else None}

    @classmethod
    def _given(cls, plain: dict[str, Any]) -> dict[str, Any]:
        gamma = plain["extended"]
        return {**plain, "extended": False if gamma is None else Extended(gamma)}
