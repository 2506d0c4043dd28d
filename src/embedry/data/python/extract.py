"""Turn Python files into items, uses, imports and text.

What it is: one pass over the files, each read and parsed once, and one look at all of them
together to find out which names mean the same thing. What it is not: a cache or a public door;
``embedry.data.samples`` has both.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedry.data.python.names import Names, Place, is_private
from embedry.data.python.source import parse_module, read_source
from embedry.data.python.surface import Definition
from embedry.data.python.text import TextLines, split_name
from embedry.errors import InputError
from embedry.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from embedry.data.python.files import SourceFile
    from embedry.data.python.source import Module

__all__ = ["Extract", "extract"]

_LEFT_OUT = (
    "imports_elsewhere",
    "items_private",
    "items_repeated",
    "items_undocumented",
    "mentions_elsewhere",
    "mentions_of_modules",
    "mentions_private",
)


@dataclass(frozen=True, eq=False)
class Extract:
    """What a set of Python files says, in values that JSON can hold.

    Attributes
    ----------
    ids, documents, metadata : list
        The items, in the order of their ids; see ``embedry.data.samples.PythonLibrary``.
    imports : list of (str, str)
        Importing and imported module, sorted.
    users, names, values : list
        Which file mentions which public name how often, a row a pair, sorted.
    lines : list of str
        Training text.
    skipped : list of (str, str)
        Files that were left out, and why.
    counts : dict of str to int
        How much was read and left out.
    """

    ids: list[str]
    documents: list[str]
    metadata: list[dict[str, str | int]]
    imports: list[tuple[str, str]]
    users: list[str]
    names: list[str]
    values: list[int]
    lines: list[str]
    skipped: list[tuple[str, str]]
    counts: dict[str, int]


def extract(
    own: Sequence[SourceFile], beside: Sequence[SourceFile], *, words: int, closed: bool
) -> Extract:
    """Read files, and return what they say.

    Parameters
    ----------
    own : sequence of SourceFile
        Files whose items, uses, imports and text are taken.
    beside : sequence of SourceFile
        Files that give text, after the own ones, as long as there are not words enough.
    words : int
        Words of text to stop after.
    closed : bool
        Whether to keep to modules that are the files' own or the standard library's. If not,
        the files beside are looked into for what their names mean, and names from modules that
        are nowhere to be found are taken at their word.

    Returns
    -------
    Extract

    Notes
    -----
    About 0.5 s per MB of own files and 0.15 s per MB of those beside.
    """
    reader = _Reader(beside, words)
    modules = reader.read(own)
    names = Names(modules, load=None if closed else reader.load)
    # names and imports of any other module are left out and counted
    known = {module.name for module in modules} | sys.stdlib_module_names if closed else None
    library = {file.file for file in own if file.is_library}
    counts = Counter(dict.fromkeys(_LEFT_OUT, 0))
    items = _items((module for module in modules if module.file in library), names, counts)
    uses = _uses(modules, names, known, counts)
    imports = _imports(modules, names, known, counts)
    counts.update(
        files_listed=len(own) + len(beside),
        files_parsed=len(modules),
        files_skipped=len(reader.skipped),
        files_with_text=reader.text_files,
        words=reader.text.words,
        lines_repeated=reader.text.repeated,
    )
    return Extract(
        ids=list(items),
        documents=[item.document for item in items.values()],
        metadata=[item.metadata for item in items.values()],
        imports=imports,
        users=[user for user, _, _ in uses],
        names=[name for _, name, _ in uses],
        values=[value for _, _, value in uses],
        lines=reader.text.lines,
        skipped=sorted(reader.skipped),
        counts=dict(sorted(counts.items())),
    )


class _Reader:
    """Reads files, and remembers their text and which could not be read."""

    def __init__(self, beside: Sequence[SourceFile], words: int) -> None:
        self.text = TextLines(words)
        self.text_files = 0
        self.skipped: list[tuple[str, str]] = []
        self._beside = beside
        self._listed: set[str] = set()
        self._by_module = {file.module: file for file in reversed(beside) if file.module}

    def read(self, own: Sequence[SourceFile]) -> list[Module]:
        """Read all files, parse the own ones, and return these in the order of their paths."""
        modules = []
        files = [(file, True) for file in own if self._is_first(file)]
        files += [(file, False) for file in self._beside if self._is_first(file)]
        files.sort(key=lambda pair: not pair[0].is_library)  # their text is the better one
        for file, is_own in progress(files, "Reading Python sources"):
            wants_text = not self.text.full
            source = self._source(file) if is_own or wants_text else None
            if source is not None:
                self.text.add(source)
                self.text_files += wants_text
                if is_own and (module := self._parse(file, source)) is not None:
                    modules.append(module)
        return sorted(modules, key=lambda module: module.file)

    def _is_first(self, file: SourceFile) -> bool:
        """Tell whether no file before this one has its path: an import finds the first alone."""
        is_first = file.file not in self._listed
        self._listed.add(file.file)
        if not is_first:
            self.skipped.append((file.file, f"{file.path} is hidden by a file that comes first"))
        return is_first

    def load(self, name: str) -> Module | None:
        """Return the module of this name from the files beside, or None."""
        file = self._by_module.get(name)
        source = self._source(file) if file is not None else None
        return self._parse(file, source) if file is not None and source is not None else None

    def _source(self, file: SourceFile) -> str | None:
        try:
            return read_source(file.path)
        except (InputError, OSError) as error:
            self.skipped.append((file.file, str(error)))
            return None

    def _parse(self, file: SourceFile, source: str) -> Module | None:
        try:
            return parse_module(source, file.module, file=file.file, is_package=file.is_package)
        except InputError as error:
            self.skipped.append((file.file, str(error)))
            return None


@dataclass(frozen=True, slots=True)
class _Item:
    document: str
    metadata: dict[str, str | int]


def _items(modules: Iterable[Module], names: Names, counts: Counter[str]) -> dict[str, _Item]:
    """Return the documented public modules, classes, functions and methods by id, sorted."""
    items: dict[str, _Item] = {}
    for module in modules:
        public_module = names.public(Place(module.name, ""))
        for definition in (_as_definition(module), *module.definitions.values()):
            top, dot, rest = definition.name.partition(".")
            home = names.public(Place(module.name, top)) if top else public_module
            dotted = home + dot + rest
            if not module.name or is_private(dotted):
                counts["items_private"] += 1
            elif not definition.docstring:
                counts["items_undocumented"] += 1
            elif dotted in items:
                counts["items_repeated"] += 1
            else:
                inside = home.rpartition(".")[0] if top else home
                items[dotted] = _item(dotted, inside, module, definition)
    return dict(sorted(items.items()))


def _as_definition(module: Module) -> Definition:
    return Definition("", "module", "", module.docstring, 1, module.length)


def _item(dotted: str, inside: str, module: Module, definition: Definition) -> _Item:
    lines = [split_name(dotted)]
    if definition.kind != "module":
        lines += [module.docstring.partition("\n")[0], dotted + definition.signature]
    metadata: dict[str, str | int] = {
        "name": dotted.removeprefix(f"{inside}."),
        "module": inside,
        "kind": definition.kind,
        "file": module.file,
        "line": definition.line,
        "length": definition.length,
    }
    return _Item("\n".join(line for line in [*lines, definition.docstring] if line), metadata)


def _uses(
    modules: Iterable[Module], names: Names, known: set[str] | None, counts: Counter[str]
) -> list[tuple[str, str, int]]:
    """Return (file, public name, mentions), sorted."""
    pairs = Counter[tuple[str, str]]()
    for module in modules:
        for target, mentions in module.mentions.items():
            place = names.place(target)
            if not place.name:
                counts["mentions_of_modules"] += mentions
            elif known is not None and place.module not in known:
                counts["mentions_elsewhere"] += mentions
            elif is_private(name := names.public(place)):
                counts["mentions_private"] += mentions
            else:
                pairs[module.file, name] += mentions
    return [(file, name, mentions) for (file, name), mentions in sorted(pairs.items())]


def _imports(
    modules: Iterable[Module], names: Names, known: set[str] | None, counts: Counter[str]
) -> list[tuple[str, str]]:
    """Return (importing module, imported module), sorted; a script goes by its path."""
    edges = set()
    for module in modules:
        importing = names.public(Place(module.name, "")) if module.name else module.file
        for target in module.imported:
            place = names.imported_module(target)
            if known is not None and place.module not in known:
                counts["imports_elsewhere"] += 1
            elif (imported := names.public(place)) != importing:
                edges.add((importing, imported))
    return sorted(edges)
