"""Open a file for reading or writing, gzipped or not, with a bar that follows its bytes."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from embedry.files import existing_file, unpacked, write_atomically
from embedry.progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Source", "read_from", "write_to"]


class Source:
    """A file that is read from its beginning to its end.

    Attributes
    ----------
    path : Path
    file : binary file
        What it holds, unpacked.
    length : int or None
        How many bytes it holds; None where it is gzipped and only the end will tell.
    """

    def __init__(
        self, path: Path, file: BinaryIO, length: int | None, advance: Callable[[], None]
    ) -> None:
        self.path = path
        self.file = file
        self.length = length
        self.advance = advance  # call it now and then: the bar moves on


@contextmanager
def read_from(path: str | Path) -> Iterator[Source]:
    """Open a file, gzipped or not: its first bytes tell, whatever its name.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    Source

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is gzipped and damaged.
    """
    path = existing_file(path)
    length = path.stat().st_size
    with path.open("rb") as raw, bar(f"Reading {path.name}", total=length) as steps:
        done = 0

        def advance() -> None:
            nonlocal done
            steps(raw.tell() - done)
            done = raw.tell()

        with unpacked(path, raw) as file:
            yield Source(path, file, length if file is raw else None, advance)


@contextmanager
def write_to(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file to be written whole or not at all; gzipped where its name ends in ``.gz``.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    with write_atomically(path) as aside, aside.open("wb") as raw:
        if Path(path).suffix != ".gz":
            yield raw
            return
        # without a name and a time inside: the same content is the same bytes
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            yield cast("BinaryIO", file)
