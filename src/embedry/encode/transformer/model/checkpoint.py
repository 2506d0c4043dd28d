"""The tensors of a model on disk: found by name, mapped into memory, read when touched.

What it is: a reader of safetensors, in one file or in shards, of any float type. What it is not:
a reader of pickled weights (``pytorch_model.bin``): reading one can run what it likes.

References
----------
safetensors format: https://huggingface.co/docs/safetensors (8-byte length, JSON, raw bytes).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["Checkpoint", "Table", "as_float32"]

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Entry:
    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table on disk; those looked up are read, and become float32.

    Attributes
    ----------
    rows : ndarray (n, width), float32, float16, or uint16 that holds bfloat16
    """

    rows: NDArray[Any]

    def __getitem__(self, numbers: Any) -> NDArray[np.float32]:
        return as_float32(self.rows[numbers])


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return an array as float32: itself where it is.

    Parameters
    ----------
    array : ndarray, float, or uint16 that holds bfloat16

    Returns
    -------
    ndarray, float32
    """
    if array.dtype == np.uint16:  # bfloat16 is the upper half of float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)


class Checkpoint:
    """The tensors of a folder.

    Parameters
    ----------
    folder : Path
        With ``model.safetensors``, or with shards and their index.

    Raises
    ------
    FileNotFoundError
        If there are no safetensors in it.
    FileFormatError
        If one is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: dict[str, _Entry] = {}
        for path in _files(folder):
            self._entries |= _entries(path)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """Return the names of the tensors, sorted."""
        return sorted(self._entries)

    def table(self, name: str) -> Table:
        """Return the rows of a tensor, unread.

        Parameters
        ----------
        name : str

        Returns
        -------
        Table

        Raises
        ------
        FileFormatError
            If it is not there.
        """
        return Table(self._raw(name))

    def read(self, name: str) -> NDArray[np.float32]:
        """Return a tensor: mapped where it is float32, else turned into it.

        Parameters
        ----------
        name : str

        Returns
        -------
        ndarray, float32

        Raises
        ------
        FileFormatError
            If it is not there.
        """
        return as_float32(self._raw(name))

    def get(self, name: str) -> NDArray[np.float32] | None:
        """Return a tensor as `read` does, or None where it is not there."""
        return self.read(name) if name in self else None

    def _raw(self, name: str) -> NDArray[Any]:
        entry = self._entries.get(name)
        if entry is None:
            raise FileFormatError(
                f"{self.folder} must hold the tensor {name!r}; it does not. Is config.json that "
                "of another model?",
                path=self.folder,
            )
        # "c": the compiler takes no read-only memory; it does not write, and the file cannot change
        size = entry.end - entry.start
        raw = np.memmap(entry.path, np.uint8, "c", offset=entry.start, shape=size)
        return np.asarray(raw).view(_DTYPES[entry.dtype]).reshape(entry.shape)

    def digest(self, is_used: Callable[[str], bool]) -> str:
        """Return a digest of the tensors that are used: names, types, shapes and bytes.

        Parameters
        ----------
        is_used : callable
            Says of a name whether its tensor counts.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        digest = hashlib.sha256()
        for name in filter(is_used, self.names()):
            entry = self._entries[name]
            digest.update(f"{name}|{entry.dtype}|{entry.shape}|".encode())
            with entry.path.open("rb", buffering=0) as file:  # mapped, its pages would be ours
                file.seek(entry.start)
                left = entry.end - entry.start
                while left > 0 and (chunk := file.read(min(left, _CHUNK))):
                    digest.update(chunk)
                    left -= len(chunk)
        return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if index.is_file():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            if any(Path(name).name != name for name in names):
                raise ValueError("a shard lies elsewhere")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{index} is damaged: {error!r}.", path=index) from error
        return [folder / name for name in sorted(names)]
    pickled = " Its pytorch_model.bin is not read: it is a pickle, which can run anything."
    raise FileNotFoundError(
        f"There is no model.safetensors in {folder}."
        + (pickled if (folder / "pytorch_model.bin").is_file() else "")
        + " Pass the folder of a model that was saved as safetensors."
    )


def _entries(path: Path) -> dict[str, _Entry]:
    from safetensors import SafetensorError, safe_open

    try:
        # safetensors checks every offset and shape against the length of the file
        with safe_open(str(path), framework="numpy"):
            pass
        with path.open("rb") as raw:
            length = int.from_bytes(raw.read(8), "little")
            header: Mapping[str, Any] = json.loads(raw.read(length))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}, a part of the model.") from None
    except (SafetensorError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged: {error}. Fetch it again.", path=path) from error
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in _DTYPES:  # position_ids are ints
            first, last = (8 + length + offset for offset in entry["data_offsets"])
            shape = tuple(entry["shape"])
            found[name] = _Entry(path, entry["dtype"], shape, first, last)
    return found
