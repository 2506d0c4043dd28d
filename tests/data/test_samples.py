"""Laws of the sample data: a small installation by hand, and the one that runs the tests."""

from __future__ import annotations

import gzip
import json
import sysconfig
from dataclasses import fields
from textwrap import dedent

import numpy as np
import pytest

from embedry.data import samples
from embedry.data.samples import PythonLibrary, python_library, python_project
from embedry.errors import InputError

STANDARD = {
    "greet.py": '''
        """Greet people.

        At length.
        """
        __all__ = ["hello"]
        import json
        from pack import Box as B

        def hello(name: str) -> str:
            """Say hello."""
            return json.dumps(B(json.dumps(name)))

        def documented(): "Public though not in __all__."
        def undocumented(): pass
        def _private(): "Nobody asks."
        ''',
    "json.py": '''
        """Read JSON."""
        def dumps(obj, **kw):
            """Write JSON."""
        ''',
    "pack/__init__.py": '''
        """Pack things into boxes."""
        from .boxes import *
        from . import boxes as b
        __all__ = boxes.__all__ + ["wrap"]
        def wrap(): "Wrap it."
        ''',
    "pack/boxes.py": '''
        """Boxes."""
        from __future__ import annotations
        __all__ = ["Box"]
        from .._outside import nothing
        class Box:
            """A box."""
            def __init__(self, content=None): pass
            def seal(self): "Close it."
        def lid(): "A lid."
        ''',
    "_collections_like.py": '''
        """Private."""
        __all__ = ["Mapping"]
        class Mapping: "Maps."
        ''',
    "front.py": "from _collections_like import *\n",
    "posixlike.py": '''
        """Paths."""
        def join(a, *p): "Join paths."
        ''',
    "system.py": '''
        """The system."""
        import sys, posixlike as path
        sys.modules["system.path"] = path
        ''',
    "bad.py": "def f(:\n",
    "wrong.py": b"x = '\xe9'\n",
    "latin.py": '# coding: latin-1\n"""Café."""\nimport latin, system\nsystem.path.join()\n'.encode(
        "latin-1"
    ),
    "größe.py": 'def maß(): "Unicode."\n',
    "test/test_pack.py": '''
        """Tests."""
        import pack.boxes, sys, front, nowhere
        from system.path import join
        def test_it():
            "Documented, and a test."
            def inner(front): front.Mapping
            return pack.boxes.Box, pack.boxes.Box, pack._hidden, front.Mapping, nowhere.f, sys.argv
        ''',
    "site-packages/ignored.py": "import pack\n",
}
BESIDE = {
    "third.py": '''
        """A third party. It says a few words more."""
        import pack
        def thing():
            """Do a thing."""
            pack.wrap()
        ''',
    "greet.py": "# hidden by the standard library\n",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep each test's cache apart."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(samples, "cache_dir", lambda _name: folder)
    return folder


def write(root, sources):
    for file, source in sources.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else dedent(source).encode())


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """Make a small installation and let Python believe that it is its own."""
    paths = {"stdlib": tmp_path / "std", "purelib": tmp_path / "site", "platlib": tmp_path / "site"}
    write(paths["stdlib"], STANDARD)
    write(paths["purelib"], BESIDE)
    monkeypatch.setattr(sysconfig, "get_path", lambda kind: str(paths[kind]))
    return tmp_path


def uses(library: PythonLibrary) -> dict[tuple[str, str], float]:
    found = {}
    for user in library.uses.user_ids:
        row = library.uses.user_ids.index(user)
        first, last = library.uses.indptr[row : row + 2]
        values = library.uses.values[first:last].tolist()
        found |= {
            (user, item): v for item, v in zip(library.uses.history(user), values, strict=True)
        }
    return found


def assert_equal(one: PythonLibrary, other: PythonLibrary) -> None:
    for field in fields(PythonLibrary):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("uses", "text"):
            assert vars(mine).keys() == vars(theirs).keys()
            for name, value in vars(mine).items():
                np.testing.assert_array_equal(value, vars(theirs)[name])
        else:
            assert mine == theirs


def test_library_items_are_documented_and_public(installation):
    """Items are what is documented and public, under the names that people use."""
    library = python_library()
    assert [
        (name, row["kind"]) for name, row in zip(library.ids, library.metadata, strict=True)
    ] == [
        ("front.Mapping", "class"),
        ("greet", "module"),
        ("greet.documented", "function"),
        ("greet.hello", "function"),
        ("größe.maß", "function"),
        ("json", "module"),
        ("json.dumps", "function"),
        ("latin", "module"),
        ("pack", "module"),
        ("pack.Box", "class"),
        ("pack.Box.seal", "method"),
        ("pack.boxes", "module"),
        ("pack.boxes.lid", "function"),
        ("pack.wrap", "function"),
        ("system", "module"),
        ("system.path", "module"),
        ("system.path.join", "function"),
    ]
    # _private, the module _collections_like
    assert library.counts["items_private"] == 2
    # greet.undocumented, the modules front and größe
    assert library.counts["items_undocumented"] == 3


def test_library_documents_and_metadata_describe_items(installation):
    """A document has the words of the name, what the module is for, signature and docstring."""
    library = python_library()
    by_id = dict(
        zip(library.ids, zip(library.documents, library.metadata, strict=True), strict=True)
    )
    assert by_id["pack.Box.seal"] == (
        "pack box seal\nBoxes.\npack.Box.seal()\nClose it.",
        {
            "name": "Box.seal",
            "module": "pack",
            "kind": "method",
            "file": "pack/boxes.py",
            "line": 9,
            "length": 1,
        },
    )
    document, row = by_id["greet.hello"]
    assert document == "greet hello\nGreet people.\ngreet.hello(name: str) -> str\nSay hello."
    assert (row["line"], row["length"]) == (10, 3)
    document, row = by_id["greet"]
    assert document == "greet\nGreet people.\n\nAt length."
    assert (row["name"], row["module"], row["length"]) == ("greet", "greet", 16)


def test_library_uses_say_which_file_mentions_what(installation):
    """Each file has the public names it mentions, however it spells them, and how often."""
    library = python_library()
    assert uses(library) == {
        ("greet.py", "json.dumps"): 2,
        ("greet.py", "pack.Box"): 2,
        ("latin.py", "system.path.join"): 1,
        ("system.py", "sys.modules"): 1,
        ("test/test_pack.py", "front.Mapping"): 1,
        ("test/test_pack.py", "pack.Box"): 2,
        ("test/test_pack.py", "sys.argv"): 1,
        ("test/test_pack.py", "system.path.join"): 1,
    }
    assert library.counts["mentions_elsewhere"] == 1  # nowhere.f
    assert library.counts["mentions_private"] == 1  # pack._hidden
    assert library.counts["mentions_of_modules"] == 1  # from . import boxes


def test_library_imports_are_edges_between_modules(installation):
    """Each import is an edge between the public names of two modules of the library."""
    library = python_library()
    assert library.imports == (
        ("front", "_collections_like"),
        ("greet", "json"),
        ("greet", "pack"),
        ("latin", "system"),
        ("pack", "pack.boxes"),
        ("system", "sys"),
        ("system", "system.path"),
        ("test.test_pack", "front"),
        ("test.test_pack", "pack.boxes"),
        ("test.test_pack", "sys"),
        ("test.test_pack", "system.path"),
    )
    assert library.counts["imports_elsewhere"] == 1


def test_library_import_graph_is_the_imports_without_direction(installation):
    """Every import is an edge of the graph, to be walked both ways."""
    library = python_library()
    graph = library.import_graph
    assert not graph.directed
    assert graph.edge_count == len(library.imports)
    assert all(graph.has_edge(imported, importing) for importing, imported in library.imports)
    assert graph.neighbours("pack.boxes") == ("pack", "test.test_pack")


def test_library_says_what_it_skipped(installation):
    """Files that cannot be decoded or parsed are named with the reason, and counted."""
    library = python_library()
    reasons = dict(library.skipped)
    assert sorted(reasons) == ["bad.py", "greet.py", "wrong.py"]
    assert "parses" in reasons["bad.py"]
    assert "encoding" in reasons["wrong.py"]
    assert "comes first" in reasons["greet.py"]
    assert library.counts["files_skipped"] == 3
    assert library.counts["files_listed"] == 15
    assert library.counts["files_parsed"] == 11


def test_library_counts_are_all_there(installation):
    """Every count is there, also when it is zero."""
    library = python_library()
    assert sorted(library.counts) == [
        "files_listed",
        "files_parsed",
        "files_skipped",
        "files_with_text",
        "imports_elsewhere",
        "items_private",
        "items_repeated",
        "items_undocumented",
        "lines_repeated",
        "mentions_elsewhere",
        "mentions_of_modules",
        "mentions_private",
        "words",
    ]
    assert library.counts["items_repeated"] == 0
    assert library.counts["files_with_text"] == 13  # all but wrong.py and the hidden one


def test_library_text_comes_from_packages_too(installation):
    """The text holds the library's prose and names, and those of the packages beside it."""
    words = set(python_library().text.words)
    assert {"boxes", "party", "things"} <= words
    assert "ignored" not in words


def test_library_installed_adds_items_and_uses_of_packages(installation):
    """With ``installed`` the packages are part of the library."""
    library = python_library(installed=True)
    assert {"third", "third.thing"} <= set(library.ids)
    assert uses(library)["third.py", "pack.wrap"] == 1
    assert ("third", "pack") in library.imports


def test_library_is_the_same_twice_without_a_cache(installation, monkeypatch):
    """Where no cache can be written the work is done again, to the same result."""
    monkeypatch.setattr(samples, "cache_dir", lambda _name: None)
    assert_equal(python_library(), python_library())


def test_library_from_cache_equals_fresh(installation, cache, monkeypatch):
    """What the cache gives is what was computed, and nothing is computed for it."""
    fresh = python_library()
    monkeypatch.setattr(samples, "extract", None)
    assert_equal(python_library(), fresh)
    assert len(list(cache.iterdir())) == 1


def test_library_cache_notices_every_change(installation, cache):
    """A file that is new, changed or gone makes the cache outdated, and one file replaces it."""
    std = installation / "std"
    assert "json.loads" not in python_library().ids
    (std / "json.py").write_text('def loads(): "Read it."\n')
    assert "json.loads" in python_library().ids
    (std / "json.py").write_text('def reads(): "Read it."\n')  # as many bytes as before
    assert "json.reads" in python_library().ids
    (std / "new.py").write_text('"""New."""\n')
    assert "new" in python_library().ids
    (std / "new.py").unlink()
    assert "new" not in python_library().ids
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not gzip"),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(gzip.compress(b"[1, 2")),
        lambda path: path.write_bytes(gzip.compress(b"[1, 2]")),
        lambda path: path.write_bytes(gzip.compress(b"\xff")),
        lambda path: path.write_bytes(
            gzip.compress(
                json.dumps(
                    {**json.loads(gzip.decompress(path.read_bytes())), "extract": {}}
                ).encode()
            )
        ),
    ],
)
def test_library_damaged_cache_is_made_anew(installation, cache, damage):
    """A cache that was cut, overwritten or is of another make is computed again."""
    fresh = python_library()
    (path,) = cache.iterdir()
    good = path.read_bytes()
    damage(path)
    assert_equal(python_library(), fresh)
    assert path.read_bytes() == good


def test_library_survives_a_cache_that_fills_up(installation, cache):
    """A cache folder that vanishes or fills between asking and writing costs nothing."""
    cache.rmdir()
    assert "json.dumps" in python_library().ids


def test_library_without_sources_is_refused(installation, monkeypatch):
    """An interpreter without sources is an error that names the folder."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _kind: str(installation / "none"))
    with pytest.raises(InputError, match="none holds none"):
        python_library()


def test_project_gives_own_items_and_all_uses(installation):
    """A project's items are its own; its names are its own, the library's and of any package."""
    write(
        installation / "mine",
        {
            "src/shop/__init__.py": '"""A shop."""\nfrom ._cart import Cart\n',
            "src/shop/_cart.py": 'class Cart:\n    "A cart."\n',
            "run.py": """
                import third, torch.nn as nn
                from shop._cart import Cart
                from pack.boxes import Box
                third.thing()
                nn.Linear
                """,
            ".venv/x.py": "import json\njson.dumps\n",
            "bad.py": "print 'x'\n",
        },
    )
    project = python_project(installation / "mine")
    assert project.ids == ("shop", "shop.Cart")
    assert uses(project) == {
        ("run.py", "pack.Box"): 1,
        ("run.py", "shop.Cart"): 1,
        ("run.py", "third.thing"): 1,
        ("run.py", "torch.nn.Linear"): 1,
        ("src/shop/__init__.py", "shop.Cart"): 1,
    }
    assert project.imports == (
        ("run", "pack.boxes"),
        ("run", "shop._cart"),
        ("run", "third"),
        ("run", "torch.nn"),
        ("shop", "shop._cart"),
    )
    assert {"cart", "party"} <= set(project.text.words)
    assert "bad.py" in dict(project.skipped)


def test_project_counts_names_that_come_twice(installation):
    """Of two things of one name the first is the item, and the other is counted."""
    script = '"""Run."""\nimport json\njson.dumps\ndef main(): "{}"\n'
    files = {"a/run.py": script.format("First."), "b/run.py": script.format("Second.")}
    write(installation / "mine", files)
    project = python_project(installation / "mine")
    assert project.ids == ("run", "run.main")
    assert project.documents[1].endswith("First.")
    assert project.counts["items_repeated"] == 2


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"notes.txt": "no Python"}, "holds no file"),
        ({"bad.py": "def f(:", "worse.py": "print 'x'"}, "must parse"),
        ({"alone.py": '"""Uses nothing."""\n'}, "use a name"),
    ],
)
def test_project_that_says_nothing_is_refused(installation, sources, message):
    """A folder without Python, without Python that parses, or without a use is an InputError."""
    write(installation / "mine", sources)
    with pytest.raises(InputError, match=message):
        python_project(installation / "mine")


def test_project_path_must_be_a_folder(installation):
    """A missing folder and a file are refused by name."""
    with pytest.raises(InputError, match=r"got .*no-such"):
        python_project(installation / "no-such")
    with pytest.raises(InputError, match=r"got .*greet\.py"):
        python_project(str(installation / "std" / "greet.py"))


def test_library_of_this_interpreter_is_plausible(monkeypatch):
    """The real standard library gives thousands of items under the names that people use."""
    real = samples.list_sources

    def without_tests(root, *, importable):
        # whatever is installed, and the tests where there are any, would only take time
        if root != samples.Path(sysconfig.get_path("stdlib")):
            return []
        return [one for one in real(root, importable=importable) if one.is_library]

    monkeypatch.setattr(samples, "list_sources", without_tests)
    monkeypatch.setattr(samples, "_MOST_WORDS", 50_000)
    library = python_library()
    known = (
        "json.dumps os.path.join asyncio.sleep collections.OrderedDict collections.abc.Mapping "
        "random.choice pathlib.Path decimal.Decimal unittest.TestCase datetime.datetime "
        "functools.partial re.compile heapq.heappush contextlib.contextmanager urllib.parse.quote"
    )
    assert set(known.split()) <= set(library.ids)
    assert 4_000 < len(library) < 8_000
    assert len(library) == len(set(library.ids)) == len(library.documents) == len(library.metadata)
    assert {row["kind"] for row in library.metadata} == {"module", "class", "function", "method"}
    assert not any(name.startswith(("test.", "idlelib", "_")) for name in library.ids)
    files, names = library.uses.shape
    assert files > 400
    assert names > 1_500
    assert {"os.path.join", "sys.argv", "time.sleep", "re.compile"} <= set(library.uses.item_ids)
    assert ("json", "json.decoder") in library.imports
    assert 50_000 <= library.text.token_count < 200_000
