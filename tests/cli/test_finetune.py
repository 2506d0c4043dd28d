"""The laws of `embedry finetune`: the library's answer, and nothing left when it is stopped."""

import json

import pytest
from tests.learn.finetune.fake import stand_in

from embedry.learn.finetune.tuning import finetune

PAIRS = [(f"q{n}", f"a{n}") for n in range(200)]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["query,passage", *map(",".join, PAIRS), ""]))
    return path


@pytest.fixture
def model(monkeypatch):
    return stand_in(monkeypatch)


def test_finetune_json_is_the_librarys_answer(embedry, model, table, tmp_path):
    """What came before and after, to the digit; the folder is there."""
    out = tmp_path / "out"
    told = ("--seed", "3", "--matryoshka", "4,8", "--held-out", "0.2")
    done = embedry("finetune", "base", table, "-o", out, *told, "--json")
    assert (done.code, done.err) == (0, "")
    expected = finetune(
        "base", PAIRS, tmp_path / "other", seed=3, matryoshka=[4, 8], held_out=0.2
    ).to_dict()
    assert json.loads(done.out) == {**expected, "path": str(out)}
    assert (out / "model.safetensors").exists()


def test_finetune_says_in_words_what_changed(embedry, model, table, tmp_path):
    """A fall is said where the answer is, too."""
    model.before, model.after = 0.3, 1.0
    done = embedry("finetune", "base", table, "-o", tmp_path / "out")
    assert done.code == 0
    assert "180 rows learned, 20 held out" in done.out
    assert "Fine-tuning made it worse. nDCG@10, 16 dims" in done.out


def test_finetune_measures_on_a_file(embedry, model, table, tmp_path):
    """Nothing of the table is held out then; a leak is refused."""
    held = tmp_path / "held.csv"
    held.write_text("q900,a900\nq901,a901\nq902,a902\n")
    told = ("--held-out-file", held, "-o", tmp_path / "out")
    assert "200 rows learned, 3 held out" in embedry("finetune", "base", table, *told).out
    held.write_text("q900,a900\nq1,a901\nq902,a902\n")
    told = ("--held-out-file", held, "-o", tmp_path / "other")
    assert "of 1 of 3 held-out rows is among" in embedry("finetune", "base", table, *told).err


def test_finetune_interrupted_says_that_nothing_was_written(embedry, model, table, tmp_path):
    """Exit code 130, and no folder."""
    model.error = KeyboardInterrupt()
    done = embedry("finetune", "base", table, "-o", tmp_path / "out")
    assert (done.code, done.err) == (130, "embedry: interrupted; no folder was written\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("--matryoshka", "few"), "--matryoshka must be dims"),
        (("--batch", "1"), "batch must be an int"),
        (("--columns", "0,7"), "columns must be in the first line"),
    ],
)
def test_finetune_refuses_with_one_line(embedry, model, table, tmp_path, told, message):
    """What must hold, on standard error."""
    done = embedry("finetune", "base", table, "-o", tmp_path / "out", *told)
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
