"""Laws of scoping: which names a file mentions, and where its imports lead."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from embedry.data.python.mentions import Import, extend, read_import, read_mentions


def mentions(source: str, package: str = "") -> dict[str, int]:
    return dict(read_mentions(ast.parse(dedent(source)), package)[1])


def imported(source: str, package: str = "") -> list[str]:
    return list(read_mentions(ast.parse(dedent(source)), package)[0])


def test_mentions_follows_every_form_of_import():
    """An import under any name leads to the same target; an import of a name is a mention."""
    source = """
        import re
        import re as r
        import xml.etree.ElementTree
        import xml.etree.ElementTree as ET
        from os import path
        from os.path import join as j
        re.compile(""); r.compile("")
        xml.etree.ElementTree.parse
        ET.parse
        path.join
        j(j)
    """
    assert mentions(source) == {
        "re:compile": 2,
        "xml:etree.ElementTree.parse": 1,
        "xml.etree.ElementTree:parse": 1,
        "os:path": 1,
        "os:path.join": 1,
        "os.path:join": 3,
    }


def test_mentions_leaves_builtins_and_own_names_out():
    """Only what an import binds is a mention."""
    assert mentions("def f(): return len(x)\nf(); print(f.x)") == {}


def test_mentions_parameter_hides_import():
    """A parameter of a function, of any kind, hides an import in it and in what is inside."""
    source = """
        import time
        def a(time): time.sleep
        def b(*time): time.sleep
        def c(*, time=None):
            def inner(): time.sleep
        def d(**time): time.sleep
        def e(time, /): time.sleep
        def f(): time.sleep
    """
    assert mentions(source) == {"time:sleep": 1}


def test_mentions_local_variable_hides_import():
    """A name that a function stores is its own everywhere in the function, as in Python."""
    source = """
        import json
        def f():
            json.before
            json = 1
        def g():
            json.loads
    """
    assert mentions(source) == {"json:loads": 1}


def test_mentions_import_in_function_stays_there():
    """An import binds in its own scope and those inside, not in its neighbours."""
    source = """
        def f():
            import re
            def inner(): re.sub
        def g(): re.split
    """
    assert mentions(source) == {"re:sub": 1}


def test_mentions_inner_import_hides_outer():
    """The nearest import of a name is the one meant."""
    source = """
        import outer as x
        def f():
            import inner as x
            x.go
        x.stay
    """
    assert mentions(source) == {"inner:go": 1, "outer:stay": 1}


def test_mentions_class_body_is_no_scope_for_methods():
    """A class attribute does not hide an import from the methods of the class."""
    source = """
        import json
        class C:
            json = json.decoder
            def m(self): return json.loads
    """
    assert mentions(source) == {"json:loads": 1}


def test_mentions_first_of_two_imports_wins():
    """With an alternative in ``except``, the import that is tried first is the one meant."""
    source = """
        try:
            import fast as x
        except ImportError:
            import slow as x
        x.go
    """
    assert mentions(source) == {"fast:go": 1}


def test_mentions_reads_decorators_defaults_annotations_and_bases():
    """What stands in the head of a function or class belongs to the scope around it."""
    source = """
        import m
        @m.decorator
        async def f(x: m.Hint = m.default) -> m.Result:
            async with m.context: pass
        class C(m.Base, metaclass=m.Meta): pass
        g = lambda y=m.inner: m.body
        [m.each for m.target in m.many if m.test]
        del m.gone
        m.stored = 1
        f'{m.formatted}'
        m.called().after
        m.sub.attr[0].rest
    """
    names = (
        "decorator Hint default Result context Base Meta inner body each target many test gone "
        "stored formatted called sub.attr"
    )
    assert mentions(source) == {f"m:{name}": 1 for name in names.split()}


def test_mentions_resolves_relative_imports():
    """One dot is the package of the file, each more one package up; beyond the top is nothing."""
    source = "from . import a\nfrom .b import c\nfrom .. import d\nfrom ..e.f import g\n"
    assert imported(source, "one.two") == ["one.two:a", "one.two.b:c", "one:d", "one.e.f:g"]
    assert imported(source, "one") == ["one:a", "one.b:c"]
    assert imported(source, "") == []


def test_mentions_lists_imports_of_all_scopes_in_order():
    """Stars, functions' imports and repeated ones are listed; switches of the compiler are not."""
    source = """
        from __future__ import annotations
        def f():
            import b.c
        import a
        from d import *
        import a
    """
    assert imported(source) == ["b.c:", "a:", "d:*", "a:"]


def test_mentions_of_unicode_names():
    """Names of any script are names."""
    assert mentions("import größe\ngröße.maß") == {"größe:maß": 1}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b", [Import("a", "a:", "a.b:")]),
        ("import a.b as c", [Import("c", "a.b:", "a.b:")]),
        ("from a import b as c", [Import("c", "a:b", "a:b")]),
        ("from a import *", [Import("*", "a:*", "a:*")]),
    ],
)
def test_import_says_name_target_and_loaded(source, expected):
    """Each form of import binds what the language reference says."""
    (statement,) = ast.parse(source).body
    assert list(read_import(statement, "")) == expected


def test_extend_joins_with_one_colon():
    """A target has exactly one colon, whatever is added to it."""
    assert extend("os:", ".path.join") == "os:path.join"
    assert extend("os:path", ".join") == "os:path.join"
    assert extend("os:path", "") == "os:path"
