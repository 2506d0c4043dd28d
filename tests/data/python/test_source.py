"""Laws of reading one file: its text, its definitions and what it passes on."""

from __future__ import annotations

import gc
from textwrap import dedent

import pytest

from embedry.data.python.source import parse_module, read_source
from embedry.errors import InputError


def parse(source: str, name: str = "shop", *, is_package: bool = False):
    return parse_module(dedent(source), name, file="shop.py", is_package=is_package)


def test_read_source_obeys_coding_line_and_mark(tmp_path):
    """A coding line and a byte-order mark are obeyed; line ends become newlines."""
    file = tmp_path / "a.py"
    file.write_bytes("# coding: latin-1\r\nx = 'é'\r\n".encode("latin-1"))
    assert read_source(file) == "# coding: latin-1\nx = 'é'\n"
    file.write_bytes(b"\xef\xbb\xbf" + "x = 'é'".encode())
    assert read_source(file) == "x = 'é'"


@pytest.mark.parametrize("content", [b"x = '\xe9'", b"1\n2\n3\n'\xe9'", b"# coding: no-such\n"])
def test_read_source_refuses_wrong_encoding(tmp_path, content):
    """Bytes that are not in the claimed encoding are an InputError that names the file."""
    file = tmp_path / "wrong.py"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"wrong\.py"):
        read_source(file)


def test_read_source_of_missing_file_is_an_os_error(tmp_path):
    """A file that cannot be read is the system's error, unchanged."""
    with pytest.raises(FileNotFoundError):
        read_source(tmp_path / "none.py")


@pytest.mark.parametrize(
    "source",
    ["def f(:", "print 'x'", "x = '\0'", "(" * 300, "-" * 20_000 + "1", "1" + " + 1" * 20_000],
)
def test_parse_module_refuses_what_is_no_python(source):
    """Whatever the parser raises, the caller sees an InputError that names the file."""
    with pytest.raises(InputError, match=r"shop\.py"):
        parse(source)


def test_parse_module_is_silent_about_escapes():
    """The parser's warnings about a file's text do not reach its reader."""
    assert parse(r"PATTERN = '\d'").length == 1


@pytest.mark.parametrize("was_on", [True, False])
def test_parse_module_leaves_the_collector_as_it_was(was_on):
    """The garbage collector is on again after reading, also after a failure, if it was on."""
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        parse("x = 1")
        with pytest.raises(InputError):
            parse("(")
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()


def test_parse_module_finds_documented_definitions():
    """Functions, classes and documented public methods are found with line, length and kind."""
    module = parse(
        '''
        """Buy things.

        More."""
        @decorated
        def buy(item, *, price: float = 1.0) -> bool:
            """Buy one."""
            def inner(): "Not seen."
        async def wait(): "Wait."
        class Cart:
            """Holds items."""
            def __init__(self, items=(), /): pass
            def add(self, item): """Add one."""
            @classmethod
            def empty(cls) -> "Cart": "Make one."
            @staticmethod
            def check(item): "Check."
            def _hidden(self): "Hidden."
            def undocumented(self): pass
            class Inner: "Not seen."
        def plain(x): pass
        '''
    )
    assert module.docstring == "Buy things.\n\nMore."
    found = {d.name: (d.kind, d.signature, d.line, d.length) for d in module.definitions.values()}
    assert found == {
        "buy": ("function", "(item, *, price: float=1.0) -> bool", 6, 3),
        "wait": ("function", "()", 9, 1),
        "Cart": ("class", "(items=(), /)", 10, 11),
        "Cart.add": ("method", "(item)", 13, 1),
        "Cart.empty": ("method", "() -> 'Cart'", 15, 1),
        "Cart.check": ("method", "(item)", 17, 1),
        "plain": ("function", "", 21, 1),
    }


def test_parse_module_keeps_the_documented_of_several_definitions():
    """The last definition counts, except where only an earlier one says what it is for."""
    module = parse(
        """
        @overload
        def f(x: int): ...
        @overload
        def f(x: str): ...
        def f(x): "The one."
        if posix:
            def g(): "Documented."
        else:
            def g(): pass
        try:
            def h(): "First."
        except E:
            def h(): "Second."
        """
    )
    assert {name: d.docstring for name, d in module.definitions.items()} == {
        "f": "The one.",
        "g": "Documented.",
        "h": "Second.",
    }


def test_parse_module_follows_second_names():
    """An assignment gives a function, a bound method or an imported name a second name."""
    module = parse(
        """
        import posixpath as path
        from other import thing
        def _dumps(x): "Dump."
        def _loads(x): "Load."
        dumps, loads = _dumps, _loads
        class Random:
            "Numbers."
            def choice(self, many): "Choose."
        _random = Random()
        choice = _random.choice
        Fate: type = Random
        again = thing.part
        number = 3
        """
    )
    second = {name: module.definitions[name] for name in ("dumps", "loads", "choice", "Fate")}
    assert {name: (d.kind, d.docstring) for name, d in second.items()} == {
        "dumps": ("function", "Dump."),
        "loads": ("function", "Load."),
        "choice": ("function", "Choose."),
        "Fate": ("class", "Numbers."),
    }
    assert module.bindings == {
        "path": "posixpath:",
        "thing": "other:thing",
        "again": "other:thing.part",
    }


@pytest.mark.parametrize(
    ("source", "exports", "joined"),
    [
        ("x = 1", None, ()),
        ("__all__ = ['a', 'b']", ("a", "b"), ()),
        ("__all__ = ('a',)\n__all__ += ['b']", ("a", "b"), ()),
        ("__all__ = ['a']\n__all__.extend(['b'])\n__all__.append('c')", ("a", "b", "c"), ()),
        ("__all__ = []", (), ()),
        ("__all__ = [n for n in dir()]", None, ()),
        ("__all__ = ['a'] + computed()", ("a",), ()),
        ("from .b import *\n__all__ = b.__all__ + ['a']", ("a",), ("shop:b",)),
        ("from . import b\n__all__ = [*b.__all__, 'a']", ("a",), ("shop:b",)),
        ("import b\n__all__ = ['a']\n__all__ += b.__all__", ("a",), ("b:",)),
        ("from _b import *\nfrom _b import __all__", (), ("_b:",)),
        ("__all__ = ['old']\n__all__ = ['new']", ("new",), ()),
    ],
)
def test_parse_module_reads_all_as_far_as_written(source, exports, joined):
    """``__all__`` is known from literals and from other modules' lists, None where computed."""
    module = parse(source, is_package=True)
    assert (module.exports, module.joined) == (exports, joined)


def test_parse_module_lists_stars():
    """Modules of which all names are imported are listed."""
    module = parse("from .parts import *\nfrom whole import *", is_package=True)
    assert module.stars == ("shop.parts", "whole")


@pytest.mark.parametrize(
    ("source", "registered"),
    [
        ("import sys\nsys.modules['shop.path'] = path", {"shop.path": "posixpath"}),
        ("import sys as s\ns.modules['shop.path'] = path", {"shop.path": "posixpath"}),
        ("from sys import modules\nmodules['shop.path'] = path", {"shop.path": "posixpath"}),
        ("import sys\nsys.modules[__name__] = path", {"shop": "posixpath"}),
        ("import sys\nsys.modules['json'] = path", {}),
        ("import sys\nsys.modules['shop.path'] = other", {}),
        ("import sys\nsys.modules['shop.path'] = join", {}),
        ("import sys\nsys.cache['shop.path'] = path", {}),
        ("modules = {}\nmodules['shop.path'] = path\nf()[0] = path\nx[path] = path", {}),
    ],
)
def test_parse_module_finds_registered_modules(source, registered):
    """A module may register another one as itself or below itself, and nowhere else."""
    head = "import posixpath as path\nfrom posixpath import join\n"
    assert parse(head + source, is_package=True).registered == registered


@pytest.mark.parametrize(
    ("source", "length"), [("", 0), ("x", 1), ("x\n", 1), ("x\ny", 2), ("\n\n", 2)]
)
def test_parse_module_counts_lines(source, length):
    """The length of a module is its lines, with or without an end to the last one."""
    assert parse_module(source, "m").length == length


def test_parse_module_repairs_half_a_surrogate_pair():
    """A docstring is always text that UTF-8 can hold."""
    module = parse(r'"""Half: \ud800."""')
    assert module.docstring == "Half: ?."
