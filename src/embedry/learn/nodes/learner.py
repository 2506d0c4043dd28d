"""What DeepWalk and Node2Vec share: training on streamed walks, placing, saving.

What it is: all of a learner of nodes but how its walks go on. What it is not: a learner by
itself; see ``embedry.learn.graph``.

References
----------
As ``embedry.learn.graph``.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from embedry.card import Card, fingerprint
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError
from embedry.ids import pack_ids, unpack_ids
from embedry.learn.learner import Learner, real_number, whole_number
from embedry.learn.modelfile import read_model, write_model
from embedry.learn.nodes.place import NeighbourMap, neighbour_map
from embedry.learn.nodes.rate import usual_rate
from embedry.learn.nodes.walks import LONGEST, Walker
from embedry.learn.trainer import train
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.data.graph import Graph
    from embedry.ids import Id
    from embedry.kernels.sampling.plan import SkipGram
    from embedry.learn.nodes.walks import Walks
    from embedry.learn.place import Placed

__all__ = ["GraphLearner"]

_LOWEST_RATE = 1e-4
_BATCH = 2  # nodes around that are scored before any is moved: walks turn in circles
_EXPONENT = 0.5  # of the visits that random nodes are drawn by; for words it is 0.75


class GraphLearner(Learner):
    """What DeepWalk and Node2Vec share: all but how a walk goes on."""

    embeddings_: Embeddings
    learning_rate_: float
    unplaced_: tuple[Id, ...]
    dims: int
    walks: int
    length: int
    window: int
    negative: int
    epochs: int
    learning_rate: float | None
    seed: int
    threads: int | None
    _kind: ClassVar[str]
    _map: NeighbourMap

    @abstractmethod
    def _walker(self, graph: Graph) -> Walker:
        """Return what walks on a graph as the settings say."""

    def fit(self, graph: Graph, y: object = None) -> Self:  # noqa: ARG002
        """Learn from a graph.

        Parameters
        ----------
        graph : Graph
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        DeepWalk or Node2Vec
            Itself, fitted.

        Raises
        ------
        InputError
            If a setting is out of range, ``graph`` is no graph or has no edge, or the learning
            rate is so high that the vectors grow without bound.
        """
        from embedry.learn.tables import Tables, check_steady  # brings the compiler: some 0.3 s

        self.check_settings()
        walker = self._walker(graph)
        generator = np.random.default_rng(self.seed)
        visits = walker.pilot()
        threads = thread_count(self.threads)
        tables = Tables.started(len(graph), int(self.dims), generator, threads)
        parts = walker.parts(threads, generator)
        rate = self._rate(graph, visits)
        plan = self._plan(visits, rate, generator)
        train(tables, plan, visits, parts, int(self.epochs), "Learning nodes")
        placed = np.flatnonzero(walker.met)
        vectors = tables.vectors[placed, : int(self.dims)]
        del tables  # what is kept is a copy, and fitting the map of `place` takes room
        check_steady(vectors, rate)
        self._keep(graph, placed, vectors, rate)
        return self

    def _rate(self, graph: Graph, visits: NDArray[np.int64]) -> float:
        """Return the learning rate that was given, or the one that suits the graph."""
        if self.learning_rate is not None:
            return float(self.learning_rate)
        steps = int(visits.sum()) * int(self.walks) * int(self.epochs)
        return usual_rate(steps, len(graph.indices))

    def _plan(
        self, visits: NDArray[np.int64], rate: float, generator: np.random.Generator
    ) -> SkipGram:
        from embedry.learn.tables import sampling_plan

        plan = sampling_plan(
            visits,
            generator,
            window=int(self.window),
            negative=int(self.negative),
            sample=0.0,
            exponent=_EXPONENT,
            rates=(rate, min(_LOWEST_RATE, rate)),
        )
        return replace(plan, batch=_BATCH)

    def _keep(
        self, graph: Graph, placed: NDArray[np.int64], rows: NDArray[np.float32], rate: float
    ) -> None:
        """Make what was learned ours, all at once."""
        ids = [graph.ids[node] for node in placed.tolist()]
        left_out = np.delete(np.arange(len(graph)), placed)
        rows.flags.writeable = False  # so that Embeddings need not copy
        chosen = {"learning_rate": rate, "threads": thread_count(self.threads)}
        settings = {**self._plain_settings(), **chosen}
        card = Card(
            self._kind,
            int(self.dims),
            "cosine",
            fingerprint(self._kind, ids, rows),
            ("node",),
            settings=tuple(settings.items()),
        )
        embeddings = Embeddings(ids, rows, card)
        self._map = neighbour_map(graph, placed, rows)
        self.unplaced_ = tuple(graph.ids[node] for node in left_out.tolist())
        self.embeddings_ = embeddings
        self.learning_rate_ = rate
        self._fitted_with = self._plain_settings()

    def walk(self, graph: Graph) -> Iterator[Walks]:
        """Walk on a graph as ``fit`` does, and yield the walks in batches.

        Parameters
        ----------
        graph : Graph

        Yields
        ------
        Walks
            About 150,000 nodes each; the walks of the first epoch, for ``threads=1``.

        Raises
        ------
        InputError
            As ``fit``.

        See Also
        --------
        embedry.walks : the same without a learner.
        """
        self.check_settings()
        return self._walker(graph).named()

    def place(
        self, nodes: Sequence[Id], *, neighbours: Sequence[Sequence[Id] | Mapping[Id, float]]
    ) -> Placed:
        """Place new nodes by their edges to known ones, without training.

        A node goes to the mean of its neighbours, through a linear map that was fitted on the
        known nodes. The model itself is not changed.

        Parameters
        ----------
        nodes : sequence of n str or int
        neighbours : sequence of n sequences of ids, or of n mappings of id to weight
            For each node, the nodes that it has an edge to; the weights are above 0.

        Returns
        -------
        Placed
            Embeddings of this space, and the cosine to expect between each and the vector that
            training would give, by how many neighbours the node has; None where fewer than 100
            nodes were learned, and the mean alone is returned then.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If there is not one collection of neighbours a node, one is empty, a weight is not
            above 0, or an id is none or comes twice.
        UnknownIdError
            If a neighbour has no vector.

        Notes
        -----
        The confidence is measured on known nodes that the map was not fitted on, five folds; but
        their neighbours were trained with them, so that it is somewhat too high for nodes that
        are truly new.

        References
        ----------
        Khodak et al. 2018, A La Carte Embedding (the map, for words).
        """
        self._check_fitted("embeddings_")
        return self._map.place(self.embeddings_, nodes, neighbours)

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("dims", self.dims, 1, 4096)
        whole_number("walks", self.walks, 1)
        whole_number("length", self.length, 2, LONGEST)
        whole_number("window", self.window, 1, 50)
        whole_number("negative", self.negative, 1, 50)
        whole_number("epochs", self.epochs, 1)
        whole_number("seed", self.seed, 0)
        if self.learning_rate is not None:
            real_number("learning_rate", self.learning_rate, 1e-6, 1)
        thread_count(self.threads)

    @classmethod
    def _given(cls, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of ``__init__`` that `_plain_settings` made plain."""
        return plain

    @property
    def card(self) -> Card:
        """The space of the nodes; `NotFittedError` before ``fit``."""
        self._check_fitted("embeddings_")
        return self.embeddings_.card

    def save(self, path: str | Path) -> None:
        """Write the learned space into one file; `embedry.load` and `load` read it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If it cannot be written; what was there stays.
        """
        self._check_fitted("embeddings_")
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.embeddings_.vectors,
            **self._map.arrays(),
            **pack_ids(self.embeddings_.ids),
            **pack_ids(self.unplaced_, "unplaced"),
        }
        write_model(path, self.card, self._fitted_with, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        DeepWalk or Node2Vec
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        card, settings, file = read_model(path, cls._kind)
        try:
            learner = cls(**cls._given(settings))
            learner._fitted_with = settings
            learner._map = NeighbourMap.from_arrays(file.arrays)
            rate = dict(card.settings)["learning_rate"]
            learner.learning_rate_ = real_number("learning_rate", rate, 0, 1)
            learner.unplaced_ = tuple(unpack_ids(file.arrays, "unplaced"))
            ids = unpack_ids(file.arrays)
            learner.embeddings_ = Embeddings(ids, file.arrays["vectors"], card)
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return learner
