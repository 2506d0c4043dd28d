"""What Ctrl-C left behind, where a command writes one file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from embedry.cli.arguments import check_folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["StoppedError", "whole_or_not"]


class StoppedError(Exception):
    """Ctrl-C was pressed; the message says what became of the work."""


@contextmanager
def whole_or_not(out: Path) -> Iterator[None]:
    """Make a file within, and tell what became of it should Ctrl-C come.

    Parameters
    ----------
    out : Path
        Written as a whole or not at all.

    Yields
    ------
    None
        If its folder can be written.

    Raises
    ------
    InputError
        As `embedry.cli.arguments.check_folder_of`.
    StoppedError
        At Ctrl-C.
    """
    check_folder_of(out)
    before = _stamp(out)
    try:
        yield
    except KeyboardInterrupt as stop:
        if _stamp(out) != before:
            raise StoppedError(f"{out} was written whole") from stop
        kept = f"; {out} is as it was" if before else ""
        raise StoppedError(f"no file was written{kept}") from stop


def _stamp(out: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place."""
    if not out.exists():
        return None
    found = out.stat()
    return found.st_ino, found.st_mtime_ns
