"""Laws of public names: every spelling of a thing leads to the one name people use."""

from __future__ import annotations

from textwrap import dedent

import pytest

from embedry.data.python.names import Names, Place, is_private
from embedry.data.python.source import parse_module


def names_of(sources: dict[str, str], load=None) -> Names:
    """Link modules; a name that ends in a dot is a package."""
    return Names([module_of(name, source) for name, source in sources.items()], load)


def module_of(name: str, source: str):
    return parse_module(dedent(source), name.rstrip("."), is_package=name.endswith("."))


def public(names: Names, target: str) -> str:
    return names.public(names.place(target))


def test_names_definition_in_public_module_keeps_its_name():
    """What a public module defines is called after it, however many import it."""
    names = names_of({"json": "def dumps(): pass", "other": "from json import dumps"})
    assert names.place("other:dumps") == Place("json", "dumps")
    assert public(names, "other:dumps") == "json.dumps"


@pytest.mark.parametrize(
    "init",
    [
        "from .tasks import sleep",
        "from .tasks import *",
        "from .tasks import *\n__all__ = tasks.__all__",
        "from . import tasks\nsleep = tasks.sleep\n__all__ = ['sleep']",
        "__all__ = ['sleep']\ndef __getattr__(name): from .tasks import sleep",
    ],
)
def test_names_package_gives_its_parts_their_names(init):
    """A package that passes a name of its submodule on, in any common way, names it."""
    tasks = "__all__ = ['sleep']\ndef sleep(): pass\ndef other(): pass"
    names = names_of({"aio.": init, "aio.tasks": tasks})
    assert names.place("aio:sleep") == Place("aio.tasks", "sleep")
    assert public(names, "aio.tasks:sleep") == "aio.sleep"
    assert public(names, "aio.tasks:other") == "aio.tasks.other"


def test_names_star_honours_all():
    """A star passes on what ``__all__`` lists, nothing else."""
    tasks = "__all__ = ['a']\ndef a(): pass\ndef b(): pass"
    names = names_of({"aio.": "from .tasks import *", "aio.tasks": tasks})
    assert public(names, "aio:a") == "aio.a"
    assert names.place("aio:b") == Place("aio", "b")  # nothing known: taken at its word


def test_names_private_module_is_called_by_the_public_one():
    """A public module that offers what a private one defines names it, under its own name too."""
    names = names_of(
        {
            "_real": "__all__ = ['Set']\nclass Set: pass\nclass Hidden: pass",
            "front": "from _real import *\nfrom _real import Hidden as Shown",
        }
    )
    assert public(names, "_real:Set") == "front.Set"
    assert public(names, "_real:Hidden") == "front.Shown"


def test_names_definition_stands_before_an_import_of_the_name():
    """A class that a module defines, and then takes from C where it can, is the module's own."""
    source = "class OrderedDict: pass\ntry: from _c import OrderedDict\nexcept ImportError: pass"
    names = names_of({"box": source})
    assert names.place("box:OrderedDict") == Place("box", "OrderedDict")


def test_names_plain_import_passes_nothing_on():
    """A module that uses what another public one defines does not name it, whoever spells it."""
    names = names_of(
        {
            "deep.": "",
            "deep.down": "def f(): pass",
            "user": "from deep.down import f",
            "one": "import user\nuser.f",
            "two": "import user\nuser.f",
        }
    )
    assert public(names, "user:f") == "deep.down.f"


def test_names_spelling_of_most_files_wins():
    """Between two public names that are equally good otherwise, files decide by their number."""
    sources = {
        "generic": "__all__ = ['exists']\ndef exists(): pass",
        "ntpath": "from generic import *\n__all__ = ['exists']",
        "posixpath": "from generic import *\n__all__ = ['exists']",
        "os": "import sys, posixpath as path\nsys.modules['os.path'] = path",
        "a": "import os\nos.path.exists",
        "b": "from os.path import exists",
        "c": "import ntpath\nntpath.exists",
    }
    names = names_of(sources)
    for target in ("generic:exists", "ntpath:exists", "os:path.exists", "os.path:exists"):
        assert public(names, target) == "os.path.exists"
    assert names.public(Place("posixpath", "")) == "os.path"


def test_names_module_registered_as_another_keeps_its_name():
    """A module that steps aside for a private one gives it its name."""
    names = names_of(
        {
            "decimal": "import sys, _pydecimal\nsys.modules[__name__] = _pydecimal",
            "_pydecimal": "class Decimal: pass",
            "numbers": "from decimal import *",
        }
    )
    assert names.place("numbers:Decimal") == Place("_pydecimal", "Decimal")
    assert names.place("decimal:Decimal") == Place("_pydecimal", "Decimal")
    assert public(names, "_pydecimal:Decimal") == "decimal.Decimal"


def test_names_registration_of_what_cannot_be_read_hides_nothing():
    """A frozen or compiled twin does not stand before the file of a module."""
    names = names_of(
        {
            "lib.": "import sys, _frozen\nsys.modules['lib._boot'] = _frozen",
            "lib._boot": "class Spec: pass",
            "lib.machinery": "from ._boot import Spec",
        }
    )
    assert names.place("lib.machinery:Spec") == Place("lib._boot", "Spec")
    assert public(names, "lib._boot:Spec") == "lib.machinery.Spec"


def test_names_attribute_before_submodule():
    """A name that a package binds hides a submodule of that name, as after an import."""
    names = names_of({"p.": "from .main import main", "p.main": "class main: pass"})
    assert names.place("p:main") == Place("p.main", "main")
    assert names.place("p.main:main") == Place("p.main", "main")


def test_names_follow_attributes_through_modules():
    """A chain of attributes leads through submodules and ends at the first thing that is none."""
    names = names_of(
        {"p.": "from . import q", "p.q.": "", "p.q.r": "class C: pass", "u": "import p.q.r"}
    )
    assert names.place("p:q.r.C.method.more") == Place("p.q.r", "C")
    assert names.place("p:q.r") == Place("p.q.r", "")


def test_names_unknown_module_is_taken_at_its_word():
    """Modules in C, or not there at all, are known by the imports that name them."""
    names = names_of({"u": "import sys, a.b.c"})
    assert names.place("sys:argv.append") == Place("sys", "argv")
    assert names.place("a:b.c.f.g") == Place("a.b.c", "f")
    assert names.place("a:z.f") == Place("a", "z")


def test_names_circles_come_to_an_end():
    """Modules that import a name from each other, or all names, leave it somewhere."""
    names = names_of(
        {
            "a": "from b import x\nfrom b import *",
            "b": "from a import x\nfrom a import *",
            "u": "import a, b\na.x\na.y",
        }
    )
    assert names.place("a:x").name == "x"
    assert names.place("a:y") == Place("a", "y")


def test_names_do_not_depend_on_the_order_of_modules():
    """The same modules in another order have the same public names."""
    sources = {
        "_real": "def f(): pass",
        "one": "from _real import f",
        "two": "from _real import f",
        "pack.": "from .inner import *",
        "pack.inner": "def g(): pass",
    }
    forward = names_of(sources)
    backward = names_of(dict(reversed(sources.items())))
    for target in ("_real:f", "one:f", "two:f", "pack:g", "pack.inner:g"):
        assert public(forward, target) == public(backward, target)
    assert public(forward, "two:f") == "one.f"


def test_names_load_asks_for_parents_first_and_once():
    """A module that is mentioned is loaded after its packages, each asked for once."""
    asked = []

    def load(name):
        asked.append(name)
        return module_of("lib.", "from ._core import f") if name == "lib" else None

    names = names_of({"u": "import lib\nfrom lib.sub.deep import g\nlib.f\nlib.f"}, load)
    assert asked.index("lib") < asked.index("lib.sub") < asked.index("lib.sub.deep")
    assert len(asked) == len(set(asked))
    assert public(names, "lib:f") == "lib.f"


def test_names_load_finds_what_a_package_registers():
    """A module that is there by registration only is found by loading its package."""
    sources = {
        "os": "import sys, real as path\nsys.modules['os.path'] = path",
        "real": "def j(): 0",
    }
    names = names_of(
        {"u": "from os.path import j"},
        lambda name: module_of(name, sources[name]) if name in sources else None,
    )
    assert names.place("os.path:j") == Place("real", "j")
    assert public(names, "os.path:j") == "os.path.j"


def test_names_module_of_an_import_statement():
    """An import of a name loads the module it is taken from; of a submodule, the submodule."""
    names = names_of(
        {
            "p.": "from .q import f",
            "p.q": "def f(): pass",
            "u": "import p.q\nfrom p import q, f\nfrom p.q import *",
        }
    )
    assert names.imported_module("p.q:") == Place("p.q", "")
    assert names.imported_module("p:q") == Place("p.q", "")
    assert names.imported_module("p:f") == Place("p", "")
    assert names.imported_module("p.q:*") == Place("p.q", "")


def test_is_private_looks_at_every_part():
    """One underscore anywhere makes a name private."""
    assert all(map(is_private, ["_a", "a._b.c", "a.b.__init__"]))
    assert not is_private("a.b_.c")
