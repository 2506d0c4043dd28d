"""List the Python files under a folder, and the modules they would be imported as.

What it is: a walk in sorted order, so that one installation gives one list. What it is not: the
search of ``import``; path hooks, zip files and ``.pth`` files are not followed, nor are links to
folders.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SourceFile", "list_sources"]

_NEVER = frozenset({"__pycache__", "dist-packages", "node_modules", "site-packages"})
# What build tools leave behind; a package may be called so too, and is then read.
_UNLESS_PACKAGE = frozenset({"build", "dist"})
_TEST_FOLDERS = frozenset({"idle_test", "test", "tests"})
# Programs that the standard library brings along: nobody imports from them.
_PROGRAMS = frozenset({"idlelib", "lib2to3", "turtledemo"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file, not opened yet.

    Attributes
    ----------
    path : Path
        Where it is.
    file : str
        Its id: the path below the folder that was listed, with forward slashes.
    module : str
        The dotted name it is imported by; empty where its path is no valid name.
    size, modified : int
        Bytes, and nanoseconds since the epoch.
    """

    path: Path
    file: str
    module: str
    size: int
    modified: int

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__.py`` of a package."""
        return self.path.name == "__init__.py"

    @property
    def is_library(self) -> bool:
        """Whether others are meant to import from it: it is neither a test nor a program."""
        *folders, name = self.file.split("/")
        is_test = name.startswith(("test_", "conftest.")) or name.endswith("_test.py")
        is_program = bool(folders) and folders[0] in _PROGRAMS
        return not (is_test or is_program or _TEST_FOLDERS.intersection(folders))


def list_sources(root: Path, *, importable: bool) -> list[SourceFile]:
    """List the Python files under a folder, sorted by path.

    Left out are folders that hold no source of their own: hidden ones, ``__pycache__``,
    ``site-packages``, ``node_modules``, virtual environments, and ``build`` and ``dist`` unless
    they are packages.

    Parameters
    ----------
    root : Path
        The folder.
    importable : bool
        Whether the folder is on Python's search path, as ``site-packages`` is: every folder
        below is then part of a module's name. In a project, names begin at the topmost folder
        of a file that is a package, so that ``src/shop/cart.py`` is ``shop.cart``.

    Returns
    -------
    list of SourceFile
        Empty where there is no such folder.
    """
    found = []
    for path in _walk(root):
        status = path.stat(follow_symlinks=False)
        file = path.relative_to(root).as_posix()
        module = _module_name(Path(file) if importable else _below_packages(path))
        found.append(SourceFile(path, file, module, status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda one: one.file)


def _walk(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if _is_entered(Path(folder, name))]
        yield from (Path(folder, name) for name in names if name.endswith(".py"))


def _is_entered(folder: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name in _NEVER or (folder / "pyvenv.cfg").exists():
        return False
    return name not in _UNLESS_PACKAGE or (folder / "__init__.py").exists()


def _below_packages(path: Path) -> Path:
    """Return the path of a file below the first folder above it that is no package."""
    top = path.parent
    while (top / "__init__.py").exists():
        top = top.parent
    return path.relative_to(top)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""
