"""Caches beside the log: files of arrays that can be made again, and are believed only if whole.

A graph or a text index is cached so that the next opening need not build it. Reading one never
fails: what is missing, damaged, of another kind or of another collection is no cache. A checksum
stands in the header because a graph with one wrong link may lead out of the memory.

What it is not: a place for anything that the log does not also hold.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from embedry.card import fingerprint
from embedry.files import read_arrays, write_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.files import ArrayFile

__all__ = ["read_cache", "write_cache"]


def write_cache(
    path: Path,
    kind: str,
    uid: str,
    arrays: Mapping[str, NDArray[Any]],
    *,
    change: int = 0,
    token: str = "",
) -> None:
    """Write a cache, whole or not at all; where it cannot be written, nothing happens.

    Parameters
    ----------
    path : Path
        Its folder is made.
    kind : str
        What it caches.
    uid : str
        Whom it belongs to.
    arrays : mapping of str to ndarray
    change : int
        The last change of the log that it has taken in.
    token : str
        The token of that commit.
    """
    header = {"uid": uid, "change": change, "token": token, "checksum": _checksum(arrays)}
    with suppress(OSError):  # it is made again at the next opening
        path.parent.mkdir(exist_ok=True)
        write_arrays(path, kind, header, arrays)


def read_cache(path: Path, kind: str, uid: str) -> ArrayFile | None:
    """Return a cache, or None where there is none to be believed.

    Parameters
    ----------
    path, kind, uid
        As given to `write_cache`.

    Returns
    -------
    ArrayFile or None
        ``header["change"]`` is an int.
    """
    try:
        file = read_arrays(path, kind)
    except (OSError, ValueError):  # a FileFormatError is a ValueError
        return None
    header = file.header
    whole = header.get("uid") == uid and header.get("checksum") == _checksum(file.arrays)
    return file if whole and isinstance(header.get("change"), int) else None


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    return fingerprint(*(part for name in sorted(arrays) for part in (name, arrays[name])))
