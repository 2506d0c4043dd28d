"""A graph: nodes with names, edges in compressed rows.

Nodes are numbered, edges stand in the rows (CSR) of the node they leave; an undirected graph
holds each edge in the rows of both its ends. What it is not: a place to change a graph edge by
edge (networkx does that), or to keep attributes; a graph is made once, to be walked on. The
file is long because each of the ways to make one says what it takes and what it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from embedry.data.graphs.edges import Edges, as_places, as_weights, check_some, keep_edges
from embedry.data.graphs.foreign import read_file, read_frame, read_networkx, read_scipy
from embedry.data.graphs.numbering import as_column, columns_of, number_nodes
from embedry.data.graphs.rows import Arrays, BothWays, check_rows, compress, is_symmetric
from embedry.errors import InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids, check_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Graph", "SelfLoops"]

SelfLoops = Literal["drop", "keep"]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges, weighted or not, directed or not.

    Make one with `from_edges`, `from_file`, `from_frame`, `from_networkx` or `from_scipy`. An
    arc is an edge in one direction: an undirected edge is two arcs, a self loop is one. Arrays
    are read-only views of those that were passed, and ``dropped`` is a read-only copy.

    Attributes
    ----------
    ids : tuple of str or int
        The names of the nodes, in order of first appearance; a node's place is its number.
    indptr : ndarray (nodes + 1,), int64
        The arcs of node ``v`` are ``indices[indptr[v]:indptr[v + 1]]``.
    indices : ndarray (arcs,), int32
        Where each arc leads; ascending within a row, without repeats.
    weights : ndarray (arcs,), float32, or None
        Finite and above 0; None where all weigh 1.
    directed : bool
        If not, every arc has a counterpart of the same weight.
    merged : int
        Edges that came again and became one with the first; see `from_edges`.
    dropped : mapping of str to int
        What was left out, counted by reason: ``"self loop"``, ``"weight of zero"``,
        ``"header line"``, ``"comment line"``, ``"empty line"``, ``"time"``.

    Raises
    ------
    InputError
        If the arrays are not rows of a graph: a walk over them would leave memory; if an id is
        none or comes twice; or if it is not directed and an arc has no counterpart.

    Examples
    --------
    >>> graph = Graph.from_edges([("ann", "bob"), ("bob", "cid")], nodes=["dan"])
    >>> graph, graph.neighbours("bob"), graph.isolated
    (Graph(4 nodes, 2 edges), ('ann', 'cid'), ('dan',))
    """

    ids: tuple[Id, ...]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32] | None = None
    directed: bool = False
    merged: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no graph, and hold the rest against change."""
        ids = tuple(check_ids(self.ids))
        check_unique(ids, "the nodes of a graph")
        check_rows(len(ids), self.indptr, self.indices, self.weights)
        self._hold(ids, (self.indptr, self.indices, self.weights), self.dropped)
        if not self.directed:
            is_symmetric(self._arcs, len(ids), required=True)

    def _hold(self, ids: tuple[Id, ...], arrays: Arrays, dropped: Mapping[str, int]) -> None:
        """Set what is not to be changed, although the class is frozen."""
        views = [None if array is None else array.view() for array in arrays]
        for view in views:
            if view is not None:
                view.flags.writeable = False
        names = ("indptr", "indices", "weights")
        held = {"ids": ids, "dropped": MappingProxyType(dict(dropped))}
        vars(self).update(zip(names, views, strict=True), **held)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the parts; a read-only mapping cannot be pickled."""
        arrays = self.indptr, self.indices, self.weights
        return _whole, (self.ids, arrays, self.directed, self.merged, dict(self.dropped))

    def __len__(self) -> int:
        """Return how many nodes there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        words = [f"{len(self):,} nodes", f"{self.edge_count:,} edges"]
        words += ["weighted"] * self.is_weighted + ["directed"] * self.directed
        return f"Graph({', '.join(words)})"

    @property
    def is_weighted(self) -> bool:
        """Whether some edge weighs other than 1."""
        return self.weights is not None

    @property
    def arc_count(self) -> int:
        """How many arcs there are: the length of ``indices``."""
        return len(self.indices)

    @cached_property
    def edge_count(self) -> int:
        """How many edges there are, each undirected one counted once."""
        if self.directed:
            return self.arc_count
        arcs = self._arcs
        return int(np.count_nonzero(arcs.sources <= arcs.targets))

    @property
    def degrees(self) -> NDArray[np.int64]:
        """How many arcs leave each node, (nodes,) int64; a self loop counts once."""
        return np.diff(self.indptr)

    @property
    def isolated(self) -> tuple[Id, ...]:
        """The nodes that no edge leaves or enters, in the order of ``ids``."""
        alone = self.degrees == 0
        alone[self.indices] = False
        return tuple(self.ids[node] for node in np.flatnonzero(alone).tolist())

    @property
    def _arcs(self) -> Edges:
        sources = np.repeat(np.arange(len(self), dtype=np.int32), self.degrees)
        return Edges(sources, self.indices, self.weights)

    @property
    def _edges(self) -> Edges:
        """The arcs, of each undirected edge the one from the smaller number alone."""
        arcs = self._arcs
        once = np.ones(len(arcs.sources), bool) if self.directed else arcs.sources <= arcs.targets
        return arcs.chosen(once)

    @cached_property
    def _numbers(self) -> dict[Id, int]:
        return {name: number for number, name in enumerate(self.ids)}

    def numbers(self, ids: Iterable[Id]) -> NDArray[np.int32]:
        """Return the numbers of nodes.

        Parameters
        ----------
        ids : iterable of str or int, n of them

        Returns
        -------
        ndarray (n,), int32
            In the order given.

        Raises
        ------
        InputError
            If one is no id.
        UnknownIdError
            If there is no such node.
        """
        names = check_ids(ids)
        unknown = [name for name in names if name not in self._numbers]
        if unknown:
            shown = ", ".join(map(repr, unknown[:3]))
            raise UnknownIdError(
                f"The nodes must be in {self!r}; {len(unknown)} are not, such as {shown}.",
                ids=unknown,
            )
        return np.fromiter(map(self._numbers.__getitem__, names), np.int32, len(names))

    def _row(self, node: Id) -> NDArray[np.int32]:
        number = self.numbers([check_id(node)])[0]
        return self.indices[self.indptr[number] : self.indptr[number + 1]]

    def neighbours(self, node: Id) -> tuple[Id, ...]:
        """Return the nodes to which an edge leads from one node.

        Parameters
        ----------
        node : str or int

        Returns
        -------
        tuple of str or int
            In the order of ``ids``.

        Raises
        ------
        InputError
            If it is not an id.
        UnknownIdError
            If there is no such node.
        """
        return tuple(self.ids[number] for number in self._row(node).tolist())

    def has_edge(self, source: Id, target: Id) -> bool:
        """Say whether an edge leads from one node to another.

        Parameters
        ----------
        source, target : str or int
            Their order matters in a directed graph alone.

        Returns
        -------
        bool

        Raises
        ------
        InputError
            If one is not an id.
        UnknownIdError
            If there is no such node.
        """
        row = self._row(source)
        number = self.numbers([check_id(target)])[0]
        place = np.searchsorted(row, number)
        return bool(place < len(row) and row[place] == number)

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        """Return the edges by the numbers of their nodes, each undirected one once.

        Returns
        -------
        sources, targets : ndarray (edges,), int32
            Ascending by source, then target; in an undirected graph the source is the smaller
            number.
        weights : ndarray (edges,), float32
            1 each in a graph without weights.
        """
        sources, targets, weights = self._edges
        ones = np.ones(len(sources), np.float32) if weights is None else weights
        return sources, targets, ones.astype(np.float32, copy=False)

    def without_edges(self, places: ArrayLike) -> Graph:
        """Return the graph of the same nodes without some edges.

        To hold edges back, for link prediction.

        Parameters
        ----------
        places : array-like of int, or bool (edges,)
            Which of the edges in `edges` to leave out: their places there, or True for each.

        Returns
        -------
        Graph
            ``merged`` and ``dropped`` still tell how the first one was read.

        Raises
        ------
        InputError
            If there is no such place, or no edge would be left.
        """
        keep = np.ones(self.edge_count, bool)
        keep[as_places(places, self.edge_count)] = False
        return self._derived(self.ids, self._edges.chosen(keep))

    def subgraph(self, ids: Iterable[Id]) -> Graph:
        """Return the graph of some of the nodes and all edges between them.

        Parameters
        ----------
        ids : iterable of str or int
            The nodes, in the order they are to have.

        Returns
        -------
        Graph
            ``merged`` and ``dropped`` still tell how the first one was read.

        Raises
        ------
        InputError
            If one comes twice, or no edge is between them.
        UnknownIdError
            If there is no such node.
        """
        chosen = self.numbers(ids)
        names = tuple(self.ids[number] for number in chosen.tolist())
        check_unique(names, "the nodes of a subgraph")
        numbers = np.full(len(self), -1, np.int32)
        numbers[chosen] = np.arange(len(chosen), dtype=np.int32)
        sources, targets, weights = self._edges
        inside = Edges(numbers[sources], numbers[targets], weights)
        return self._derived(names, inside.chosen((inside.sources >= 0) & (inside.targets >= 0)))

    def undirected(self) -> Graph:
        """Return the graph without directions; weights of opposite arcs are added up.

        Returns
        -------
        Graph
            This one if it has no directions. Without weights, two opposite arcs become one edge
            without weight; ``merged`` counts them in both cases.
        """
        if not self.directed:
            return self
        return self._derived(self.ids, self._arcs, directed=False, both_ways="add")

    def _derived(
        self,
        ids: tuple[Id, ...],
        edges: Edges,
        *,
        directed: bool | None = None,
        both_ways: BothWays = "same",
    ) -> Graph:
        """Make a graph of some of the edges, which tells how this one was read."""
        check_some(edges, {})
        directed = self.directed if directed is None else directed
        rows = compress(edges, ids, directed=directed, both_ways=both_ways)
        return _whole(ids, rows.arrays, directed, self.merged + rows.merged, self.dropped)

    @classmethod
    def from_edges(
        cls,
        edges: Any,
        weights: ArrayLike | None = None,
        *,
        directed: bool = False,
        nodes: Iterable[Id] = (),
        self_loops: SelfLoops = "drop",
    ) -> Graph:
        """Build from pairs of ids, or from two columns of them.

        Parameters
        ----------
        edges : iterable of pairs, ndarray (edges, 2), or tuple (sources, targets)
            Of str or int; the columns of a tuple are arrays, Series or lists.
        weights : array-like (edges,), optional
            Each 0, or in [1e-30, 1e30]; 1 each when left out. Edges of weight 0 are left out,
            counted in ``dropped``.
        directed : bool
            Whether an edge leads from its first to its second node alone.
        nodes : iterable of str or int
            Nodes that are to be there, with or without an edge; they come first. May repeat.
        self_loops : {"drop", "keep"}
            Whether edges from a node to itself are left out, counted in ``dropped``.

        Returns
        -------
        Graph
            Nodes of edges that were left out are there all the same.

        Raises
        ------
        InputError
            If an edge is no pair of ids, columns differ in length, no edge is left, a weight is
            no number, negative or out of range (the message names the edge, counted from 0), or
            an undirected edge weighs differently in its two directions.

        Notes
        -----
        *Edges that come again* are one edge, counted in ``merged``. Without weights, that is all.
        With weights, those of the same direction are added up. An undirected edge may be listed
        in both directions, as many files do: where both weigh the same, they are one edge of that
        weight; where they differ, nobody can say whether to add them, and they are refused.
        `undirected` of a directed graph adds them.

        *Time and memory.* A sort of the edges and one of the arcs. Integers in arrays never
        become Python objects: beside the input, at most some 70 bytes an edge while it runs, or
        110 with weights, and 10 million edges take 4 to 9 s of one core. Other names pass
        through a dict.
        """
        sources, targets = (as_column(column) for column in columns_of(edges))
        ids, starts, ends = number_nodes(as_column(nodes), sources, targets)
        checked = as_weights(
            weights,
            len(starts),
            lambda place: f"edge {place}, {ids[starts[place]]!r} to {ids[ends[place]]!r}",
        )
        return _built(
            ids, Edges(starts, ends, checked), {}, directed=directed, self_loops=self_loops
        )

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        delimiter: str | None = None,
        columns: Sequence[str | int] = (0, 1, 2),
        header: bool | None = None,
        comments: str = "#%",
        directed: bool = False,
        self_loops: SelfLoops = "drop",
    ) -> Graph:
        """Read a text table of source, target and, where there is one, weight.

        Parameters
        ----------
        path : str or Path
            csv, tsv or text in columns at white space, UTF-8, gzipped or not.
        delimiter : str, optional
            Found out from the first line when left out: tab, ``::``, semicolon, comma or space;
            a space stands for any run of white space. Blanks around a field that is not quoted
            belong to no name.
        columns : two or three of str or int
            The columns of source, target and weight, by number from 0 or by header name. With
            the default, a third column is used when there is one and it is not headed
            ``timestamp``, ``date`` or the like, which is counted in ``dropped``; ``(0, 1)`` leaves
            it out.
        header : bool, optional
            Whether the first line names the columns. When left out: it does if a column is given
            by name, if its weight is a word and the next line's is none, or, without weights,
            if it reads like ``source,target``, ``from,to`` or ``node_1,node_2``, or both names
            are words and both of the next line numbers. ``NA`` and what begins with a digit are
            no words. A header is counted in ``dropped``.
        comments : str
            Lines that begin with one of these characters, also after blanks or within quotes,
            are left out and counted in ``dropped``; ``""`` where names begin with them.
        directed, self_loops
            As in `from_edges`, like all rules for edges that come again.

        Returns
        -------
        Graph
            Ids are str, since text cannot tell ``1`` from ``"1"``.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        InputError
            If the text is not UTF-8 or empty, a column is missing, a line is short, a quote stays
            open, or a weight is no number, negative or out of range: the message names the line.
            And as `from_edges`.
        FileFormatError
            If it is gzipped and damaged or ends early, or its first bytes are those of UTF-16 or
            UTF-32, or of another packer than gzip.

        Notes
        -----
        Read in batches: beside each name once, at most some 80 bytes a line while it runs, and
        some 2 s of one core a million lines.
        """
        ids, edges, dropped = read_file(
            path, delimiter=delimiter, columns=columns, header=header, comments=comments
        )
        return _built(ids, edges, dropped, directed=directed, self_loops=self_loops)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        source: str = "source",
        target: str = "target",
        weight: str | None = None,
        directed: bool = False,
        nodes: Iterable[Id] = (),
        self_loops: SelfLoops = "drop",
    ) -> Graph:
        """Build from columns of a DataFrame (pandas, polars), an Arrow table or a mapping.

        Parameters
        ----------
        frame : DataFrame, Table or mapping of str to column
            Anything whose ``frame[name]`` is a column.
        source, target : str
            The names of the two columns of ids.
        weight : str, optional
            The name of the column of weights; every edge weighs 1 when left out.
        directed, nodes, self_loops
            As in `from_edges`, like all rules for edges that come again.

        Returns
        -------
        Graph

        Raises
        ------
        InputError
            If it is no frame, a column is missing or has a gap (the message names its row,
            counted from 0), or as `from_edges`.
        """
        columns, weights = read_frame(frame, source, target, weight)
        return cls.from_edges(
            columns, weights, directed=directed, nodes=nodes, self_loops=self_loops
        )

    @classmethod
    def from_networkx(
        cls, graph: Any, *, weight: str | None = "weight", self_loops: SelfLoops = "drop"
    ) -> Graph:
        """Build from a networkx graph, directed if it is.

        Parameters
        ----------
        graph : networkx Graph, DiGraph, MultiGraph or MultiDiGraph
            Nodes named by str or int. Parallel edges become one, counted in ``merged``: their
            weights are added up.
        weight : str, optional
            The attribute of edges that holds the weight. All edges have it; or, if it is
            ``"weight"``, none has and each weighs 1; None looks for none.
        self_loops : {"drop", "keep"}
            As in `from_edges`.

        Returns
        -------
        Graph
            All nodes, in the order of ``graph.nodes``.

        Raises
        ------
        InputError
            If it is no networkx graph, a node is named otherwise, some edges have a weight and
            others have none, none has an attribute of another name than ``"weight"`` (the message
            says which there are), or as `from_edges`.
        """
        nodes, edges, weights = read_networkx(graph, weight)
        directed = graph.is_directed()
        return cls.from_edges(edges, weights, directed=directed, nodes=nodes, self_loops=self_loops)

    @classmethod
    def from_scipy(
        cls, matrix: Any, *, directed: bool | None = None, self_loops: SelfLoops = "drop"
    ) -> Graph:
        """Build from a square SciPy sparse matrix or array.

        Parameters
        ----------
        matrix : scipy.sparse matrix or array (nodes, nodes)
            The entry in row ``i`` and column ``j`` is the weight of the arc from ``i`` to ``j``;
            entries stored twice are added up, as in SciPy. Stored zeros are left out, counted in
            ``dropped``.
        directed : bool, optional
            When left out, the graph is undirected if the matrix is symmetric.
        self_loops : {"drop", "keep"}
            As in `from_edges`, for the diagonal.

        Returns
        -------
        Graph
            Ids are the row numbers; every row is a node, also an empty one.

        Raises
        ------
        InputError
            If it is not sparse and square, a value is no real number, negative or out of range
            (the message names its row and column), no edge is left, or ``directed`` is False
            and the matrix is not symmetric: `undirected` of the directed graph adds up the two
            directions.
        """
        ids, entries = read_scipy(matrix)
        found = _built(ids, entries, {}, directed=True, self_loops=self_loops)
        if directed or not is_symmetric(found._arcs, len(ids), required=directed is False):
            return found
        arcs = found._arcs
        return found._derived(ids, arcs.chosen(arcs.sources <= arcs.targets), directed=False)


def _built(
    ids: tuple[Id, ...],
    edges: Edges,
    dropped: Mapping[str, int],
    *,
    directed: bool,
    self_loops: SelfLoops,
) -> Graph:
    """Leave out what is no edge, beside what was ``dropped`` before, and sort what is."""
    if self_loops not in get_args(SelfLoops):
        raise InputError(f"self_loops must be 'drop' or 'keep'; got {self_loops!r}.")
    if not isinstance(directed, bool):
        raise InputError(f"directed must be True or False; got {directed!r}.")
    kept, more = keep_edges(edges, self_loops=self_loops == "keep")
    dropped = {**dropped, **more}
    check_some(kept, dropped)
    rows = compress(kept, ids, directed=directed)
    return _whole(ids, rows.arrays, directed, rows.merged, dropped)


def _whole(
    ids: tuple[Id, ...], arrays: Arrays, directed: bool, merged: int, dropped: Mapping[str, int]
) -> Graph:
    """Make a graph whose names differ and whose arcs have counterparts by how it was made."""
    check_rows(len(ids), *arrays)
    graph = object.__new__(Graph)
    vars(graph).update(directed=directed, merged=merged)
    graph._hold(ids, arrays, dropped)
    return graph
