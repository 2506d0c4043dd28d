"""Read one Python source file: what it defines, what it imports, which names it mentions.

What it is: a reader of one file by the ``ast`` module. Nothing is imported or run, so a file
that would fail, print or install something on import is read like any other. What it is not:
a resolver; it writes down what the file says, and ``embedry.data.python.names`` finds out what
it means.

What it points at elsewhere is written as a *target*, ``"os:path.join"``: see
``embedry.data.python.mentions``.
"""

from __future__ import annotations

import ast
import gc
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import decode_source
from typing import TYPE_CHECKING

from embedry.data.python.mentions import read_mentions
from embedry.data.python.surface import Surface, docstring_of
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from embedry.data.python.surface import Definition

__all__ = ["Module", "parse_module", "read_source"]

# What ast.parse raises on files that are no Python: null bytes are a ValueError, expressions
# nested too deep a RecursionError or, from the parser itself, a MemoryError.
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class Module:
    """What one source file says.

    Attributes
    ----------
    name : str
        The dotted name it is imported by; empty for a script that cannot be imported.
    file : str
        The id of the file, a path with forward slashes.
    is_package : bool
        Whether it is the ``__init__.py`` of a package.
    docstring : str
        Of the module; empty where there is none.
    length : int
        Lines of source.
    definitions : dict of str to Definition
        By name. Functions and classes of the top level, those under ``if`` and ``try``
        included, and the documented public methods of its classes. Assignments that give one
        a second name, such as ``dumps = _dumps`` or ``choice = _instance.choice``, count.
    bindings : dict of str to str
        Names of the top level that come from elsewhere, and the target each stands for.
    stars : tuple of str
        Modules of which all names are imported.
    exports : tuple of str or None
        The names in ``__all__`` as far as they are written out; None where it has none.
    joined : tuple of str
        Targets of the modules whose ``__all__`` is added to this one's.
    registered : dict of str to str
        Modules it registers by hand, ``{"os.path": "posixpath"}``, and their real names.
    imported : tuple of str
        The target of every import statement, functions' included, in the order of the source.
    mentions : Counter of str
        How often the file names each target, imports of a name included. Scopes are kept: a
        parameter or variable that hides an import is not a mention of it.
    """

    name: str
    file: str
    is_package: bool
    docstring: str
    length: int
    definitions: dict[str, Definition]
    bindings: dict[str, str]
    stars: tuple[str, ...]
    exports: tuple[str, ...] | None
    joined: tuple[str, ...]
    registered: dict[str, str]
    imported: tuple[str, ...]
    mentions: Counter[str]


def read_source(path: Path) -> str:
    r"""Return the text of a source file, decoded as its coding line or byte-order mark says.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        With ``"\n"`` at the end of lines.

    Raises
    ------
    InputError
        If the bytes are not in the encoding that the file claims, or Python does not know it.
    OSError
        If the file cannot be read.
    """
    try:
        return decode_source(path.read_bytes())
    except (SyntaxError, UnicodeDecodeError) as error:
        raise InputError(
            f"A source file must be in the encoding it claims, UTF-8 where it claims none; "
            f"{path} is not: {error}. Correct its coding line."
        ) from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from searching the hundred thousands of nodes of a tree.

    A tree holds no circles, so it frees itself; searching all the same is a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_collector_paused()
def parse_module(source: str, name: str, *, file: str = "", is_package: bool = False) -> Module:
    r"""Read what a source file defines, imports and mentions.

    Parameters
    ----------
    source : str
        The text of the file.
    name : str
        The dotted name of the module; its relative imports are resolved against it.
    file : str
        The id of the file.
    is_package : bool
        Whether it is the ``__init__.py`` of a package.

    Returns
    -------
    Module
        All that the file says.

    Raises
    ------
    InputError
        If the text is not Python that this interpreter can parse.

    Notes
    -----
    O(length of the source), two thirds of it in ``ast.parse``: about 0.4 s per MB.

    Examples
    --------
    >>> module = parse_module("import re as r\nWORD = r.compile('x')", "words")
    >>> module.mentions
    Counter({'re:compile': 1})
    """
    tree = _parse(source, file or name)
    package = name if is_package else name.rpartition(".")[0]
    imported, mentions = read_mentions(tree, package)
    surface = Surface(name, package)
    surface.read(tree.body)
    return Module(
        name=name,
        file=file,
        is_package=is_package,
        docstring=docstring_of(tree),
        length=source.count("\n") + (source[-1:] not in ("", "\n")),
        definitions=surface.definitions,
        bindings=surface.bindings,
        stars=tuple(surface.stars),
        exports=None if surface.exports is None else tuple(surface.exports),
        joined=tuple(surface.joined),
        registered=surface.registered,
        imported=imported,
        mentions=mentions,
    )


def _parse(source: str, label: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # what a file's author did wrong with backslashes is not for its reader to hear
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except _UNPARSABLE as error:
        raise InputError(
            f"A source file must be Python that this interpreter parses; {label} is not: "
            f"{error}. Leave the file out."
        ) from error
