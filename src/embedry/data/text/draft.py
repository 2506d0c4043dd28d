"""A corpus in the making: codes and sentences, appended bite by bite.

What it is: arrays that grow without ever being there twice, and a temporary file for what is
more than memory should hold. What it is not: a reader; see ``lines`` and ``reader``.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import io

    from numpy.typing import NDArray

__all__ = ["Draft", "Growing"]

MEMORY_LIMIT = 2**30


class Growing:
    """An array that grows at its end, by an eighth at a time.

    Parameters
    ----------
    dtype : type
        Of its numbers.

    Attributes
    ----------
    size : int
        How many there are.

    Examples
    --------
    >>> numbers = Growing(np.int32)
    >>> numbers.append(np.array([1, 2]))
    >>> numbers.append(np.array([3]))
    >>> numbers.take()
    array([1, 2, 3], dtype=int32)
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self._room: NDArray[Any] = np.zeros(0, dtype)
        self.size = 0

    def extend(self, size: int) -> NDArray[Any]:
        """Grow to ``size`` numbers, new ones 0, and return a view of all.

        Let go of the view before the next call: the memory may move.
        """
        if size > self._room.size:
            # the system moves pages, not bytes, where arrays are large
            self._room.resize(size + size // 8, refcheck=False)
        self.size = size
        return self._room[:size]

    def append(self, values: NDArray[Any]) -> None:
        """Add numbers at the end."""
        first = self.size
        self.extend(first + len(values))[first:] = values

    def array(self) -> NDArray[Any]:
        """Return a view of all; let go of it before the next call."""
        return self._room[: self.size]

    def take(self) -> NDArray[Any]:
        """Return the array without spare room; nothing can be added after this."""
        self._room.resize(self.size, refcheck=False)
        return self._room


class Draft:
    """Sentences appended in pieces.

    Attributes
    ----------
    empty_lines : int
        Lines that ended without a token.
    undecodable : int
        What readers of bytes had to replace; they add to it.
    """

    def __init__(self) -> None:
        self.empty_lines = 0
        self.undecodable = 0
        self._tokens = _Tokens()
        self._offsets = Growing(np.int64)
        self._offsets.append(np.zeros(1, np.int64))
        self._line_start = 0

    def add(self, tokens: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
        """Append codes.

        Parameters
        ----------
        tokens : ndarray (tokens,), int32
        ends : ndarray (line ends,), int64
            How many of these tokens stand before each line end. What stands behind the last
            one begins a line that goes on with the next call.
        """
        absolute = ends + self._tokens.size
        self._tokens.append(tokens)
        if len(absolute):
            kept = absolute > np.concatenate([[self._line_start], absolute[:-1]])
            self.empty_lines += len(kept) - int(kept.sum())
            self._offsets.append(absolute[kept])
            self._line_start = int(absolute[-1])

    def take(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Hand over the tokens and the offsets of sentences."""
        return self._tokens.take(), self._offsets.take()


class _Tokens:
    """Codes in memory, and past the limit in a temporary file."""

    def __init__(self) -> None:
        self._memory = Growing(np.int32)
        self._file: io.BufferedRandom | None = None
        self.size = 0

    def append(self, codes: NDArray[np.int32]) -> None:
        self.size += len(codes)
        if self._file is None and 4 * self.size > MEMORY_LIMIT:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the corpus)
            self._memory.take().tofile(self._file)
            self._memory = Growing(np.int32)
        if self._file is None:
            self._memory.append(codes)
        else:
            codes.tofile(self._file)

    def take(self) -> NDArray[np.int32]:
        if self._file is None:
            return self._memory.take()
        with self._file:  # the map keeps what it maps
            self._file.flush()
            return np.memmap(self._file, np.int32, "r", shape=(self.size,))
