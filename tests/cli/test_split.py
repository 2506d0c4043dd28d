"""The laws of `embedry split`: parts in files that other commands read, and nothing overwritten."""

import json
from itertools import product

import pytest

from embedry.data import splits
from embedry.data.interactions import Interactions

ROWS = [(f"u{u}", f"i{i}", 1 + (u + i) % 5, 100 * u + i) for u, i in product(range(6), range(6))]


@pytest.fixture
def table(tmp_path):
    """Return a file of ratings with times."""
    path = tmp_path / "ratings.csv"
    lines = [",".join(map(str, row)) for row in ROWS]
    path.write_text("\n".join(["userId,movieId,rating,timestamp", *lines, ""]))
    return path


def whole():
    """Return what the file holds."""
    return Interactions.from_triples(*zip(*ROWS, strict=True))


def parts_in(folder):
    """Return the parts that were written, by their names."""
    return {path.stem: pairs_of(Interactions.from_file(path)) for path in folder.iterdir()}


def pairs_of(used):
    """Return users, items and values, in an order of their own."""
    return sorted(zip(*used.triples(), strict=True))


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ([], splits.random_split),
        (["--share", 0.3, "--validation", 0.1, "--seed", 4, "--keep", "users"],
         lambda used: splits.random_split(used, 0.3, validation=0.1, keep="users", seed=4)),
        (["--how", "leave-one-out", "--time", "timestamp", "--validation", 1],
         lambda used: splits.leave_one_out(used, validation=True)),
        (["--how", "leave-one-out", "--by", "random", "--seed", 2],
         lambda used: splits.leave_one_out(used, by="random", seed=2)),
        (["--how", "temporal", "--time", 3, "--share", 0.25, "--validation", 0.1],
         lambda used: splits.temporal_split(used, share=0.25, validation=0.1)),
        (["--how", "cold-items"], splits.cold_items),
        (["--how", "cold-users", "--share", 0.4], lambda used: splits.cold_users(used, 0.4)),
    ],
)  # fmt: skip
def test_split_writes_what_the_library_splits(embedry, table, tmp_path, words, made):
    """The same parts as from Python, each in its file; the counts are told."""
    expected = made(whole())
    facts = json.loads(embedry("split", table, "-o", tmp_path / "parts", *words, "--json").out)
    parts = {"train": expected.train, "validation": expected.validation, "test": expected.test}
    wanted = {name: pairs_of(part) for name, part in parts.items() if part is not None}
    assert parts_in(tmp_path / "parts") == wanted
    assert {name: facts[name] for name in wanted} == {
        name: len(pairs) for name, pairs in wanted.items()
    }
    assert facts["unseen_items"] == expected.unseen["items"]
    assert facts["kept"] == dict(expected.kept)
    assert facts["dropped"] == {"header line": 1}


def test_split_keeps_times_and_takes_likes(embedry, table, tmp_path):
    """Times that were asked for are written; with --least, ratings become likes."""
    words = ["--time", "timestamp", "--least", 3]
    embedry("split", table, "-o", tmp_path / "parts", *words)
    expected = splits.random_split(whole().implicit(3)).test
    found = Interactions.from_file(tmp_path / "parts" / "test.csv", time="time")
    assert pairs_of(found) == pairs_of(expected)
    assert sorted(found.times.tolist()) == sorted(expected.times.tolist())


def test_split_makes_files_that_fit_and_evaluate_read(embedry, table, tmp_path):
    """From one table of ratings to a measured model, by three commands."""
    assert embedry("split", table, "-o", tmp_path / "parts").code == 0
    train, test = (tmp_path / "parts" / f"{name}.csv" for name in ("train", "test"))
    model = tmp_path / "model"
    assert embedry("fit", "popularity", train, "-o", model).code == 0
    facts = json.loads(embedry("evaluate", "recommend", model, test, "--json").out)
    assert facts["users"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--how", "temporal"], "--how temporal needs times. Pass --time"),
        (["--how", "leave-one-out"], "or --by random"),
        (["--how", "leave-one-out", "--by", "random", "--share", 0.3], "--share is not for"),
        (["--how", "leave-one-out", "--by", "random", "--validation", 0.1], "must be 1; got 0.1"),
        (["--by", "random"], "--by is for leave-one-out; got --how random"),
        (["--how", "cold-items", "--keep", "none"], "--keep is for random and leave-one-out"),
        (["--share", 1.5], "share must be a share in (0, 1)"),
        (["--time", "when"], "must have a column 'when'"),
    ],
)
def test_split_refuses_with_one_line(embedry, table, tmp_path, words, message):
    """What a way to split does not take is refused, and nothing is written."""
    done = embedry("split", table, "-o", tmp_path / "parts", *words)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err
    assert not (tmp_path / "parts").exists()


def test_split_writes_over_nothing(embedry, table, tmp_path):
    """A part of another split beside a new one would be a leak, so it is refused; files stay."""
    (tmp_path / "validation.csv").write_text("mine")
    done = embedry("split", table, "-o", tmp_path)
    assert done.code == 1
    assert "must hold no part of a split yet; it holds validation.csv" in done.err
    assert not (tmp_path / "train.csv").exists()
    for folder in (table, tmp_path / "none" / "parts"):
        assert "--out must be a folder" in embedry("split", table, "-o", folder).err


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError("no space left")])
def test_split_stopped_leaves_no_part(embedry, table, tmp_path, monkeypatch, there, stop):
    """Interrupted or failed at the second file, it leaves none, and can be run again."""
    out = tmp_path / "parts"
    if there:
        out.mkdir()
        (out / "notes.txt").write_text("mine")
    written, write = [], Interactions.to_file

    def fails(self, path):
        if written:
            raise stop
        written.append(path)
        write(self, path)

    monkeypatch.setattr(Interactions, "to_file", fails)
    done = embedry("split", table, "-o", out)
    assert done.code != 0
    assert ("no file was written" if stop is KeyboardInterrupt else "no space left") in done.err
    assert [path.name for path in out.iterdir()] == ["notes.txt"] if there else not out.exists()
    monkeypatch.setattr(Interactions, "to_file", write)
    assert embedry("split", table, "-o", out).code == 0
