"""Graphs as they come: text files, and what networkx, SciPy and DataFrames hold.

No other package is imported: what is passed brings its own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.data.graphs.edges import LARGEST_WEIGHT, SMALLEST_WEIGHT, Edges, as_weights
from embedry.data.tables.frames import check_frame
from embedry.data.tables.headings import Form, letters_of
from embedry.data.tables.reader import read_table
from embedry.errors import InputError
from embedry.ids import Id, check_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_file", "read_frame", "read_networkx", "read_scipy"]

_USUAL_WEIGHT = "weight"  # as networkx calls it: may be asked for where there is none
_SOURCES = ("source", "src", "from", "fromid", "fromnode", "fromnodeid", "node", "nodeid", "id")
_TARGETS = ("target", "dst", "to", "toid", "tonode", "tonodeid", "node", "nodeid", "id")
_FORM = Form(
    names=("source", "target"),
    value="weight",
    must=f"0, or a number in [{SMALLEST_WEIGHT:g}, {LARGEST_WEIGHT:g}]",
    smallest=SMALLEST_WEIGHT,
    largest=LARGEST_WEIGHT,
    advice="Drop that line, or pass columns=(0, 1) to leave the weights out.",
    text_advice="Drop that line, or pass columns=(0, 1) to leave the third column out.",
    are_headings=lambda first: (
        letters_of(first[0]) in _SOURCES and letters_of(first[1]) in _TARGETS
    ),
    one_kind=True,
)


def read_file(
    path: str | Path,
    *,
    delimiter: str | None,
    columns: Sequence[str | int],
    header: bool | None,
    comments: str,
) -> tuple[tuple[Id, ...], Edges, dict[str, int]]:
    """Read a text table of edges; see `Graph.from_file`.

    Parameters
    ----------
    path, delimiter, columns, header, comments
        As there.

    Returns
    -------
    ids : tuple of str
        In order of first appearance.
    edges : Edges
    dropped : dict of str to int

    Raises
    ------
    FileNotFoundError, InputError, FileFormatError
        As there.
    """
    table = read_table(
        path, _FORM, delimiter=delimiter, columns=columns, header=header, comments=comments
    )
    return table.names[0], Edges(table.firsts, table.seconds, table.values), table.dropped


def read_networkx(
    graph: Any, weight: str | None
) -> tuple[list[Id], tuple[list[Any], list[Any]], list[Any] | None]:
    """Take a networkx graph apart; see `Graph.from_networkx`.

    Parameters
    ----------
    graph : networkx graph
    weight : str or None
        The attribute that holds weights.

    Returns
    -------
    nodes, (sources, targets), weights
        Weights are None where no edge has any.

    Raises
    ------
    InputError
        If it is no networkx graph, a node is no id, some edges alone have weights, or none has
        the attribute and it is not ``"weight"``.
    """
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise InputError(
            f"graph must be a networkx graph; got {type(graph).__name__}. Pass edges to "
            "from_edges, a matrix to from_scipy."
        )
    try:
        nodes = check_ids(graph.nodes)
    except InputError as error:
        raise InputError(
            f"{error} networkx.relabel_nodes(graph, str) renames all nodes of a graph."
        ) from error
    triples = list(graph.edges(data=weight, default=None))
    columns = [triple[0] for triple in triples], [triple[1] for triple in triples]
    weights = _weights(triples, weight)
    if weights is None and triples and weight not in {None, _USUAL_WEIGHT}:
        raise InputError(
            f"weight must be an attribute of the edges; none has {weight!r}, they have "
            f"{_attributes(graph)}. Pass one of them, or weight=None."
        )
    return nodes, columns, weights


def _attributes(graph: Any) -> str:
    """Name what the edges of a networkx graph have."""
    names = {str(name) for *_, held in graph.edges(data=True) for name in held}
    return ", ".join(sorted(names)) or "no attributes"


def _weights(triples: list[tuple[Any, Any, Any]], weight: str | None) -> list[Any] | None:
    bare = [] if weight is None else [edge for edge in triples if edge[2] is None]
    if weight is None or len(bare) == len(triples):
        return None
    if bare:
        source, target, _ = bare[0]
        raise InputError(
            f"Either all edges must have a {weight!r} or none; {len(bare)} of {len(triples)} have "
            f"none, the first from {source!r} to {target!r}. Set them, or pass weight=None."
        )
    return [value for _, _, value in triples]


def read_scipy(matrix: Any) -> tuple[tuple[Id, ...], Edges]:
    """Take a SciPy sparse matrix apart; see `Graph.from_scipy`.

    Parameters
    ----------
    matrix : scipy.sparse matrix or array (nodes, nodes)

    Returns
    -------
    ids : tuple of int
        The numbers of its rows.
    entries : Edges
        As stored, zeros and repeats too.

    Raises
    ------
    InputError
        If it is not sparse and square, or a value is no weight.
    """
    if not hasattr(matrix, "tocoo") or matrix.ndim != 2 or len(set(matrix.shape)) != 1:
        raise InputError(
            "matrix must be a SciPy sparse matrix of nodes by nodes; got "
            f"{type(matrix).__name__} {getattr(matrix, 'shape', '')}. "
            "Pass scipy.sparse.csr_array(...) of a square table."
        )
    entries = matrix.tocoo()
    rows, columns = entries.row.astype(np.int32), entries.col.astype(np.int32)
    weights = as_weights(
        entries.data, len(rows), lambda place: f"row {rows[place]}, column {columns[place]}"
    )
    return tuple(range(entries.shape[0])), Edges(rows, columns, weights)


def read_frame(
    frame: Any, source: str, target: str, weight: str | None
) -> tuple[tuple[Any, Any], NDArray[Any] | None]:
    """Take columns from a frame; see `Graph.from_frame`.

    Parameters
    ----------
    frame : DataFrame, Arrow table, or mapping of str to column
    source, target : str
    weight : str or None

    Returns
    -------
    (sources, targets), weights
        Columns as they are; weights are None where there is no such column.

    Raises
    ------
    InputError
        If it is no frame, a column is missing, or has a gap: the message names its row.
    """
    wanted = (source, target) if weight is None else (source, target, weight)
    check_frame(frame, wanted, "Pass pairs to from_edges.")
    weights = None if weight is None else np.asarray(frame[weight])
    return (frame[source], frame[target]), weights
