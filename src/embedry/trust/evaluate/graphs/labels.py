"""Labels of nodes: read from a file, and as a table of nodes by labels.

What it is not: communities found in a graph; labels come from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from embedry.data.tables.reader import read_rows
from embedry.errors import InputError
from embedry.ids import Id, check_id, check_ids

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings

__all__ = ["LabelTable", "Labels", "read_labels"]

_NODES = frozenset({"node", "nodes", "nodeid", "id", "ids", "name", "vertex", "vertexid"})
_LABELS = frozenset(
    {"label", "labels", "labelid", "class", "classes", "classid", "group", "groups", "groupid"}
    | {"category", "categories", "categoryid", "target", "community"}
)

Labels: TypeAlias = "Mapping[Id, Id | Iterable[Id]]"


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Which of the nodes that have a vector carries which labels.

    Attributes
    ----------
    rows : ndarray (nodes,), int64
        Where each node stands in the embeddings, ascending.
    names : tuple of str or int
        The labels that at least one of the nodes carries; ints first, sorted.
    carried : ndarray (nodes, labels), bool
    without_vector : int
        Ids with labels that the embeddings lack.
    without_label : int
        Ids of the embeddings that carry no label.
    """

    rows: NDArray[np.int64]
    names: tuple[Id, ...]
    carried: NDArray[np.bool_]
    without_vector: int
    without_label: int

    @classmethod
    def of(cls, embeddings: Embeddings, labels: Labels) -> LabelTable:
        """Hold labels against embeddings.

        Parameters
        ----------
        embeddings : Embeddings
        labels : mapping of str or int to a label or a collection of labels
            A label is a str or an int; an empty collection is none.

        Returns
        -------
        LabelTable

        Raises
        ------
        InputError
            If labels are not such, or fewer than two are carried by nodes with a vector.
        """
        carried = {node: found for node, found in _plain(labels).items() if found}
        places = {id: place for place, id in enumerate(embeddings.ids)}
        rows = np.array(sorted(places[node] for node in carried if node in places), np.int64)
        each = [carried[embeddings.ids[row]] for row in rows.tolist()]
        names = sorted(set().union(*each), key=lambda name: (isinstance(name, str), name))
        if len(names) < 2:
            raise InputError(
                f"Nodes with a vector must carry at least two labels; {len(rows)} of "
                f"{len(carried)} labelled nodes have a vector, and carry {len(names)}. Check that "
                "ids are str in both or int in both: 1 and '1' differ."
            )
        column = {name: place for place, name in enumerate(names)}
        table = np.zeros((len(rows), len(names)), bool)
        for row, found in enumerate(each):
            table[row, [column[name] for name in found]] = True
        missing = len(carried) - len(rows)
        return cls(rows, tuple(names), table, missing, len(embeddings) - len(rows))


def _plain(labels: Labels) -> dict[Id, frozenset[Id]]:
    if not isinstance(labels, Mapping):
        raise InputError(
            "labels must map each id to its label or labels; got "
            f"{type(labels).__name__}. Pass dict(zip(ids, labels))."
        )
    return {check_id(node): _labels_of(node, given) for node, given in labels.items()}


def _labels_of(node: Id, given: Id | Iterable[Id]) -> frozenset[Id]:
    try:
        if isinstance(given, (str, int, np.integer)):
            return frozenset([check_id(given)])
        return frozenset(check_ids(given))
    except InputError as error:
        raise InputError(
            "A node must have a label, a str or an int, or a collection of labels; "
            f"node {node!r} has {given!r}."
        ) from error


def read_labels(
    path: str | Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    comments: str = "#%",
) -> dict[Id, tuple[Id, ...]]:
    """Read labels from a text file: a node and its labels a line.

    Parameters
    ----------
    path : str or Path
        csv, tsv or text in columns at white space, UTF-8, gzipped or not. Lines may have labels
        in different number; empty lines and empty labels beside others are passed over.
    delimiter : str, optional
        Between all columns. Found out from the first line when left out, as `Graph.from_file`
        does: tab, ``::``, semicolon, comma or space; a space stands for any run of white space.
    header : bool, optional
        Whether the first line names the columns, and is passed over. When left out: it does if
        it has two columns that read like ``node,label``, ``id,class`` or ``node_id,group``.
    comments : str
        Lines that begin with one of these characters are passed over.

    Returns
    -------
    dict of str to tuple of str
        In the order of the file; a node that comes again gains its further labels. Nodes and
        labels are str, since text cannot tell ``1`` from ``"1"``, as in graphs read from files.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is not UTF-8 or holds no label, a line has a node alone, or the delimiter was to be
        found out and a line can be read in two ways (``n0 l0,l1``): the message names it.
    FileFormatError
        If it is UTF-16 or UTF-32, packed by another tool than gzip, or gzipped and damaged.
    """
    mark, rows = read_rows(path, delimiter=delimiter, comments=comments)
    found: dict[Id, dict[Id, None]] = {}
    for place, (number, row) in enumerate(rows):
        if place == 0 and (_is_header(row) if header is None else header):
            continue
        node, *names = row[0], *filter(None, row[1:])
        where = f"{path}, line {number}"
        if not (node and names):
            raise InputError(
                f"{where}: must hold a node and its labels; got {row}. Leave out nodes without "
                "labels, or pass delimiter=."
            )
        if delimiter is None:
            _check_one_way(where, mark, row, first=place == 0)
        found.setdefault(node, {}).update(dict.fromkeys(names))
    if not found:
        raise InputError(f"{path} must hold at least one node with a label; it holds none.")
    return {node: tuple(names) for node, names in found.items()}


def _is_header(row: list[str]) -> bool:
    """Say whether a first row names columns, as its letters tell."""
    letters = ["".join(filter(str.isalpha, name)).lower() for name in row]
    return len(row) == 2 and letters[0] in _NODES and letters[1] in _LABELS


def _check_one_way(where: str, mark: str, row: list[str], *, first: bool) -> None:
    """Refuse a row that another delimiter parts too, where nobody said which is meant."""
    # of a csv file whose first id has no blank, further ids may have some
    blank = first and mark not in {" ", "\t"} and len(row[0].split()) > 1
    names = row[1:] if mark == "\t" else row
    if blank or any(other in name for name in names for other in {",", ";"} - {mark}):
        raise InputError(
            f"{where}: can be read in two ways, parted by {mark!r} as {row}, or by another mark in "
            f"it. Pass delimiter={mark!r} if that is right; else put the same mark between all "
            "columns."
        )
