"""Names of nodes become numbers.

What it is: columns of ids taken as they come, from pairs, arrays, lists or Series, and numbered
in order of first appearance. Integers in arrays never pass through Python objects; the dict that
numbers all other names is also their oracle in the tests. What it is not: a check of what edges
mean (see ``edges``).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embedry.errors import InputError
from embedry.ids import Id, check_id, check_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Column", "as_column", "columns_of", "number_column", "number_nodes"]

_AT_ONCE = 2**20
_MOST_NODES = 2**31 - 1

Column: TypeAlias = "NDArray[np.int64] | list[Any]"


def columns_of(edges: Any) -> tuple[Any, Any]:
    """Take edges apart into a column of sources and one of targets.

    Parameters
    ----------
    edges : ndarray (edges, 2), tuple of two columns, or iterable of pairs
        A tuple of two that are not tuples themselves is taken for two columns.

    Returns
    -------
    sources, targets
        Columns, not checked any further.

    Raises
    ------
    InputError
        If an array is not (edges, 2), or something in an iterable is no pair.
    """
    if isinstance(edges, np.ndarray):
        if edges.ndim != 2 or edges.shape[1] != 2:
            raise InputError(
                f"An array of edges must have shape (edges, 2); got {edges.shape}. "
                "Pass a tuple (sources, targets) for two columns."
            )
        return edges[:, 0], edges[:, 1]
    if (
        isinstance(edges, tuple)
        and len(edges) == 2
        and not any(isinstance(part, (tuple, str, bytes)) for part in edges)
    ):
        return edges
    if isinstance(edges, (str, bytes)) or not hasattr(edges, "__iter__"):
        raise InputError(
            f"edges must be pairs of ids, or a tuple (sources, targets); got {edges!r}."
        )
    pairs = [_as_pair(place, edge) for place, edge in enumerate(edges)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _as_pair(place: int, edge: Any) -> Any:
    if isinstance(edge, (str, bytes)) or not hasattr(edge, "__getitem__") or len(edge) != 2:
        raise InputError(
            f"An edge must be a pair of ids; got {edge!r} at place {place}. Pass weights apart, "
            "as weights=; columns as a tuple (sources, targets); a DataFrame to from_frame."
        )
    return edge


def as_column(values: Any) -> Column:
    """Return a column of names as an int64 array where it holds integers alone, else as a list.

    Parameters
    ----------
    values : array, Series, range or iterable of str or int

    Returns
    -------
    ndarray (n,), int64, or list
        A list holds what came; `number_nodes` checks it.

    Raises
    ------
    InputError
        If it is a single str, not iterable, or an array of more than one dimension.
    """
    if isinstance(values, range):
        values = np.arange(values.start, values.stop, values.step)
    if hasattr(values, "__array__"):
        array = np.asarray(values)
        if array.ndim != 1:
            raise InputError(f"A column of ids must be flat; got an array of shape {array.shape}.")
        if array.dtype.kind in "iu" and not (array.size and array.max() > np.iinfo(np.int64).max):
            return array.astype(np.int64, copy=False)
        return list(array) if array.dtype.kind in "mM" else array.tolist()
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise InputError(f"A column of ids must be a list or an array; got {values!r}.")
    column = values if isinstance(values, list) else list(values)
    if set(map(type, column)) == {int}:
        try:
            return np.array(column, np.int64)
        except OverflowError:
            return column  # check_id says which
    return column


def number_nodes(
    nodes: Column, sources: Column, targets: Column
) -> tuple[tuple[Id, ...], NDArray[np.int32], NDArray[np.int32]]:
    """Give each node a number, in order of first appearance: ``nodes``, then edge by edge.

    Parameters
    ----------
    nodes : column
        Named first, whether or not they have an edge; may repeat.
    sources, targets : columns (edges,)

    Returns
    -------
    ids : tuple of str or int, one a node
    sources, targets : ndarray (edges,), int32

    Raises
    ------
    InputError
        If the columns differ in length, a name is no id, or there are more than 2**31 - 1 nodes.

    Notes
    -----
    With arrays, linear in time where the integers span at most as many values as there are ends
    of edges, else with a sort; some 50 bytes an edge while it runs.
    """
    if len(sources) != len(targets):
        raise InputError(
            f"sources and targets must be equally long; got {len(sources)} and {len(targets)}."
        )
    columns = (nodes, sources, targets)
    if all(isinstance(column, np.ndarray) or not column for column in columns):
        named = np.empty(len(nodes) + 2 * len(sources), np.int64)
        ids, codes = _number_ints(_interleaved(named, *columns))
    else:
        ids, codes = _number_names(*map(_as_list, columns))
    return ids, codes[len(nodes) :: 2], codes[len(nodes) + 1 :: 2]


def number_column(column: Column) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Give each name of one column a number, in order of first appearance.

    Parameters
    ----------
    column : column (n,)

    Returns
    -------
    ids : tuple of str or int
    codes : ndarray (n,), int32

    Raises
    ------
    InputError
        If a name is no id.
    """
    if isinstance(column, np.ndarray):
        return _number_ints(column.copy())
    return _number_names(column, [], [])


def _as_list(column: Column) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else column


def _interleaved(into: NDArray[Any], nodes: Any, sources: Any, targets: Any) -> NDArray[Any]:
    into[: len(nodes)] = nodes
    into[len(nodes) :: 2] = sources
    into[len(nodes) + 1 :: 2] = targets
    return into


def _number_names(
    nodes: list[Any], sources: list[Any], targets: list[Any]
) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Give names of any kind numbers, by way of a dict, which keeps the order of appearance."""
    columns: Sequence[Sequence[Any]] = (nodes, sources, targets)
    plain = all(set(map(type, column)) <= {str, int} for column in columns)
    if not plain:
        columns = [check_ids(column) for column in columns]
    numbers: dict[Id, int] = {}
    ends = chain(columns[0], chain.from_iterable(zip(columns[1], columns[2], strict=True)))
    codes = np.fromiter(
        (numbers.setdefault(name, len(numbers)) for name in ends),
        np.int32,
        len(nodes) + 2 * len(sources),
    )
    for name in numbers if plain else ():
        check_id(name)
    return tuple(numbers), codes


def _number_ints(values: NDArray[np.int64]) -> tuple[tuple[Id, ...], NDArray[np.int32]]:
    """Do what `_number_names` does, by arrays alone; ``values`` is used up."""
    if not len(values):
        return (), np.empty(0, np.int32)
    distinct, ranks = _ranked(values)
    first = np.empty(len(distinct), np.int64)
    for stop in range(len(ranks), 0, -_AT_ONCE):  # backwards: the first appearance is written last
        start = max(0, stop - _AT_ONCE)
        first[ranks[start:stop][::-1]] = np.arange(stop - 1, start - 1, -1)
    order = np.argsort(first)
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    return tuple(distinct[order].tolist()), numbers[ranks]


def _ranked(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the distinct values, ascending, and the place of each value among them."""
    low, high = int(values.min()), int(values.max())
    if high - low <= len(values) + 2**16:
        values -= low
        seen = np.zeros(high - low + 1, bool)
        seen[values] = True
        places = np.cumsum(seen, dtype=np.int32)
        places -= 1
        return np.flatnonzero(seen) + low, places[values]
    ordered = np.sort(values)
    distinct = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    del ordered
    ranks = np.empty(len(values), np.int32)
    for start in range(0, len(values), _AT_ONCE):  # searchsorted gives int64
        part = slice(start, start + _AT_ONCE)
        ranks[part] = np.searchsorted(distinct, values[part])
    return distinct, ranks
