"""The laws of the front door: exit codes, one line of refusal, clean output."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest

import embedry
from embedry.cli import commands, main
from embedry.errors import CollectionError, InputError, MissingExtraError, UnknownIdError

PYTHON = [sys.executable, "-m", "embedry"]


def called(*words, **more):
    """Run the command in a process of its own."""
    return subprocess.run(
        [*PYTHON, *map(str, words)], capture_output=True, text=True, check=False, **more
    )


def test_main_version_is_printed():
    """``python -m embedry --version`` prints the version alone."""
    done = called("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{embedry.__version__}\n", "")


@pytest.mark.parametrize(
    "words",
    [(), ("demo",), ("fit",), ("fit", "word2vec"), ("fit", "als"), ("fit", "bpr"),
     ("fit", "itemknn"), ("fit", "popularity"), ("search",),
     ("recommend",), ("explain",), ("info",)],
)  # fmt: skip
def test_main_help_of_each_command(embedry, words):
    """Each command has a help that ends well and names it."""
    done = embedry(*words, "--help")
    assert done.code == 0
    assert f"Usage: embedry {' '.join(words)}".strip() in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    "words",
    [("bogus",), ("search",), ("search", "x", "y", "--k", "many"), ("info", "x", "--no-such"),
     ("fit", "als", "table.csv")],
)  # fmt: skip
def test_main_wrong_command_line_is_2(embedry, words):
    """A command line that cannot be read ends with 2 and says so on standard error."""
    done = embedry(*words)
    assert done.code == 2
    assert done.out == ""
    assert "Usage" in done.err or "Error" in done.err


@pytest.mark.parametrize(
    "error",
    [
        InputError("k must be at least 1;\n  got 0."),
        UnknownIdError("There is no id 'x'.", ids=["x"]),
        CollectionError("It is locked.", path="x"),
        MissingExtraError("This", extra="text"),
        PermissionError(13, "Permission denied", "x"),
        FileNotFoundError("There is no file x."),
    ],
)
def test_main_refusal_is_one_line_and_1(embedry, monkeypatch, error):
    """Every error of Embedry, and every OSError, ends with 1 and one line on standard error."""

    def refuse(**_):
        raise error

    monkeypatch.setattr(commands, "app", refuse)
    done = embedry("info", "x")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"embedry: {' '.join(str(error).split())}\n"


def test_main_interrupt_is_130(embedry, monkeypatch):
    """Ctrl-C ends with 130 and one line, wherever it strikes."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("embedry.learn.modelfile.describe", interrupt)
    done = embedry("info", __file__)
    assert done.code == 130
    assert done.err == "embedry: interrupted; what was acknowledged is kept\n"
    monkeypatch.setattr(commands, "app", interrupt)
    assert embedry("info", "x").code == 130


TELLS_WHEN_IT_LEARNS = """
import signal

# a shell that runs the tests in the background has its children ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)

from embedry.cli.main import main
from embedry.learn.word2vec import Word2Vec

train = Word2Vec._train

def told(self, *what):
    print("learning", flush=True)
    return train(self, *what)

Word2Vec._train = told
main()
"""


def test_main_sigint_ends_a_running_fit(tmp_path):
    """SIGINT while words are learned ends the process with 130; nothing is left behind."""
    text, out = tmp_path / "text.txt", tmp_path / "words.model"
    text.write_text("the cat sat on the mat with the dog\n" * 20_000)
    words = ["fit", "word2vec", text, "--out", out, "--epochs", "100000", "--threads", "1"]
    command = [sys.executable, "-c", TELLS_WHEN_IT_LEARNS, *map(str, words)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "learning\n"
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        try:
            out_text, err_text = running.communicate(timeout=60)
        finally:
            running.kill()  # what did not end by itself must not be waited for
    assert running.returncode == 130
    assert out_text == ""
    assert err_text == "embedry: interrupted; no file was written\n"
    assert [file.name for file in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize(
    "words",
    [["search", "{}", "old bicycle"], ["recommend", "{}", "ann"], ["explain", "{}", "b1", "b2"],
     ["info", "{}"], ["search", "{}", "old bicycle", "--json"], ["--help"]],
)  # fmt: skip
def test_main_piped_output_is_plain(shelf, words):
    """Piped, nothing holds an escape code or a progress bar."""
    env = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "COLUMNS"}}
    done = called(*(word.format(shelf) for word in words), env=env)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_main_ascii_output_escapes_what_it_lacks(shelf, more):
    """A stream that knows ASCII alone gets escapes, and no failure."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = called("search", shelf, "bicycle café", *more, env=env)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.isascii()
    assert "caf\\" in done.stdout


def test_main_stream_that_is_no_file_is_left_alone():
    """What is no text stream over bytes is not touched."""
    text = io.StringIO("kept")
    for stream in (None, text):
        main._accept_any_text(stream)
    text.write("café")
    assert (text.getvalue(), text.errors) == ("café", None)
