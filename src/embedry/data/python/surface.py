"""Find what a Python file offers to others: its definitions, names passed on, and ``__all__``.

What it is: the top level of a module as its syntax tree shows it, with the common ways to give
a thing a second name. What it is not: an execution; a name that is computed is not seen, and an
``__all__`` is known as far as it is written out.

References
----------
The Python Language Reference, section 7.11 (``__all__`` and the import statement).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from embedry.data.python.mentions import attribute_chain, extend, read_import

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Definition", "Surface", "docstring_of"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_SELF = re.compile(r"^(?:self|cls)\b(?:: [^,]+)?(?:, /)?(?:, )?")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, class or method that a module defines.

    Attributes
    ----------
    name : str
        Its name inside the module, such as ``"dumps"`` or ``"JSONEncoder.encode"``.
    kind : str
        ``"function"``, ``"class"`` or ``"method"``.
    signature : str
        Its parameters, such as ``"(obj, *, indent=None)"``; a class has those of its
        ``__init__``. Empty where there is no docstring: nobody asks for it.
    docstring : str
        Cleaned of indentation; empty where there is none.
    line, length : int
        Where it starts, from 1, and how many lines of source it takes.
    """

    name: str
    kind: str
    signature: str
    docstring: str
    line: int
    length: int


class Surface:
    """Collects what the top level of a module defines and passes on.

    Its attributes are those of ``embedry.data.python.source.Module``.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.package = package
        self.definitions: dict[str, Definition] = {}
        self.bindings: dict[str, str] = {}
        self.stars: list[str] = []
        self.exports: list[str] | None = None
        self.joined: list[str] = []
        self.registered: dict[str, str] = {}
        self._instances: dict[str, str] = {}

    def read(self, body: Iterable[ast.stmt]) -> None:
        """Read every statement that runs when the module is imported."""
        for statement in _top_level(body):
            if isinstance(statement, _SCOPES):
                self._define(_definition(statement, statement.name))
                if isinstance(statement, ast.ClassDef):
                    self._read_methods(statement)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._read_import(statement)
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    self._assign(target, statement.value)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                self._assign(statement.target, statement.value)
            elif isinstance(statement, (ast.AugAssign, ast.Expr)):
                self._add_exports(statement)

    def _define(self, new: Definition) -> None:
        """Keep the last definition of a name, unless only an older one has a docstring."""
        old = self.definitions.get(new.name)
        if old is None or new.docstring or not old.docstring:
            self.definitions[new.name] = new

    def _read_methods(self, node: ast.ClassDef) -> None:
        for method in _top_level(node.body):
            if isinstance(method, _FUNCTIONS) and not method.name.startswith("_"):
                found = _definition(method, f"{node.name}.{method.name}", kind="method")
                if found.docstring:
                    self._define(found)

    def _read_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for name, target, _ in read_import(statement, self.package):
            if name == "*":
                self.stars.append(target.removesuffix(":*"))
            elif name == "__all__":
                self.exports = self.exports or []
                self.joined.append(target.removesuffix("__all__"))
            else:
                self.bindings.setdefault(name, target)

    def _assign(self, left: ast.expr, right: ast.expr) -> None:
        if isinstance(left, ast.Name):
            if left.id == "__all__":
                self.exports = None
                self._join_exports(right)
            else:
                self._name_again(left.id, right)
        elif isinstance(left, ast.Tuple) and isinstance(right, ast.Tuple):
            for one, other in zip(left.elts, right.elts, strict=False):
                self._assign(one, other)
        elif isinstance(left, ast.Subscript) and isinstance(right, ast.Name):
            self._register(left, right.id)

    def _register(self, left: ast.Subscript, name: str) -> None:
        """Read ``sys.modules["os.path"] = path``: a module that is another one by registration."""
        root, chain = attribute_chain(left.value)
        table = extend(self.bindings.get(root.id, ":"), chain) if isinstance(root, ast.Name) else ""
        target = self.bindings.get(name, "")
        if table == "sys:modules" and target.endswith(":"):
            key = self._key(left.slice)
            # a module speaks for itself and what is below it; any other is somebody's trick
            if key == self.name or key.startswith(f"{self.name}."):
                self.registered[key] = target.removesuffix(":")

    def _key(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id == "__name__":
            return self.name
        return str(node.value) if isinstance(node, ast.Constant) else ""

    def _name_again(self, name: str, value: ast.expr) -> None:
        """Read ``dumps = _dumps``, ``choice = _instance.choice`` and ``_instance = Random()``."""
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            self._instances[name] = value.func.id
            return
        root, chain = attribute_chain(value)
        if not isinstance(root, ast.Name) or name in self.definitions:
            return
        known = self.definitions.get(self._instances.get(root.id, root.id) + chain)
        if known is not None:
            kind = "class" if known.kind == "class" else "function"
            self.definitions[name] = replace(known, name=name, kind=kind)
        elif root.id in self.bindings:
            self.bindings.setdefault(name, extend(self.bindings[root.id], chain))

    def _add_exports(self, statement: ast.AugAssign | ast.Expr) -> None:
        """Read ``__all__ += [...]``, ``__all__.extend([...])`` and ``__all__.append(...)``."""
        if isinstance(statement, ast.AugAssign):
            if ast.unparse(statement.target) == "__all__":
                self._join_exports(statement.value)
        elif (
            isinstance(call := statement.value, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "__all__"
            and call.args
        ):
            self._join_exports(call.args[0])

    def _join_exports(self, value: ast.expr) -> None:
        """Add the names that an expression of ``__all__`` writes out, and the modules it joins."""
        if isinstance(value, ast.BinOp):
            self._join_exports(value.left)
            self._join_exports(value.right)
        elif isinstance(value, (ast.List, ast.Tuple)):
            self.exports = self.exports or []
            for element in value.elts:
                self._join_exports(element)
        elif isinstance(value, ast.Starred):
            self._join_exports(value.value)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.exports = [*(self.exports or []), value.value]
        elif isinstance(value, ast.Attribute) and value.attr == "__all__":
            root, chain = attribute_chain(value.value)
            if isinstance(root, ast.Name):
                # a submodule is an attribute of its package as soon as anything imports it
                target = self.bindings.get(root.id, f"{self.name}:{root.id}")
                self.exports = self.exports or []
                self.joined.append(extend(target, chain))


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and of the branches, loops and contexts in it."""
    for statement in body:
        yield statement
        if isinstance(statement, _SCOPES):
            continue
        for part in ("body", "handlers", "orelse", "finalbody"):
            yield from _top_level(getattr(statement, part, ()))


def _definition(node: _Function | ast.ClassDef, name: str, kind: str = "function") -> Definition:
    docstring = docstring_of(node)
    return Definition(
        name=name,
        kind="class" if isinstance(node, ast.ClassDef) else kind,
        signature=_signature(node) if docstring else "",
        docstring=docstring,
        line=node.lineno,
        length=(node.end_lineno or node.lineno) - node.lineno + 1,
    )


def docstring_of(node: ast.Module | _Function | ast.ClassDef) -> str:
    """Return the docstring of a node, cleaned of indentation; empty where there is none."""
    # an escape can write half a surrogate pair, which no file or database takes as text
    return (ast.get_docstring(node) or "").encode(errors="replace").decode()


def _signature(node: _Function | ast.ClassDef) -> str:
    """Return the parameters as a caller writes them, without ``self``."""
    if isinstance(node, ast.ClassDef):
        made = [one for one in node.body if isinstance(one, _FUNCTIONS) and one.name == "__init__"]
        return _signature(made[-1]) if made else ""
    result = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    return f"({_SELF.sub('', ast.unparse(node.args))}){result}"
