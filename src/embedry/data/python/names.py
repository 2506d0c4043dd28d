"""Find the name under which people know a function or class of a Python library.

What it is: a linker of parsed files. ``json.dumps`` is defined in the file it is called after,
``asyncio.sleep`` in ``asyncio/tasks.py``, ``collections.abc.Mapping`` in ``_collections_abc.py``
and ``os.path.join`` in ``posixpath.py``; all four are known by the names written here, and files
that spell them differently mean the same thing. What it is not: an import system; a name that a
module makes while it runs, or in C, is taken at its word.

A *place* is where a name is defined: a module and a name in it. Its *public name* is the best
of the dotted names that lead to it.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from embedry.data.python.mentions import extend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from embedry.data.python.source import Module

__all__ = ["Names", "Place", "is_private"]

# A chain of re-exports longer than this runs in a circle.
_LONGEST_CHAIN = 30


class Place(NamedTuple):
    """Where a name is defined.

    Attributes
    ----------
    module : str
        The dotted name of the module.
    name : str
        The function, class or other name in it; empty where the module itself is meant.
    """

    module: str
    name: str


def is_private(dotted: str) -> bool:
    """Tell whether any part of a dotted name begins with an underscore.

    Parameters
    ----------
    dotted : str
        Such as ``"json.dumps"``.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_private("collections.abc.Mapping"), is_private("_collections_abc.Mapping")
    (False, True)
    """
    return dotted.startswith("_") or "._" in dotted


class Names:
    """Resolves what files mention to places, and gives places their public names.

    Complete when made: everything the modules mention has then been looked up.

    Parameters
    ----------
    modules : iterable of Module
        The parsed files.
    load : callable, optional
        Parses a module that is mentioned and not among them; returns None where there is none.

    Notes
    -----
    Among several dotted names of a place the public name is, in this order of weight: one
    without a private part; one in a package above the place, which is what ``__init__.py`` is
    for; the one that most files spell; the shortest; the first by alphabet.
    """

    def __init__(
        self, modules: Iterable[Module], load: Callable[[str], Module | None] | None = None
    ) -> None:
        self._load = load
        self._modules: dict[str, Module | None] = {}
        self._defining: defaultdict[str, list[str]] = defaultdict(list)
        self._imported: set[str] = set()
        self._registered: dict[str, str] = {}
        self._spelled: Counter[str] = Counter()
        self._exported: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, Place] = {}
        given = list(modules)
        for module in given:
            self._add(module)
        for module in given:
            for target in (*module.imported, *module.mentions):
                self.place(target)
        self._load = None
        self._public_modules = {self._real(name): name for name in self._registered}
        self._public = self._choose_public_names()

    def place(self, target: str) -> Place:
        """Return where the name that a target points at is defined.

        Parameters
        ----------
        target : str
            Such as ``"os:path.join"``; attributes of a class or another value are cut off.

        Returns
        -------
        Place
            Where nothing is known of the name, the last module on the way to it.
        """
        if target not in self._places:
            self._places[target] = self._follow(target)
        return self._places[target]

    def public(self, place: Place) -> str:
        """Return the dotted name under which a place is known.

        Parameters
        ----------
        place : Place
            As `place` returns it.

        Returns
        -------
        str
            Such as ``"os.path.join"``; the module's name where the place is a module.
        """
        if place in self._public:
            return self._public[place]
        module = self._public_modules.get(place.module, place.module)
        return f"{module}.{place.name}" if place.name else module

    def imported_module(self, target: str) -> Place:
        """Return the module that an import statement loads.

        Parameters
        ----------
        target : str
            Of the statement; ``"xml.etree:ElementTree"`` loads a module, ``"re:compile"`` loads
            ``re``, and so does ``"re:*"``.

        Returns
        -------
        Place
            With an empty name.
        """
        place = self.place(target)
        return self.place(f"{target.partition(':')[0]}:") if place.name else place

    def _add(self, module: Module) -> None:
        if module.name:
            self._modules[module.name] = module
            for name in module.definitions:
                self._defining[name].append(module.name)
        for name, real in module.registered.items():
            self._registered.setdefault(name, real)
        for target in module.imported:
            self._imported.update(_prefixes(target.partition(":")[0]))
        self._spelled.update(
            {name for target in module.mentions for name in _prefixes(target.replace(":", "."))}
        )

    def _module(self, name: str) -> Module | None:
        if name not in self._modules:
            self._modules[name] = None
            if self._load is not None:
                if parent := name.rpartition(".")[0]:
                    self._module(parent)  # as an import does
                if (found := self._load(name)) is not None:
                    self._add(found)
        return self._modules[name]

    def _real(self, name: str) -> str:
        """Return the module that a name is registered for, where it is one that can be read."""
        self._module(name)  # its packages may register it
        real = self._registered.get(name, name)
        return real if self._module(real) is not None else name

    def _is_module(self, name: str) -> bool:
        return (
            self._module(name) is not None
            or name in self._registered
            or name in self._imported
            or name in sys.stdlib_module_names
        )

    def _follow(self, target: str) -> Place:
        for _ in range(_LONGEST_CHAIN):
            module, _, chain = target.partition(":")
            module = self._real(module)
            name, dot, rest = chain.partition(".")
            source = self._source(module, name) if name else None
            if source is None:
                break
            target = extend(source, dot + rest)
        return Place(module, name)

    def _source(self, module: str, name: str) -> str | None:
        """Return the target that a name of a module stands for; None where it is at home."""
        found = self._module(module)
        if found is not None and name in found.definitions:
            return None
        if found is not None and found.bindings.get(name, target := f"{module}:{name}") != target:
            return found.bindings[name]
        if self._is_module(f"{module}.{name}"):
            return f"{module}.{name}:"
        for star in found.stars if found is not None else ():
            if name in self._exports(star):
                return f"{star}:{name}"
        if found is not None and found.is_package and name in (found.exports or ()):
            # promised in __all__ and bound nowhere: loaded by __getattr__ from a submodule
            inside = [other for other in self._defining[name] if other.startswith(f"{module}.")]
            return f"{inside[0]}:{name}" if len(inside) == 1 else None
        return None

    def _exports(self, name: str) -> tuple[str, ...]:
        """Return the names that a module offers."""
        if name not in self._exported:
            self._exported[name] = ()  # what a circle of star imports finds
            found = self._module(self._real(name))
            if found is not None:
                self._exported[name] = tuple(dict.fromkeys(self._read_exports(found)))
        return self._exported[name]

    def _read_exports(self, module: Module) -> Iterator[str]:
        if module.exports is not None:
            yield from module.exports
            for target in module.joined:
                yield from self._exports(self.place(target).module)
            return
        yield from (name for name in module.definitions if "." not in name and name[0] != "_")
        for name, target in module.bindings.items():
            if name[0] != "_" and _offers(module, target.partition(":")[0]):
                yield name
        for star in module.stars:
            if _offers(module, star):
                yield from self._exports(star)

    def _choose_public_names(self) -> dict[Place, str]:
        best: dict[Place, tuple[bool, bool, int, int, str]] = {}
        for module in sorted(self._modules):
            for name in self._exports(module):
                place = self.place(f"{module}:{name}")
                if place.name:
                    rank = min(self._rank(place, module, name), self._rank(place, *place))
                    best[place] = min(best.get(place, rank), rank)
        return {place: rank[-1] for place, rank in best.items()}

    def _rank(self, place: Place, module: str, name: str) -> tuple[bool, bool, int, int, str]:
        """Return what orders the names of a place, the best one first."""
        dotted = f"{self._public_modules.get(module, module)}.{name}"
        above = place.module.startswith(f"{module}.")
        return is_private(dotted), not above, -self._spelled[dotted], dotted.count("."), dotted


def _offers(module: Module, source: str) -> bool:
    """Tell whether a module without ``__all__`` offers what it imports from ``source``.

    It does where nobody else would: the source is private, or inside this package.
    """
    inside = module.is_package and f"{source}.".startswith(f"{module.name}.")
    return inside or is_private(source)


def _prefixes(dotted: str) -> Iterator[str]:
    """Yield ``a``, ``a.b`` and ``a.b.c`` for ``a.b.c``."""
    parts = dotted.rstrip(".").split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])
