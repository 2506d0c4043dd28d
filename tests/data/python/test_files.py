"""Laws of listing: which files are found, and what they would be imported as."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedry.data.python.files import SourceFile, list_sources


def make(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("x = 1\n")
    return root


def modules(root: Path, *, importable: bool) -> dict[str, str]:
    return {one.file: one.module for one in list_sources(root, importable=importable)}


def test_list_sources_names_modules_below_a_search_path(tmp_path):
    """On the search path every folder is part of the name, with ``__init__.py`` or without."""
    make(tmp_path, "a.py", "p/__init__.py", "p/q/b.py", "odd-name/c.py", "not_python.txt")
    assert modules(tmp_path, importable=True) == {
        "a.py": "a",
        "odd-name/c.py": "",
        "p/__init__.py": "p",
        "p/q/b.py": "p.q.b",
    }


def test_list_sources_names_modules_of_a_project(tmp_path):
    """In a project a name begins at the topmost package, wherever its folder lies."""
    make(tmp_path, "src/shop/__init__.py", "src/shop/cart/__init__.py", "src/shop/cart/add.py")
    make(tmp_path, "tools/run.py", "my-script.py")
    assert modules(tmp_path, importable=False) == {
        "my-script.py": "",
        "src/shop/__init__.py": "shop",
        "src/shop/cart/__init__.py": "shop.cart",
        "src/shop/cart/add.py": "shop.cart.add",
        "tools/run.py": "run",
    }
    assert modules(tmp_path / "src" / "shop", importable=False) == {
        "__init__.py": "shop",
        "cart/__init__.py": "shop.cart",
        "cart/add.py": "shop.cart.add",
    }


def test_list_sources_enters_no_folder_of_others(tmp_path):
    """Caches, environments, hidden folders and builds are not entered, unless packages."""
    make(tmp_path, "a.py", ".git/b.py", "__pycache__/c.py", "node_modules/d.py", "build/e.py")
    make(tmp_path, "env/pyvenv.cfg", "env/f.py", "lib/site-packages/g.py", "x/dist-packages/h.py")
    make(tmp_path, "tool/build/__init__.py", "tool/build/i.py", "dist/j.py", ".hidden.py")
    assert list(modules(tmp_path, importable=True)) == [
        ".hidden.py",
        "a.py",
        "tool/build/__init__.py",
        "tool/build/i.py",
    ]


def test_list_sources_of_no_folder_is_empty(tmp_path):
    """A search path may name a folder that is not there."""
    assert list_sources(tmp_path / "none", importable=True) == []


def test_list_sources_sees_size_and_time(tmp_path):
    """A file is described well enough to notice that it changed."""
    make(tmp_path, "a.py")
    (one,) = list_sources(tmp_path, importable=True)
    status = (tmp_path / "a.py").stat()
    assert (one.path, one.size, one.modified) == (
        tmp_path / "a.py",
        status.st_size,
        status.st_mtime_ns,
    )


@pytest.mark.parametrize(
    ("file", "is_library"),
    [
        ("json/decoder.py", True),
        ("unittest/case.py", True),
        ("doctest.py", True),
        ("contest/attest.py", True),
        ("test/support/__init__.py", False),
        ("numpy/tests/common.py", False),
        ("idlelib/run.py", False),
        ("shop/test_cart.py", False),
        ("shop/cart_test.py", False),
        ("conftest.py", False),
    ],
)
def test_source_file_knows_tests_and_programs(file, is_library):
    """Tests and programs are not libraries, told by folder and name."""
    assert SourceFile(Path(file), file, "", 0, 0).is_library is is_library
