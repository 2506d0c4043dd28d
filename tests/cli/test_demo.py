"""The laws of the demo: its claims hold, its commands work, and nobody's files are lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from embedry.cli import demo
from embedry.data.corpus import Corpus
from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.data.samples import PythonLibrary
from embedry.errors import InputError
from embedry.store.collection import Collection

ITEMS = {
    "json": "json\nText of objects.",
    "json.dumps": "json dumps\nTurn an object into json text.",
    "json.loads": "json loads\nTurn json text into an object.",
    "socket.socket": "socket\nOpen a socket and connect to a server.",
    "threading.Thread.join": "threading thread join\nWait for a thread to finish.",
    "zipfile.ZipFile.read": "zip file read\nRead a file of a zip archive.",
    **{f"os.call{number}": f"Call number {number} of the system." for number in range(30)},
}
IMPORTS = (("json", "json.decoder"), ("json.tool", "json"), ("socket", "os"), ("os", "json"))
OWN_IMPORTS = (("my", "my.parse"), ("my.parse", "json"), ("my", "json"))
OWN = {
    "my": "my\nNotes.",
    "my.parse": "my parse\nParse my own json text.",
    "json.dumps": "Not the library's.",
}


def library(items, users, imports=IMPORTS):
    """Return a tiny library; each user uses the items whose places follow their own."""
    ids = list(items)
    pairs = [
        (user, ids[(place + step) % len(ids)])
        for place, user in enumerate(users)
        for step in range(3)
    ]
    kinds = ["method" if id.count(".") > 1 else "function" for id in ids]
    return PythonLibrary(
        ids=tuple(ids),
        documents=tuple(items.values()),
        metadata=tuple({"kind": kind} for kind in kinds),
        imports=imports,
        uses=Interactions.from_triples(
            [u for u, _ in pairs], [i for _, i in pairs], [9.0] * len(pairs)
        ),
        text=Corpus.from_lines([*items.values(), demo.NEW_DOCUMENT, demo.NEW_QUERY] * 30),
        skipped=(),
        counts={},
    )


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Let the demo read tiny libraries and learn narrow spaces, in a folder of its own."""
    users = [demo.FILE, *(f"lib/{number}.py" for number in range(40))]
    own = library({**ITEMS, **OWN}, ["a b.py", "c.py", "d.py"], OWN_IMPORTS)
    monkeypatch.setattr(demo, "python_library", lambda: library(ITEMS, users))
    monkeypatch.setattr(demo, "python_project", lambda _: own)
    monkeypatch.setattr(demo, "Word2Vec", narrow(demo.Word2Vec))
    monkeypatch.setattr(demo, "ALS", narrow(demo.ALS))
    monkeypatch.setattr(demo, "Node2Vec", narrow(demo.Node2Vec))
    monkeypatch.chdir(tmp_path)


def narrow(learner):
    """Return the learner, made with few dims whatever is asked."""

    class Narrow(learner):
        def __new__(cls, **settings):
            few = {"dims": 4, "regularization": 0.1} if learner.__name__ == "ALS" else {"dims": 16}
            return learner(**{**settings, **few, "threads": 1})  # the same each time

    return Narrow


@pytest.mark.parametrize("project", [None, Path("project")])
def test_demo_json_is_whole_and_its_claims_hold(capsys, project):
    """The live item is found, the foreign vector refused, and every scene is told."""
    demo.run_demo(project, Path("out"), as_json=True)
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err == ""
    assert set(told) == {
        "seconds", "items", "search", "word", "modules", "used_together", "why", "recommended",
        "filtered", "live", "refused", "collection", "try",
    }  # fmt: skip
    assert set(told["seconds"]) == {"read", "words", "taste", "modules", "keep"}
    assert told["items"] == len(ITEMS) + (0 if project is None else 2)
    assert told["live"]["found"] == demo.NEW_ID
    assert 1 <= told["live"]["recommended_at"] <= told["live"]["of"]
    assert told["live"]["parts"]["content"] > 0
    assert "foreign" in told["refused"]
    assert told["search"]["hits"][0]["id"] in {"json.dumps", "json.loads"}
    assert all(hit["metadata"]["kind"] == "method" for hit in told["filtered"]["hits"])
    files = [demo.FILE] if project is None else ["./a b.py", "./c.py"]
    assert list(told["recommended"]) == files
    near, linked = ([], []) if project is None else (["my.parse", "json"], ["my.parse", "json"])
    assert told["modules"]["module"] == ("json" if project is None else "my")
    assert sorted(told["modules"]["near"]) == sorted(near)
    assert sorted(told["modules"]["linked"]) == sorted(linked)
    with Collection.open(told["collection"], must_exist=True) as items:
        assert items.info().fields["imports"].vectors == 1 + len(near)


@pytest.mark.parametrize("project", [None, Path("project")])
def test_demo_ends_with_commands_that_work(capsys, tmp_path, project):
    """The three commands run as they are pasted, even where names hold spaces."""
    demo.run_demo(project, Path("my out"), as_json=True)
    commands = json.loads(capsys.readouterr().out)["try"]
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout


@pytest.mark.parametrize("width", [60, 100])
def test_demo_shows_every_scene(capsys, monkeypatch, width):
    """For people: every scene, no line but the commands longer than the window."""
    monkeypatch.setenv("COLUMNS", str(width))
    demo.run_demo(None, Path("out"), as_json=False)
    out = capsys.readouterr().out
    scenes = [
        "✓ learned words",
        'Search "turn',
        "Words near socket",
        "Modules near json",
        "Used together with",
    ]
    scenes += [f"Recommended for {demo.FILE}", "Added my_notes", "Refused, as it must be"]
    assert all(scene in " ".join(out.split()) for scene in scenes)
    told, commands = out.split("Try next:")
    assert all(len(line) <= width for line in told.splitlines())
    assert len(commands.splitlines()) == 4
    assert "\x1b" not in out


def test_demo_replaces_an_earlier_one_and_leaves_nothing_beside(tmp_path):
    """A second demo takes the place of the first; an empty folder may be used too."""
    (tmp_path / "out").mkdir()
    demo.run_demo(None, Path("out"), as_json=True)
    (tmp_path / "out" / "old").touch()
    demo.run_demo(None, Path("out"), as_json=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out" / "old").exists()


def test_demo_refuses_what_no_demo_made(tmp_path):
    """A folder with somebody's files, a file and a link are refused, before any work."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for out in ("mine", "file", "link"):
        with pytest.raises(InputError, match="earlier demo"):
            demo.run_demo(None, Path(out), as_json=True)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("where", ["_learn", "_keep", "_swap"])
def test_demo_interrupted_leaves_the_earlier_one(monkeypatch, tmp_path, where):
    """Ctrl-C while learning, keeping or swapping leaves the earlier demo, and nothing beside it."""
    demo.run_demo(None, Path("out"), as_json=True)
    before = sorted(path for path in (tmp_path / "out").rglob("*"))

    def interrupt(*_):
        raise KeyboardInterrupt

    if where == "_swap":
        rename, renamed = Path.rename, []

        def second_fails(path, target):
            renamed.append(path)
            return interrupt() if len(renamed) == 2 else rename(path, target)

        monkeypatch.setattr(Path, "rename", second_fails)
    else:
        monkeypatch.setattr(demo, where, interrupt)
    with pytest.raises(KeyboardInterrupt):
        demo.run_demo(None, Path("out"), as_json=True)
    assert sorted(path for path in (tmp_path / "out").rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_demo_without_its_file_takes_the_busiest(monkeypatch, capsys):
    """Where the library lacks the file the demo asks for, the two that use most stand in."""
    monkeypatch.setattr(
        demo, "python_library", lambda: library(ITEMS, [f"{n}.py" for n in range(30)])
    )
    demo.run_demo(None, Path("out"), as_json=True)
    assert list(json.loads(capsys.readouterr().out)["recommended"]) == ["0.py", "1.py"]


def test_module_is_json_or_the_best_linked():
    """Json where it is among the first ids that hold a module, else the one with most edges."""
    graph = Graph.from_edges([("a", "b"), ("b", "c"), ("json", "c")])
    assert demo._module(graph, ["a", "b", "json"]) == "json"
    assert demo._module(graph, ["a", "b", "x"]) == "b"
    assert demo._module(graph, ["x"], ["json", "b"]) == "json"
    assert demo._module(graph, ["a"], ["json"]) == "a"
    assert demo._module(graph, ["x"], []) is None
    alone = Graph.from_edges([("json", "json"), ("a", "b")])
    assert demo._module(alone, ["json", "a"]) == "a"  # a node without an edge has no vector


def test_demo_without_a_module_among_the_items_says_so(monkeypatch, capsys):
    """Where no item is a module, none is asked about, and all other scenes are played."""
    functions = {id: text for id, text in ITEMS.items() if "." in id}
    tiny = library(functions, [demo.FILE, *(f"{n}.py" for n in range(30))], (("x", "y"),))
    monkeypatch.setattr(demo, "python_library", lambda: tiny)
    demo.run_demo(None, Path("out"), as_json=False)
    out = capsys.readouterr().out
    assert "No module is an item here" in out
    assert "Refused, as it must be" in out


def test_program_is_what_can_be_pasted(monkeypatch):
    """The name where the shell finds it, else the script that runs, else Python's module."""
    monkeypatch.setattr(demo.shutil, "which", lambda _: "/usr/bin/embedry")
    assert demo._program() == ["embedry"]
    monkeypatch.setattr(demo.shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [".venv/bin/embedry", "demo"])
    assert demo._program() == [".venv/bin/embedry"]
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert demo._program() == [sys.executable, "-m", "embedry"]
