"""Files: written aside and renamed, read with suspicion, cached in a folder of our own.

What it is: the few rules every file of Embedry obeys. A file appears whole or not at all (see
``embedry.atomic``). Arrays live in the safetensors format with a JSON header of ours inside, never
pickle; a header is checked against the bytes that are there before anything is allocated. What it
is not: a store (see ``embedry.store``).

References
----------
safetensors format: https://huggingface.co/docs/safetensors (8-byte length, JSON, raw bytes).
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from embedry.atomic import as_path, write_atomically
from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = [
    "ArrayFile",
    "as_path",
    "cache_dir",
    "cache_root",
    "read_arrays",
    "unpacked",
    "write_arrays",
    "write_atomically",
]

FORMAT_VERSION = 1
_GZIP = b"\x1f\x8b"
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("bool"),
}


def existing_file(path: object, what: str = "a file") -> Path:
    """Return the path of a file that is there.

    Parameters
    ----------
    path : str or Path
    what : str
        What the file must be, for the message.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no path, or the path of a folder.
    FileNotFoundError
        If there is no such file.
    """
    place = as_path(path)
    if place.is_dir():
        raise InputError(f"{place} must be {what}; it is a folder. Pass the path of {what}.")
    if not place.is_file():
        raise FileNotFoundError(f"There is no file {place}. Pass the path of {what}.")
    return place


@contextmanager
def unpacked(path: str | Path, raw: io.BufferedReader) -> Iterator[BinaryIO]:
    """Give what a file holds: unpacked if its first bytes are gzip's, whatever its name.

    Parameters
    ----------
    path : str or Path
        For the message.
    raw : buffered reader
        The file, at its beginning.

    Yields
    ------
    binary file

    Raises
    ------
    FileFormatError
        If it is gzipped and, as the block reads on, turns out damaged or ends early.
    """
    if raw.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
        yield raw
        return
    try:
        with gzip.GzipFile(fileobj=raw) as file:
            yield cast("BinaryIO", file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileFormatError(
            f"{path} must be a whole gzip file; {error}. Fetch it again.", path=path
        ) from error


def cache_root() -> Path:
    """Return the folder that holds Embedry's caches (it may not exist yet)."""
    if chosen := os.environ.get("EMBEDRY_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "embedry"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "embedry"


def cache_dir(name: str) -> Path | None:
    """Make and return the private cache folder called ``name``.

    Parameters
    ----------
    name : str
        What is cached, such as ``"kernels"``; slashes make sub-folders.

    Returns
    -------
    Path or None
        A folder only its owner can enter (mode 0700), or None where none can be written: the
        caller then does its work in memory.
    """
    try:
        folder = cache_root()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in Path(name).parts:  # a root that was there keeps the mode its owner chose
            folder /= part
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody knows the home folder
        _say_uncached(str(error))
        return None
    return folder


@cache
def _say_uncached(why: str) -> None:
    """Say once for each reason that nothing can be cached: slower, but not wrong."""
    log = logging.getLogger("embedry")
    log.warning("Nothing is cached: %s. Set EMBEDRY_CACHE to a folder that can be written.", why)


@dataclass(frozen=True)
class ArrayFile:
    """What a file of arrays holds.

    Attributes
    ----------
    header : dict
        The JSON header written with the arrays.
    arrays : dict of str to ndarray
        The arrays by name; memory-mapped and read-only where that was asked for.
    """

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def write_arrays(
    path: str | Path, kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write named arrays and a JSON header into one safetensors file, all or nothing.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : str
        What the file is, such as ``"embeddings"``; checked on reading.
    header : mapping
        Anything JSON can hold.
    arrays : mapping of str to ndarray
        Arrays of float64, float32, float16, int64, int32, uint32, uint8 or bool.

    Raises
    ------
    OSError
        If the file cannot be written; what was at ``path`` stays.
    InputError
        If an array is of another dtype.
    ValueError
        If the header holds NaN or infinity.
    """
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") not in _DTYPES.values():
            raise InputError(
                f"The array {name!r} must be of a dtype that can be read back; "
                f"got {array.dtype}. Convert it to one of {', '.join(_DTYPES)}."
            )
    text = json.dumps(dict(header), sort_keys=True, allow_nan=False)
    metadata = {"embedry": kind, "format": str(FORMAT_VERSION), "header": text}
    with write_atomically(path) as aside, aside.open("wb") as file:
        _write(file, metadata, arrays)


def _write(file: BinaryIO, metadata: dict[str, str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the format of safetensors into the file at hand, whose errors are OSErrors.

    Its own writer makes a file of another name, which a kill leaves behind.
    """
    ours = {dtype: name for name, dtype in _DTYPES.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))  # all lie aligned
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name in order:
        array, begin = arrays[name], end
        end += array.nbytes
        dtype = ours[array.dtype.newbyteorder("<")]
        entries[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        plain = np.ascontiguousarray(arrays[name], arrays[name].dtype.newbyteorder("<"))
        file.write(plain.reshape(-1).view(np.uint8).data)


def read_arrays(path: str | Path, kind: str | None = None, *, mmap: bool = False) -> ArrayFile:
    """Read a file written by `write_arrays`.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : str, optional
        What the file must be; None takes any kind, and ``header["kind"]`` says which came.
    mmap : bool
        Map the arrays into memory instead of reading them: opening costs nothing, rows are read
        when touched, and the arrays are read-only.

    Returns
    -------
    ArrayFile
        The header (with ``"kind"`` added) and the arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If the file is not one of ours, is damaged, promises more bytes than it holds, is of
        another kind, or was written by a newer Embedry.
    """
    path = as_path(path)
    metadata, entries, start = _read_header(path)
    if "embedry" not in metadata:
        raise FileFormatError(
            f"{path} is a safetensors file, but not one that Embedry wrote. "
            "Read it with safetensors and pass the arrays on.",
            path=path,
        )
    _check_version(path, metadata.get("format"))
    if kind is not None and metadata["embedry"] != kind:
        raise FileFormatError(
            f"{path} must hold {kind}; it holds {metadata['embedry']}. Use its own loader.",
            path=path,
        )
    try:
        header = json.loads(metadata["header"])
        header["kind"] = metadata["embedry"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, "its own header cannot be read") from error
    data = np.memmap(path, dtype=np.uint8, mode="r")
    try:
        arrays = {name: _slice(data, start, entry) for name, entry in entries.items()}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged(path, f"its arrays have impossible shapes: {error}") from error
    if not mmap:
        arrays = {name: np.array(array) for name, array in arrays.items()}
    return ArrayFile(header, arrays)


def _read_header(path: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]], int]:
    """Let safetensors validate the file, then return our metadata, the entries and their start."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.is_dir():
        raise FileFormatError(
            f"{path} must be a file; it is a folder. A collection is opened with "
            "embedry.Collection.open.",
            path=path,
        )
    try:
        # safetensors checks every offset and shape against the length of the file
        with safe_open(str(path), framework="numpy") as file:
            metadata = dict(file.metadata() or {})
        with path.open("rb") as raw:
            length = int.from_bytes(raw.read(8), "little")
            entries = json.loads(raw.read(length))
    except (SafetensorError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    entries.pop("__metadata__", None)
    for name, entry in entries.items():
        if entry["dtype"] not in _DTYPES:
            raise _damaged(path, f"array {name!r} has the unknown type {entry['dtype']}")
    return metadata, entries, 8 + length


def _slice(data: NDArray[np.uint8], start: int, entry: dict[str, Any]) -> NDArray[Any]:
    first, last = entry["data_offsets"]
    return data[start + first : start + last].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])


def _check_version(path: Path, version: str | None) -> None:
    if version != str(FORMAT_VERSION):
        raise FileFormatError(
            f"{path} has format {version}; this Embedry reads format {FORMAT_VERSION}. "
            "Open it with the release that wrote it, or write it anew.",
            path=path,
        )


def _damaged(path: Path, why: str) -> FileFormatError:
    return FileFormatError(
        f"{path} is damaged or not a file of Embedry: {why}. Restore a copy, or make it anew.",
        path=path,
    )
