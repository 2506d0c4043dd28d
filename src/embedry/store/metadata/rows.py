"""Metadata: what is known of an item, as plain values and as text.

A value is a bool, int (64 bits), finite float, str, aware datetime (kept in UTC) or list of str;
a row is the values of one item by key. In the log a row is JSON text that gives back the same
values. How rows are kept for filters is `embedry.store.metadata.columns`' matter.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "Kind",
    "Row",
    "Value",
    "check_key",
    "decode_metadata",
    "encode_metadata",
    "fits",
    "kind_of",
    "microseconds",
    "plain_value",
]

Kind: TypeAlias = Literal["bool", "int", "float", "str", "datetime", "list"]
Value: TypeAlias = bool | int | float | str | datetime | list[str]
Row: TypeAlias = dict[str, Value | None]

KINDS: dict[type, Kind] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    datetime: "datetime",
    list: "list",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_EXACT_IN_FLOAT = 2**53


def kind_of(value: Value) -> Kind:
    """Return the kind of a plain value, as `plain_value` returns it.

    Parameters
    ----------
    value : bool, int, float, str, datetime or list of str

    Returns
    -------
    str
        ``"bool"``, ``"int"``, ``"float"``, ``"str"``, ``"datetime"`` or ``"list"``.
    """
    return KINDS[type(value)]


def fits(kind: Kind, column: Kind) -> bool:
    """Return whether values of one kind can be kept in, or compared with, a column of another.

    Parameters
    ----------
    kind, column : str
        As `kind_of` returns them.

    Returns
    -------
    bool
        True if they are the same, or int and float.
    """
    return kind == column or {kind, column} == {"int", "float"}


def plain_value(value: object) -> Value:
    """Return ``value`` as one of the six kinds of metadata, in plain Python.

    Parameters
    ----------
    value : object
        NumPy scalars and subclasses become the plain type, a tuple a list, a datetime UTC.

    Returns
    -------
    bool, int, float, str, datetime or list of str

    Raises
    ------
    InputError
        If it is of no such kind; an int beyond 64 bits; NaN or infinite; a datetime without a
        zone, beyond the years 1 to 9999 in UTC or finer than a microsecond; a str that UTF-8
        cannot hold; or a list of anything but str.

    Examples
    --------
    >>> plain_value(np.float32(0.5)), plain_value(("a", "b"))
    (0.5, ['a', 'b'])
    """
    read = _READERS.get(type(value)) or _reader_of(value)
    return read(value)


def _reader_of(value: object) -> Callable[[Any], Value]:
    """Find what reads a NumPy scalar or an instance of a subclass."""
    if isinstance(value, np.bool_):
        return bool
    if isinstance(value, str):
        return _text
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        return _int
    if isinstance(value, (float, np.float16, np.float32)):
        return _float
    if isinstance(value, datetime):
        return _utc
    if isinstance(value, (list, tuple)):
        return _texts
    raise InputError(
        "A value must be a bool, int, float, str, aware datetime or list of str; got "
        f"{value!r} of type {type(value).__name__}. Convert it; spread a dict over several keys."
    )


def _text(text: str) -> str:
    plain = str.__str__(text)  # of an enum this is its value, where str() is its name
    if not plain.isascii():
        try:
            plain.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"A str must be valid Unicode; got {plain!r}, which holds half a surrogate pair. "
                "Decode the bytes it came from with the right encoding."
            ) from error
    return plain


def _int(value: int | np.integer[Any]) -> int:
    number = int(value)
    if _SMALLEST <= number <= _LARGEST:
        return number
    raise InputError(f"An int must fit 64 bits; got {number}. Pass it as a str.")


def _float(value: float | np.floating[Any]) -> float:
    number = float(value)
    if math.isfinite(number):
        return number
    raise InputError(
        f"A float must be finite; got {number}. Leave the key out where none is known."
    )


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC and type(moment) is datetime:
        return moment
    # pandas calls NaT a datetime; its offset is no timedelta.
    if not isinstance(moment.utcoffset(), timedelta):
        raise InputError(
            f"A datetime must have a time zone; got {moment!r}. If it is in UTC, pass "
            "value.replace(tzinfo=timezone.utc)."
        )
    if getattr(moment, "nanosecond", 0):
        raise InputError(f"A datetime is kept in microseconds; got {moment!r}. Round it.")
    try:
        there = moment.astimezone(UTC)
    except OverflowError as error:
        raise InputError(
            f"A datetime must lie in the years 1 to 9999 in UTC; got {moment!r}. "
            "Leave the key out where none is known."
        ) from error
    return datetime.combine(there.date(), there.time(), UTC)


def _texts(elements: Sequence[object]) -> list[str]:
    return [_element(element) for element in elements]


def _element(element: object) -> str:
    if isinstance(element, str):
        return _text(element)
    raise InputError(
        f"A list must hold str alone; got {element!r} of type {type(element).__name__} in it. "
        "Pass str(...) of it."
    )


_READERS: dict[type, Callable[[Any], Value]] = {
    bool: bool,
    int: _int,
    float: _float,
    str: _text,
    datetime: _utc,
    list: _texts,
}


def check_key(key: object) -> str:
    """Return a metadata key: a str, not empty, that does not begin like an operator.

    Raises
    ------
    InputError
        If it is none.
    """
    if isinstance(key, str) and key and not key.startswith("$"):
        return _text(key)
    raise InputError(
        f"A metadata key must be a str, not empty, that does not start with '$'; got {key!r}. "
        "Rename it."
    )


def microseconds(moment: datetime) -> int:
    """Return how many microseconds an aware datetime lies after 1970 in UTC; before is negative.

    Parameters
    ----------
    moment : datetime
        With a time zone.

    Returns
    -------
    int
        Exact.
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode_metadata(row: Mapping[str, object]) -> str:
    """Write one row of metadata as JSON text, from which `decode_metadata` reads it exactly.

    Parameters
    ----------
    row : mapping of str to bool, int, float, str, aware datetime or list of str

    Returns
    -------
    str
        A datetime is ``{"$datetime": "2024-01-01T00:00:00+00:00"}``.

    Raises
    ------
    InputError
        If a key or a value is not metadata. None is no value either: leave the key out.

    Examples
    --------
    >>> encode_metadata({"year": 1999, "tags": ["a"]})
    '{"year":1999,"tags":["a"]}'
    """
    plain = {check_key(key): plain_value(value) for key, value in row.items()}
    return _JSON.encode(
        {
            key: {"$datetime": value.isoformat()} if isinstance(value, datetime) else value
            for key, value in plain.items()
        }
    )


def decode_metadata(text: str) -> dict[str, Value]:
    """Read the text that `encode_metadata` wrote.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict
        The same keys, values and types, datetimes in UTC.

    Raises
    ------
    InputError
        If it is no such text.

    Examples
    --------
    >>> decode_metadata('{"seen":{"$datetime":"2024-01-01T00:00:00+00:00"}}')
    {'seen': datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)}
    """
    if text == "{}":
        return {}
    try:
        return {
            check_key(key): plain_value(_decoded(value)) for key, value in json.loads(text).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        shown = text if len(text) < 80 else f"{text[:80]}..."
        raise InputError(
            f"Metadata text must be as encode_metadata writes it; got {shown!r} ({error}). "
            "The file is damaged: write the item again."
        ) from error


def _decoded(value: Any) -> object:
    return datetime.fromisoformat(value["$datetime"]) if isinstance(value, dict) else value
