"""The README and the pages are run: Python as it stands, commands one after the other."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import embedry as em
from embedry.cli.commands import app

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
PAGES = {
    page.name: re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for page in sorted(README.parent.glob("docs/*.md"))
}
COMMANDS = [
    line.removeprefix("$ ").split("#")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
TABLES = re.findall(r"^score .*$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def library():
    """The real library, with the first part of its text: the README's minute becomes seconds."""
    whole = em.samples.python_library()
    lines = [" ".join(whole.text.sentence(place)) for place in range(0, len(whole.text), 12)]
    return dataclasses.replace(whole, text=em.Corpus.from_lines(lines))


@pytest.fixture
def at_home(library, monkeypatch, tmp_path):
    """An empty folder, and the library at hand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("embedry.data.samples.python_library", lambda: library)
    monkeypatch.setattr("embedry.cli.demo.python_library", lambda: library)
    return tmp_path


def test_readme_first_screen_is_short():
    """What it is, the two commands and ten lines of code fit one screen of 30 lines."""
    first = TEXT.split("## Install")[0].splitlines()
    code = [line for line in PYTHON[0].splitlines() if line and not line.startswith("import")]
    assert len(first) <= 30
    assert len(code) <= 10
    assert "make demo" in TEXT.split("```")[0]
    assert "make test" in TEXT.split("```")[0]


def test_readme_python_runs_and_finds(at_home, capsys):
    """Every Python block runs, in order, in one namespace; the claims beside them hold."""
    names: dict[str, object] = {}
    for block in PYTHON:
        exec(compile(block, str(README), "exec"), names)
    items = names["items"]
    assert items.search("open a zip archive", field="content", k=10)
    assert "foreign" in capsys.readouterr().out
    items.close()


@pytest.mark.parametrize("page", [name for name, blocks in PAGES.items() if blocks])
def test_docs_python_runs(at_home, page):
    """Every Python block of a page runs, in order, in one namespace."""
    names: dict[str, object] = {}
    for block in PAGES[page]:
        exec(compile(block, page, "exec"), names)


def test_readme_commands_run_and_tables_keep_their_shape(at_home):
    """Each command exits with 0, and a table shown in the README has the columns of today."""
    (at_home / "text.txt").write_text("the cat sat on the mat\nthe dog sat on the rug\n" * 20)
    pairs = [f"u{user},i{(user * step) % 40},{step}" for user in range(40) for step in range(1, 9)]
    (at_home / "ratings.csv").write_text("\n".join(pairs))
    edges = [f"n{node},n{(node + step) % 40}" for node in range(40) for step in (1, 2, 3)]
    (at_home / "edges.csv").write_text("\n".join(edges))
    (at_home / "labels.txt").write_text("\n".join(f"n{node} l{node // 20}" for node in range(40)))
    (at_home / "pairs.txt").write_text("cat dog 9\nmat rug 8\ncat rug 2\ndog mat 1\n")
    assert len(COMMANDS) >= 7
    printed = ""
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "embedry"
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)
        printed += result.output
    assert TABLES
    heads = [line.split() for line in printed.splitlines() if line.startswith("score ")]
    for header in TABLES:
        assert header.split() in heads, f"no command prints a table with the head {header!r}"


def test_readme_links_lead_somewhere():
    """Every relative link of the README and the documents points to a file."""
    root = README.parent
    for page in [README, *root.glob("docs/**/*.md"), root / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
