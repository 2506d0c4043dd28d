"""Find which names of other modules a Python file mentions, and which modules it imports.

What it is: lexical scoping, decided from the syntax tree alone. An import binds a name in the
scope it stands in; a name that is read stands for the nearest binding around it; a parameter or
a variable of the same name hides the import. What it is not: an execution; a name that is bound
by ``exec``, ``globals()`` or a star is not seen.

A *target* is how one file points at something in another, in the notation of packaging's entry
points: ``"os:path.join"`` is the attribute ``path.join`` of the module ``os``, and
``"xml.etree.ElementTree:"`` is the module itself.

References
----------
The Python Language Reference, sections 4.2 (naming and binding) and 7.11 (the import statement).
Entry points: https://packaging.python.org/en/latest/specifications/entry-points
"""

from __future__ import annotations

import ast
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Import", "attribute_chain", "extend", "read_import", "read_mentions"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class Import(NamedTuple):
    """One name of an import statement.

    Attributes
    ----------
    name : str
        The name it binds; ``"*"`` where it binds all.
    target : str
        What the name stands for.
    loaded : str
        What is imported: ``import a.b`` binds ``a`` and imports ``a.b``.
    """

    name: str
    target: str
    loaded: str


def read_import(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[Import]:
    """Yield what an import statement binds; ``*`` binds the name ``*``."""
    if isinstance(statement, ast.Import):
        for one in statement.names:
            # `import a.b` binds a, `import a.b as c` binds c to a.b
            target = one.name if one.asname else one.name.partition(".")[0]
            yield Import(one.asname or target, f"{target}:", f"{one.name}:")
        return
    source = _absolute(statement.module or "", statement.level, package)
    if source and source != "__future__":  # a switch of the compiler, in the clothes of a module
        for one in statement.names:
            yield Import(one.asname or one.name, f"{source}:{one.name}", f"{source}:{one.name}")


def _absolute(module: str, level: int, package: str) -> str:
    """Return the full name of a relative module; empty where it leads out of its package."""
    if level == 0:
        return module
    parts = package.split(".")
    if not package or level > len(parts):
        return ""
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, module] if module else base)


def extend(target: str, chain: str) -> str:
    """Return the target of an attribute of a target: ``os:`` and ``.path`` are ``os:path``."""
    return target + chain.removeprefix(".") if target.endswith(":") else target + chain


def attribute_chain(node: ast.expr) -> tuple[ast.expr, str]:
    """Split ``a.b.c`` into the node of ``a`` and the chain ``".b.c"``."""
    chain = ""
    while isinstance(node, ast.Attribute):
        chain = f".{node.attr}{chain}"
        node = node.value
    return node, chain


# --- mentions: one scope after the other ------------------------------------------------------


def read_mentions(tree: ast.Module, package: str) -> tuple[tuple[str, ...], Counter[str]]:
    """Return the targets of all imports, and how often each target is mentioned."""
    imported: list[tuple[int, str]] = []
    mentions: Counter[str] = Counter()
    scopes: list[tuple[ast.AST, dict[str, str]]] = [(tree, {})]
    for node, visible in scopes:  # grows while it is read: scopes inside come after this one
        scope = _Scope(node)
        own: dict[str, str] = {}
        for statement in sorted(scope.imports, key=lambda one: one.lineno):
            for name, target, loaded in read_import(statement, package):
                imported.append((statement.lineno, loaded))
                # the first of `try: import a as x` and `except: import b as x` is the one meant
                own.setdefault(name, target)
                if not target.endswith((":", "*")):
                    mentions[target] += 1
        bound = visible
        if own or not scope.stored.isdisjoint(visible):
            kept = visible.keys() - scope.stored
            bound = {name: visible[name] for name in kept} | own
        for name, chain in scope.loads:
            if name in bound and not (target := extend(bound[name], chain)).endswith(":"):
                mentions[target] += 1
        # the names of a class body are not seen by its methods
        outer = visible if isinstance(node, ast.ClassDef) else bound
        scopes.extend((inner, outer) for inner in scope.inner)
    return tuple(loaded for _, loaded in sorted(imported, key=itemgetter(0))), mentions


class _Scope:
    """What one function, class or module body imports, reads and stores itself.

    The scopes inside it are listed, not entered. Lambdas and comprehensions count as part of
    the scope they stand in.
    """

    __slots__ = ("imports", "inner", "loads", "stored")

    def __init__(self, node: ast.AST) -> None:
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.inner: list[ast.AST] = []
        self.loads: list[tuple[str, str]] = []
        self.stored: set[str] = set()
        if isinstance(node, _FUNCTIONS):
            self.stored.update(_parameters(node.args))
        self._walk(list(getattr(node, "body", ())))

    def _walk(self, waiting: list[ast.AST]) -> None:
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name):
                self._read_name(node, "")
            elif isinstance(node, ast.Attribute):
                root, chain = attribute_chain(node)
                if isinstance(root, ast.Name):
                    self._read_name(root, chain)
                else:
                    waiting.append(root)
            elif isinstance(node, _IMPORTS):
                self.imports.append(node)
            else:
                if isinstance(node, _SCOPES):
                    self.inner.append(node)
                    self.stored.add(node.name)
                for name in _CHILD_FIELDS.get(type(node), ()):
                    child = getattr(node, name)
                    if isinstance(child, list):
                        waiting.extend(child)
                    elif child is not None:
                        waiting.append(child)

    def _read_name(self, node: ast.Name, chain: str) -> None:
        # `os.x = 1` loads the name os; only a bare `os = 1` stores it
        if isinstance(node.ctx, ast.Load):
            self.loads.append((node.id, chain))
        else:
            self.stored.add(node.id)


# Fields that hold no name that is read; they are most of a tree, so a walk skips them.
_LEAVES = frozenset({"arg", "conversion", "ctx", "kind", "name", "op", "ops", "type_comment"})


def _child_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of a kind of node in which names are read, inner scopes left out."""
    if issubclass(kind, ast.Constant):
        return ()
    inner = {"body"} if issubclass(kind, _SCOPES) else set()
    return tuple(name for name in kind._fields if name not in _LEAVES | inner)


_CHILD_FIELDS = {
    kind: _child_fields(kind)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for one in [*several, arguments.vararg, arguments.kwarg]:
        if one is not None:
            yield one.arg
