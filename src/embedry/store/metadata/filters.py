"""Filters: the ``where`` language over metadata columns.

`parse_filter` reads a ``where``, a dict in MongoDB's query form, into a `Filter`: a tree of frozen
values. `Filter.mask` asks the columns and gives one bool a position. Reading checks the form;
asking checks that each operand fits its column's kind.

``{"year": {"$gte": 1990, "$lt": 2000}, "kind": "novel"}`` means all three. An item without the key
passes ``$ne``, ``$nin``, ``$exists: False`` and the ``$not`` of what it fails, and nothing else:
logic has two values here, not the three of SQL. Numbers compare exactly, int with float too.

This is not all of MongoDB: no nested documents, no regular expressions, no types mixed in a
column, and None stands for nothing. Source: the operators of MongoDB's manual, "Query and
Projection Operators", version 8; ``$contains`` is ours.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from embedry.errors import FilterError, InputError
from embedry.store.metadata.column import ListColumn, NumberColumn, TextColumn
from embedry.store.metadata.rows import fits, kind_of, microseconds, plain_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.store.metadata.column import Column
    from embedry.store.metadata.columns import Columns
    from embedry.store.metadata.rows import Kind

__all__ = [
    "MAX_DEPTH",
    "Among",
    "And",
    "Contains",
    "Exists",
    "Filter",
    "Not",
    "Or",
    "Range",
    "parse_filter",
]

MAX_DEPTH = 100
"""How many ``$and``, ``$or`` and ``$not`` may stand inside each other."""

Scalar: TypeAlias = bool | int | float | str | datetime

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


# The tree ----------------------------------------------------------------------------------------


class Filter(ABC):
    """A parsed ``where``: a frozen value that tells which positions pass."""

    __slots__ = ()

    @property
    @abstractmethod
    def keys(self) -> frozenset[str]:
        """The metadata keys it asks for.

        A key that no item has is no error: it is missing everywhere. ``filter.keys -
        columns.kinds.keys()`` names such keys, for a caller who wants to say so.
        """

    @abstractmethod
    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which positions pass.

        Parameters
        ----------
        columns : Columns
            Of n positions. A cleared position is like an item without metadata: mask it yourself.

        Returns
        -------
        (n,) bool
            A new array.

        Raises
        ------
        FilterError
            If an operand does not fit the kind of its column; also where no item would be asked.

        Notes
        -----
        O(n) a condition; a range or ``$contains`` on str adds the distinct values, ``$contains``
        on list the entries.
        """


@final
@dataclass(frozen=True, slots=True)
class And(Filter):
    """Pass what passes every part; all, if there is none."""

    parts: tuple[Filter, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all parts."""
        return frozenset().union(*(part.keys for part in self.parts))

    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which positions pass every part, (n,) bool; see `Filter.mask`."""
        passes = np.ones(len(columns), np.bool_)
        for part in self.parts:
            passes &= part.mask(columns)
        return passes


@final
@dataclass(frozen=True, slots=True)
class Or(Filter):
    """Pass what passes at least one part."""

    parts: tuple[Filter, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all parts."""
        return frozenset().union(*(part.keys for part in self.parts))

    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which positions pass a part, (n,) bool; see `Filter.mask`."""
        passes = np.zeros(len(columns), np.bool_)
        for part in self.parts:
            passes |= part.mask(columns)
        return passes


@final
@dataclass(frozen=True, slots=True)
class Not(Filter):
    """Pass what fails the part, missing values among it."""

    part: Filter

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the part."""
        return self.part.keys

    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which positions fail the part, (n,) bool; see `Filter.mask`."""
        passes = self.part.mask(columns)
        return np.logical_not(passes, out=passes)


class _Condition(Filter):
    """A filter on one key."""

    __slots__ = ()
    key: str

    @property
    def keys(self) -> frozenset[str]:
        """The one key."""
        return frozenset([self.key])

    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which positions pass, (n,) bool; see `Filter.mask`."""
        column = columns.get(self.key)
        return np.zeros(len(columns), np.bool_) if column is None else self._ask(column)

    @abstractmethod
    def _ask(self, column: Column) -> NDArray[np.bool_]: ...


@final
@dataclass(frozen=True, slots=True)
class Exists(_Condition):
    """Pass items that have the key."""

    key: str

    def _ask(self, column: Column) -> NDArray[np.bool_]:
        return column.present.copy()


@final
@dataclass(frozen=True, slots=True)
class Among(_Condition):
    """Pass values that equal one of ``values``: ``$eq`` and ``$in``."""

    key: str
    values: tuple[Scalar, ...]

    def _ask(self, column: Column) -> NDArray[np.bool_]:
        if isinstance(column, ListColumn):
            raise _not_for_lists(self.key)
        for value in self.values:
            _check_fit(self.key, column.kind, value)
        if isinstance(column, TextColumn):
            return column.among(str(value) for value in self.values)
        return _equal_numbers(column, self.values)


@final
@dataclass(frozen=True, slots=True)
class Range(_Condition):
    """Pass values on one side of ``bound``: ``$gt``, ``$gte``, ``$lt`` and ``$lte``."""

    key: str
    symbol: str
    bound: Scalar

    def _ask(self, column: Column) -> NDArray[np.bool_]:
        if isinstance(column, ListColumn):
            raise _not_for_lists(self.key)
        _check_fit(self.key, column.kind, self.bound)
        if isinstance(column, TextColumn):
            compare = _COMPARE[self.symbol]
            return column.passing(lambda text: compare(text, self.bound))
        return _compare_numbers(column, self.symbol, self.bound)


@final
@dataclass(frozen=True, slots=True)
class Contains(_Condition):
    """Pass a str with ``text`` in it, in the same case, and a list with ``text`` as an element."""

    key: str
    text: str

    def _ask(self, column: Column) -> NDArray[np.bool_]:
        if isinstance(column, ListColumn):
            return column.containing(self.text)
        if isinstance(column, TextColumn):
            return column.passing(lambda text: self.text in text)
        raise FilterError(
            f"$contains asks columns of str or list; {self.key!r} holds {column.kind}. "
            "Use $eq, $in or a range."
        )


# Operands against columns -------------------------------------------------------------------------


def _not_for_lists(key: str) -> FilterError:
    return FilterError(
        f"A column of list is asked by $contains or $exists; {key!r} holds list and was compared "
        f"with a value. Write {{{key!r}: {{'$contains': ...}}}}, inside $not for the opposite."
    )


def _check_fit(key: str, kind: Kind, operand: Scalar) -> None:
    if not fits(kind_of(operand), kind):
        raise FilterError(
            f"An operand must be of its column's type; {key!r} holds {kind}, got the "
            f"{kind_of(operand)} {operand!r}. Convert the operand to {kind}."
        )


def _equal_numbers(column: NumberColumn, operands: tuple[Scalar, ...]) -> NDArray[np.bool_]:
    """Return where the value equals one of the operands, (n,) bool."""
    # A column of int may be asked for a float as large as 1e300, which it cannot hold.
    low, high = (-(2**63), 2**63 - 1) if column.kind == "int" else (-math.inf, math.inf)
    wanted = [
        number
        for number in (_exact(column.kind, operand) for operand in operands)
        if number is not None and low <= number <= high
    ]
    passes: NDArray[np.bool_] = (
        column.values == wanted[0]
        if len(wanted) == 1
        else np.isin(column.values, np.array(wanted, column.values.dtype))
    )
    passes &= column.present
    return passes


def _compare_numbers(column: NumberColumn, symbol: str, bound: Scalar) -> NDArray[np.bool_]:
    """Return where the value lies on the asked side of the bound, (n,) bool."""
    nearest = _nearest(column.kind, bound, up=symbol in {"$lt", "$gte"})
    passes: NDArray[np.bool_] = _COMPARE[symbol](column.values, nearest)
    passes &= column.present
    return passes


def _exact(kind: Kind, operand: Scalar) -> int | float | None:
    """Return the number of the column that equals ``operand``, or None if it can hold none."""
    up, down = _nearest(kind, operand, up=True), _nearest(kind, operand, up=False)
    return up if up == down else None


def _nearest(kind: Kind, operand: Any, *, up: bool) -> int | float:
    """Return the nearest number that a column can hold, not below ``operand``; or not above.

    NumPy compares int64 with float64 in float64, where 2**53 + 1 equals 2**53. No number of the
    column lies between ``operand`` and this one, so this one can stand for it: a value is below
    the one if it is below the other.
    """
    if kind == "datetime":
        return microseconds(operand)
    if kind != "float":
        whole: int = math.ceil(operand) if up else math.floor(operand)
        return whole
    number = float(operand)
    if number < operand and up:
        return math.nextafter(number, math.inf)
    if number > operand and not up:
        return math.nextafter(number, -math.inf)
    return number


# Reading a where ---------------------------------------------------------------------------------


def parse_filter(where: Mapping[str, object]) -> Filter:
    """Read a ``where`` into a filter.

    Parameters
    ----------
    where : mapping
        ``{key: value}`` or ``{key: {operator: operand, ...}, ...}``, all of which must hold. The
        operators: ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``, ``$lte`` with a value; ``$in``,
        ``$nin`` with a list of values; ``$exists`` with a bool; ``$contains`` with a str, a part
        of a str or an element of a list; ``$not`` with such operators. Beside the keys:
        ``$and``, ``$or`` with a list of wheres, ``$not`` with a where. ``{}`` passes everything.

    Returns
    -------
    Filter

    Raises
    ------
    FilterError
        If it is not of this form, nested deeper than `MAX_DEPTH`, or an operand is no metadata
        (see `embedry.store.metadata.columns.plain_value`).

    References
    ----------
    MongoDB manual 8.0, "Query and Projection Operators".

    Examples
    --------
    >>> from embedry.store.metadata.columns import Columns
    >>> columns = Columns()
    >>> columns.set([0, 1, 2], [{"year": 1989}, {"year": 1996}, {}])
    >>> parse_filter({"year": {"$gte": 1990}}).mask(columns)
    array([False,  True, False])
    >>> parse_filter({"year": {"$not": {"$gte": 1990}}}).mask(columns)
    array([ True, False,  True])
    """
    return _read_where(where, 0)


def _read_where(where: object, depth: int) -> Filter:
    if not isinstance(where, Mapping):
        raise FilterError(
            f"A where must be a dict of keys and conditions; got {where!r}. "
            "Write it as {'year': {'$gte': 1990}}."
        )
    _check_depth(depth)
    return _all_of([_read_clause(key, value, depth) for key, value in where.items()])


def _read_clause(key: object, condition: object, depth: int) -> Filter:
    if key in {"$and", "$or"}:
        return _read_group(str(key), condition, depth + 1)
    if key == "$not":
        return Not(_read_where(condition, depth + 1))
    if not isinstance(key, str) or not key or key.startswith("$"):
        raise FilterError(
            f"A where has metadata keys, $and, $or and $not; got {key!r}. Other operators stand "
            "under a key, as in {'year': {'$gte': 1990}}."
        )
    if isinstance(condition, Mapping):
        return _read_condition(key, condition, depth)
    return _read_operator(key, "$eq", condition, depth)


def _read_group(symbol: str, wheres: object, depth: int) -> Filter:
    if not isinstance(wheres, (list, tuple)) or not wheres:
        raise FilterError(
            f"{symbol} takes a list of at least one where; got {wheres!r}. "
            f"Write it as {{{symbol!r}: [{{'year': 1990}}, {{'kind': 'novel'}}]}}."
        )
    parts = tuple([_read_where(where, depth) for where in wheres])
    return And(parts) if symbol == "$and" else Or(parts)


def _read_condition(key: str, condition: object, depth: int) -> Filter:
    """Read ``{operator: operand, ...}`` under a key."""
    if not isinstance(condition, Mapping) or not condition:
        raise FilterError(
            f"The condition on {key!r} must be a dict of at least one operator; got "
            f"{condition!r}. Write it as {{'$gte': 1990}}."
        )
    _check_depth(depth)
    return _all_of(
        [_read_operator(key, symbol, operand, depth) for symbol, operand in condition.items()]
    )


def _read_operator(key: str, symbol: str, operand: object, depth: int) -> Filter:
    if symbol == "$not":
        return Not(_read_condition(key, operand, depth + 1))
    if symbol in _NEGATED:
        return Not(_NEGATED[symbol](key, symbol, operand))
    if symbol in _OPERATORS:
        return _OPERATORS[symbol](key, symbol, operand)
    allowed = ", ".join(sorted([*_OPERATORS, *_NEGATED, "$not"]))
    raise FilterError(
        f"The operators under {key!r} must be among {allowed}; got {symbol!r}. Values of metadata "
        "are no dicts, so that nothing else can stand there."
    )


def _read_equal(key: str, symbol: str, operand: object) -> Filter:
    return Among(key, (_scalar(key, symbol, operand),))


def _read_among(key: str, symbol: str, operand: object) -> Filter:
    if not isinstance(operand, (list, tuple, set, frozenset)):
        raise FilterError(
            f"{symbol} of {key!r} takes a list of values; got {operand!r}. Pass a list, or "
            f"{'$eq' if symbol == '$in' else '$ne'} for a single value."
        )
    return Among(key, tuple(_scalar(key, symbol, element) for element in operand))


def _read_range(key: str, symbol: str, operand: object) -> Filter:
    bound = _scalar(key, symbol, operand)
    if isinstance(bound, bool):
        raise FilterError(f"{symbol} of {key!r} asks for an order; got the bool {bound}. Use $eq.")
    return Range(key, symbol, bound)


def _read_contains(key: str, symbol: str, operand: object) -> Filter:
    text = _scalar(key, symbol, operand)
    if not isinstance(text, str):
        raise FilterError(
            f"{symbol} of {key!r} takes a str, to be found in a str or a list of str; got "
            f"{operand!r}. Ask for several with $and or $or."
        )
    return Contains(key, text)


def _read_exists(key: str, symbol: str, operand: object) -> Filter:
    if not isinstance(operand, (bool, np.bool_)):
        raise FilterError(f"{symbol} of {key!r} takes True or False; got {operand!r}. Pass a bool.")
    return Exists(key) if operand else Not(Exists(key))


_Reader: TypeAlias = Callable[[str, str, object], Filter]
_OPERATORS: dict[str, _Reader] = {
    "$eq": _read_equal,
    "$in": _read_among,
    "$contains": _read_contains,
    "$exists": _read_exists,
    **dict.fromkeys(_COMPARE, _read_range),
}
_NEGATED: dict[str, _Reader] = {"$ne": _read_equal, "$nin": _read_among}


def _scalar(key: str, symbol: str, operand: object) -> Scalar:
    if operand is None:
        raise FilterError(
            f"{symbol} of {key!r} takes a value; got None. Items without the key are found by "
            f"{{{key!r}: {{'$exists': False}}}}, those with it by True."
        )
    try:
        value = plain_value(operand)
    except InputError as error:
        raise FilterError(f"{symbol} of {key!r}: {error}") from error
    if isinstance(value, list):
        raise FilterError(
            f"{symbol} of {key!r} takes single values; got the list {value!r}. Use $in for one of "
            "several values, $contains for an element of a list."
        )
    return value


def _all_of(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FilterError(
            f"A where may nest $and, $or and $not {MAX_DEPTH} deep; this one goes deeper. "
            "Flatten it, such as many $or into one with a longer list."
        )
