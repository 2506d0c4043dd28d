"""Writing a folder: aside, fsynced, renamed into place; whole or not at all.

What it is: for folders what ``embedry.atomic`` is for files, but that nothing is ever replaced.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from embedry.atomic import as_path, fsync
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check_new_folder", "new_folder"]


def check_new_folder(path: str | Path) -> Path:
    """Say before the work, not after it, that its result has no place.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no path, or something is there that is not an empty folder.
    FileNotFoundError
        If the folder that it would be in is missing.
    PermissionError
        If nothing can be written there.
    """
    path = as_path(path)
    if path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir()))):
        raise InputError(f"{path} must be a new folder; something is there. Pass another.")
    parent = path.resolve().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"There is no folder {parent}. Make it first.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {parent} cannot be written to. Choose another.")
    return path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside ``path`` to fill; on success fsync it and rename it into place.

    Parameters
    ----------
    path : Path
        See `check_new_folder`.

    Yields
    ------
    Path
        When the block raises, Ctrl-C included, it is taken away.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    aside = path.resolve().parent / f".{path.name}.{secrets.token_hex(8)}.part"
    aside.mkdir()
    try:
        yield aside
        mode = aside.stat().st_mode & 0o666  # what the umask gives, whatever the block puts there
        for file in sorted(aside.rglob("*")):
            if file.is_file():
                file.chmod(mode)
            fsync(file)
        fsync(aside)
        aside.replace(path)  # over an empty folder too
        fsync(aside.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
