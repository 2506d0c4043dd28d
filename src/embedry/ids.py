"""Ids: what an item may be called, and how ids are kept in files.

An id is a str or an int64. NumPy scalars become plain Python values; a bool, a float, None or
bytes is refused, because ``True == 1`` and ``1.0 == 1`` would silently be the same item. ``1``
and ``"1"`` are two ids.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

__all__ = [
    "Id",
    "check_id",
    "check_ids",
    "check_unique",
    "is_unicode",
    "kind_hint",
    "pack_ids",
    "unpack_ids",
]

Id: TypeAlias = str | int

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # what str(int) writes


def check_id(value: object) -> Id:
    """Return ``value`` as a plain id.

    Parameters
    ----------
    value : str, int, or a NumPy str or integer scalar

    Returns
    -------
    str or int

    Raises
    ------
    InputError
        If it is anything else, an int beyond 64 bits, or a str that UTF-8 cannot hold.

    Examples
    --------
    >>> check_id("b1"), check_id(np.int64(7))
    ('b1', 7)
    """
    kind = type(value)
    if isinstance(value, str):
        return _check_text(str.__str__(value))  # the letters, whatever a subclass makes of str()
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64)):
        number = int(value)
        if _SMALLEST <= number <= _LARGEST:
            return number
        raise InputError(f"An int id must fit 64 bits; got {number}. Pass str({number}) instead.")
    raise InputError(
        f"An id must be a str or an int; got {value!r} of type {kind.__name__}. "
        "Pass str(...) or int(...) of it."
    )


def is_unicode(text: str) -> bool:
    """Say whether a text can be written as UTF-8: it holds no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_text(text: str) -> str:
    if not is_unicode(text):
        raise InputError(
            f"A str id must be valid Unicode; got {text!r}, which holds half a surrogate pair. "
            "Decode the bytes it came from with the right encoding."
        )
    return text


def check_ids(ids: Iterable[object]) -> list[Id]:
    """Return ``ids`` as a list of plain ids; see `check_id`.

    Parameters
    ----------
    ids : iterable of str or int
        A single str is refused: it would be read as its letters.

    Returns
    -------
    list of str or int

    Raises
    ------
    InputError
        If one is not an id, or ``ids`` is a single str, not iterable, or an array of more than
        one dimension.
    """
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__"):
        raise InputError(f"ids must be a list of ids; got {ids!r}. Wrap a single one: [{ids!r}].")
    if isinstance(ids, np.ndarray):
        if ids.ndim != 1:
            raise InputError(f"ids must be a flat list; got an array of shape {ids.shape}.")
        if ids.dtype.kind in "iu" and ids.dtype != np.uint64:
            return [int(value) for value in ids]
    return [check_id(value) for value in ids]


def check_unique(ids: Sequence[Id], what: str = "ids") -> None:
    """Refuse ids that come twice.

    Parameters
    ----------
    ids : sequence of str or int
        Plain ids, as `check_ids` returns them.
    what : str
        How the message calls them.

    Raises
    ------
    InputError
        If one comes twice; the message names the first three.
    """
    if len(set(ids)) == len(ids):
        return
    seen: set[Id] = set()
    twice = [value for value in ids if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
    shown = ", ".join(repr(value) for value in dict.fromkeys(twice[:3]))
    raise InputError(
        f"{what} must differ from each other; {len(twice)} came again, such as {shown}. "
        "Drop or rename the repeated ones."
    )


def kind_hint(unknown: Iterable[Id], known: Container[object]) -> str:
    """Say that an unknown id is known as a text or as a number, for an error message.

    Parameters
    ----------
    unknown : iterable of str or int
        Plain ids, as `check_ids` returns them.
    known : container of ids

    Returns
    -------
    str
        A sentence after a blank, or nothing where no unknown id is known so.

    Examples
    --------
    >>> kind_hint([1], {"1", "2"})
    " Ids must be str in both or int in both: '1' is known."
    """
    for id in unknown:
        other = _as_other_kind(id)
        if other is not None and other in known:
            return f" Ids must be str in both or int in both: {other!r} is known."
    return ""


def _as_other_kind(id: Id) -> Id | None:
    if not isinstance(id, str):
        return str(id)
    return int(id) if _WHOLE_NUMBER.fullmatch(id) else None


def pack_ids(ids: Sequence[Id], prefix: str = "ids") -> dict[str, NDArray[Any]]:
    """Turn ids into arrays for a file.

    Parameters
    ----------
    ids : sequence of str or int, n of them
    prefix : str
        The arrays are called ``<prefix>.numbers`` and so on.

    Returns
    -------
    dict
        ``.is_text`` (n,) bool; ``.numbers`` (n,) int64, 0 for text; ``.offsets`` (n + 1,) int64
        into ``.text``, uint8, the UTF-8 bytes of the str ids one after the other.
    """
    texts = [value.encode() if isinstance(value, str) else b"" for value in ids]
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return {
        f"{prefix}.is_text": np.array([isinstance(value, str) for value in ids], bool),
        f"{prefix}.numbers": np.array([0 if isinstance(v, str) else v for v in ids], np.int64),
        f"{prefix}.offsets": offsets,
        f"{prefix}.text": np.frombuffer(b"".join(texts), np.uint8),
    }


def unpack_ids(arrays: Mapping[str, NDArray[Any]], prefix: str = "ids") -> list[Id]:
    """Turn the arrays of `pack_ids` back into ids.

    Parameters
    ----------
    arrays : mapping
        Holds the four arrays.
    prefix : str
        As given to `pack_ids`.

    Returns
    -------
    list of str or int

    Raises
    ------
    InputError
        If an array is missing or not what `pack_ids` gives, or they contradict each other.
    """
    is_text = _part(arrays, f"{prefix}.is_text", bool).tolist()
    numbers = _part(arrays, f"{prefix}.numbers", np.int64).tolist()
    offsets = _part(arrays, f"{prefix}.offsets", np.int64).tolist()
    text = _part(arrays, f"{prefix}.text", np.uint8).tobytes()
    ends_right = len(offsets) == len(numbers) + 1 and offsets[0] == 0 and offsets[-1] == len(text)
    grows = all(first <= last for first, last in pairwise(offsets))
    if not (ends_right and grows and len(is_text) == len(numbers)):
        raise InputError(f"The ids called {prefix!r} contradict each other: the file is damaged.")
    try:
        return [
            text[offsets[i] : offsets[i + 1]].decode() if is_text[i] else numbers[i]
            for i in range(len(numbers))
        ]
    except UnicodeDecodeError as error:
        raise InputError(f"The ids called {prefix!r} hold bytes that are not UTF-8.") from error


def _part(arrays: Mapping[str, NDArray[Any]], name: str, dtype: DTypeLike) -> NDArray[Any]:
    if name not in arrays:
        raise InputError(f"The ids must be whole; {name!r} is missing: the file is damaged.")
    part = arrays[name]
    if part.ndim != 1 or part.dtype != dtype:
        raise InputError(
            f"{name!r} must be flat {np.dtype(dtype)}; it is {part.dtype} {part.shape}."
        )
    return part
