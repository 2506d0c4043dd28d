"""Labels of nodes: read from a file, and as a table of nodes by labels.

What it is not: communities found in a graph; labels come from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from embedry.data.text.encoding import read_text
from embedry.errors import InputError
from embedry.ids import Id, check_id, check_ids

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.embeddings import Embeddings

__all__ = ["LabelTable", "Labels", "read_labels"]

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


def read_labels(path: str | Path) -> dict[Id, tuple[Id, ...]]:
    """Read labels from a text file: a node and its labels a line, separated by white space.

    Parameters
    ----------
    path : str or Path
        UTF-8, gzipped or not. Empty lines and those that begin with ``#`` are passed over.

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
        If it is not UTF-8 or holds no label, or a line has a node alone: the message names it.
    FileFormatError
        If it is UTF-16 or UTF-32, packed by another tool than gzip, or gzipped and damaged.
    """
    text = read_text(path)
    found: dict[Id, dict[Id, None]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        node, *names = line.split() or [""]
        if not node or node.startswith("#"):
            continue
        if not names:
            raise InputError(
                f"{path}, line {number}: must hold a node and its labels; got {line.strip()!r}. "
                "Leave out nodes without labels."
            )
        found.setdefault(node, {}).update(dict.fromkeys(names))
    if not found:
        raise InputError(f"{path} must hold at least one node with a label; it holds none.")
    return {node: tuple(names) for node, names in found.items()}
