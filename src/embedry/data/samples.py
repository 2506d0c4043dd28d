"""Sample data that is on every machine with Python: Python itself.

What it is: the standard library of the running interpreter, and the packages installed beside
it, read as data. Its functions are items with documents; the files that use them are users with
a taste; its modules are a graph of imports; its docstrings and comments are a text. All of it
is real, and none of it is downloaded. What it is not: a benchmark; it differs from one
installation to the next. Sources are parsed, never imported or run.

References
----------
Sources of the standard library: https://github.com/python/cpython/tree/main/Lib
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import sysconfig
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from embedry.data.corpus import Corpus
from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.data.python.extract import Extract, extract
from embedry.data.python.files import list_sources
from embedry.errors import InputError
from embedry.files import cache_dir, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedry.data.python.files import SourceFile

__all__ = ["PythonLibrary", "python_library", "python_project"]

_CACHE_FORMAT = 2
_MOST_WORDS = 2_500_000


@dataclass(frozen=True, eq=False)
class PythonLibrary:
    """A Python library read as data: items, tastes, a graph and a text.

    Make one with `python_library` or `python_project`.

    Attributes
    ----------
    ids : tuple of str
        The items: public names of documented modules, classes, functions and methods, such as
        ``"json.dumps"``; sorted.
    documents : tuple of str
        What to search, an item each: the words of its name, the summary line of its module, its
        signature and its docstring.
    metadata : tuple of dict
        An item each: ``name`` in its module, ``module``, ``kind`` (``"module"``, ``"class"``,
        ``"function"`` or ``"method"``), ``file``, the ``line`` where it begins, and its
        ``length`` in lines of source.
    imports : tuple of (str, str)
        Importing and imported module, each pair once.
    uses : Interactions
        Source files as users, public names as items, the value how often the file mentions the
        name. Names of modules count, built-ins such as ``print`` do not. Many names are items
        too; those without a docstring, or written in C, are not.
    text : Corpus
        Docstrings, comments, strings that read like prose, and the names in the code split into
        words.
    skipped : tuple of (str, str)
        Files that could not be read or parsed, and why.
    counts : dict of str to int
        What was read: ``files_listed``, ``files_parsed``, ``files_with_text``, ``words``. What
        was left out: ``files_skipped``; ``lines_repeated`` of the text; ``items_private``,
        ``items_undocumented`` and ``items_repeated`` (a second item of one name);
        ``mentions_private``, ``mentions_of_modules`` (see ``imports``), and
        ``mentions_elsewhere`` and ``imports_elsewhere``, which lead to modules that were not
        read.
    """

    ids: tuple[str, ...]
    documents: tuple[str, ...]
    metadata: tuple[dict[str, str | int], ...]
    imports: tuple[tuple[str, str], ...]
    uses: Interactions
    text: Corpus
    skipped: tuple[tuple[str, str], ...]
    counts: dict[str, int]

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.ids)

    def __repr__(self) -> str:
        return (
            f"PythonLibrary({len(self):,} items, {len(self.imports):,} imports, "
            f"{self.uses!r}, {self.text!r})"
        )

    @cached_property
    def import_graph(self) -> Graph:
        """The modules as nodes, the imports as edges without direction, a `Graph`.

        Without direction, because what imports a module says as much about it as what it imports,
        and because walks along the imports would run out in modules that import nothing.
        Two modules that import each other are one edge, counted in ``merged``.

        Raises
        ------
        InputError
            If no module imports another.
        """
        return Graph.from_edges(self.imports)


def python_library(*, installed: bool = False) -> PythonLibrary:
    """Read the standard library of the running interpreter.

    Parameters
    ----------
    installed : bool
        Take items, uses and imports of the packages installed beside it too, not only text.

    Returns
    -------
    PythonLibrary
        Between 5,000 and 6,000 items, by version and packaging of Python. Where its tests were
        left out, as in Debian, there are a third of the files and of the uses.

    Raises
    ------
    InputError
        If the interpreter comes without the sources of its library.

    Notes
    -----
    *Which items.* An item has a docstring, and a public name: one without a part that begins
    with an underscore. What a private module defines and a public one offers counts under the
    public name (``collections.abc.Mapping``). Tests give none, nor do the programs ``idlelib``,
    ``lib2to3`` and ``turtledemo``. In Python 3.11 that makes 410 modules, 940 classes, 1,330
    functions and 3,080 methods; without the methods too little would be left to search.

    *Which uses.* All files are users, tests and programs too. Names that only one file mentions
    are kept; they are half of the names.

    *Which text.* First the library itself, then the packages, then tests; it ends after the
    file that reaches 2.5 million words, so that a large installation takes no longer. A line that
    was there before is left out.

    The same installation gives the same result. The first call takes some 23 s of one core (0.5 s
    more for each MB of packages with ``installed``), half of it in ``ast.parse``, and
    keeps what it found in the cache folder ``samples`` (about 6 MB); later ones take 3 s, until
    a file, Python or Embedry changes. Where the cache cannot be written, each call is a first.

    Examples
    --------
    >>> library = python_library()  # doctest: +SKIP
    >>> library.ids[library.ids.index("json.dumps")]  # doctest: +SKIP
    'json.dumps'
    """
    standard, beside = _installation()
    if not standard:
        raise InputError(
            f"Python must come with the sources of its library; "
            f"{sysconfig.get_path('stdlib')} holds none. Use a full installation of Python."
        )
    own, others = ([*standard, *beside], []) if installed else (standard, beside)
    name = "library and packages" if installed else "library"
    return _library(name, own, others, closed=True)


def python_project(path: str | Path) -> PythonLibrary:
    """Read a Python project of your own.

    Parameters
    ----------
    path : str or Path
        Its folder. Hidden folders, virtual environments, ``node_modules``, ``build`` and
        ``dist`` are not entered.

    Returns
    -------
    PythonLibrary
        Items and users are the project's own; the names its files use are the project's, the
        standard library's and those of packages, installed or not. The text is the project's,
        filled up to 2.5 million words with that of the standard library and the packages.

    Raises
    ------
    InputError
        If there is no such folder, no file in it is Python that this interpreter parses, or none
        mentions a name of any module.

    Notes
    -----
    Rules and cache are those of `python_library`, with a result kept for each folder. Half of
    its time, as the text is read anew but only the project's own files are parsed.
    """
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"path must be the folder of a Python project; got {str(path)!r}.")
    own = list_sources(root, importable=False)
    if not own:
        raise InputError(
            f"path must be the folder of a Python project; {root} holds no file that ends in .py. "
            "Pass the folder that holds the sources."
        )
    standard, beside = _installation()
    return _library(f"project at {root}", own, [*standard, *beside], closed=False)


def _installation() -> tuple[list[SourceFile], list[SourceFile]]:
    """List the files of the standard library, and those of the packages beside it."""
    packages = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    beside = [file for root in packages for file in list_sources(Path(root), importable=True)]
    return list_sources(Path(sysconfig.get_path("stdlib")), importable=True), beside


def _library(
    name: str, own: Sequence[SourceFile], beside: Sequence[SourceFile], *, closed: bool
) -> PythonLibrary:
    """Take what the files say from the cache, or read them and keep it there."""
    fingerprint = _fingerprint(own, beside)
    path = _cache_file(name)
    found = _read_cache(path, fingerprint) if path is not None else None
    if found is None:
        found = extract(own, beside, words=_MOST_WORDS, closed=closed)
        if path is not None:
            _write_cache(path, fingerprint, found)
    return _assemble(name, found)


def _assemble(name: str, found: Extract) -> PythonLibrary:
    if not found.counts["files_parsed"]:
        raise InputError(
            f"At least one file of the {name} must parse; {found.skipped[0][0]} and "
            f"{len(found.skipped) - 1} others do not: {found.skipped[0][1]}"
        )
    if not found.users:
        raise InputError(
            f"At least one file of the {name} must use a name of some module; of "
            f"{found.counts['files_parsed']} none does. Pass a folder whose files import something."
        )
    return PythonLibrary(
        ids=tuple(found.ids),
        documents=tuple(found.documents),
        metadata=tuple(found.metadata),
        imports=tuple((importing, imported) for importing, imported in found.imports),
        uses=Interactions.from_triples(found.users, found.names, found.values),
        text=Corpus.from_lines(found.lines),
        skipped=tuple((file, reason) for file, reason in found.skipped),
        counts=found.counts,
    )


# --- the cache: one file a question, told apart from an outdated one by its fingerprint ---------


def _fingerprint(own: Sequence[SourceFile], beside: Sequence[SourceFile]) -> str:
    """Return a digest of all that the result depends on, without opening a file."""
    digest = hashlib.sha256(
        f"{_CACHE_FORMAT} {version('embedry')} {sys.version} {_MOST_WORDS} {len(own)}".encode()
    )
    for file in (*own, *beside):
        line = f"\n{file.path}\0{file.size}\0{file.modified}"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _cache_file(name: str) -> Path | None:
    folder = cache_dir("samples")
    question = f"{name}\0{sys.executable}".encode(errors="surrogateescape")
    return folder and folder / f"{hashlib.sha256(question).hexdigest()[:16]}.json.gz"


def _read_cache(path: Path, fingerprint: str) -> Extract | None:
    """Return what is kept, or None where it is missing, outdated or damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            kept = json.load(file)
        return Extract(**kept["extract"]) if kept["fingerprint"] == fingerprint else None
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return None


def _write_cache(path: Path, fingerprint: str, found: Extract) -> None:
    kept = json.dumps({"fingerprint": fingerprint, "extract": vars(found)})
    # a full disk costs the next call its time, not this one its result
    with suppress(OSError), write_atomically(path) as aside:
        aside.write_bytes(gzip.compress(kept.encode(), compresslevel=1, mtime=0))
