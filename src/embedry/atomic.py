"""Writing a file: aside, fsynced, renamed into place; whole or not at all.

What it is: the one way in which files of Embedry come to be, and the sweeping of what writers that
were killed left beside them. What it is not: what is in a file (see ``embedry.files``).
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_path", "fsync", "write_atomically"]

_FRESH = 60.0  # seconds since the last byte: such a file may be of a writer without a lock


def as_path(path: object) -> Path:
    """Return a path as a Path.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"A path must be a str or a Path; got {path!r:.60}.")
    return Path(path)


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; on success fsync it and rename it into place.

    When the block raises, or the process dies, ``path`` is as it was before. What was left beside
    it by processes that died while they wrote to the same path, a minute ago or more, is taken
    away.

    Parameters
    ----------
    path : str or Path
        Where the file shall appear. Its folder must exist.

    Yields
    ------
    Path
        A new file in the same folder, to be written by the block, and not to be replaced.

    Raises
    ------
    InputError
        If it is no path, or the path of a folder.
    FileNotFoundError
        If the folder is missing.
    OSError
        If it cannot be written.
    """
    path = as_path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder. Pass the path of the file to be written in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}. Make it first.")
    aside = path.parent / f".{path.name}.{secrets.token_hex(8)}.part"
    with _named_for(path, aside), _locked(aside):
        _sweep(path, aside)
        mode = aside.stat().st_mode & 0o777  # what the umask gives, whatever the block puts there
        try:
            yield aside
            fsync(aside)
            aside.chmod(path.stat().st_mode & 0o777 if path.exists() else mode)
            aside.replace(path)
            fsync(path.parent)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def _named_for(path: Path, aside: Path) -> Iterator[None]:
    """Let errors of the file aside, and such as a full disk, name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(aside)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _locked(aside: Path) -> Iterator[None]:
    """Make a file and hold a lock on it, which is gone with this process, however it ends."""
    while True:
        handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # swept before it was locked: by a clock that is a minute ahead
    try:
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Take the lock of an open file; False where another has it, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _sweep(path: Path, mine: Path) -> None:
    """Take away what writers of a path left that are gone."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.part")
    with os.scandir(path.parent) as found:
        left = [Path(one.path) for one in found if name.fullmatch(one.name)]
    for aside in left:
        with suppress(OSError):  # another may sweep too, or it is not ours to take
            if aside.name != mine.name and _is_left(aside):
                aside.unlink()


def _is_left(aside: Path) -> bool:
    """Say whether nobody writes to a file any more."""
    if time.time() - aside.stat().st_mtime < _FRESH:
        return False
    handle = os.open(aside, os.O_RDWR)
    try:
        return _lock(handle)
    finally:
        os.close(handle)


def fsync(path: Path) -> None:
    """Have the disk hold what was written to a file, or which files a folder has.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        If it cannot.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
