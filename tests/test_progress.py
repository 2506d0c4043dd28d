"""Progress: a bar in a terminal, nothing when piped."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from embedry.progress import bar, progress


class Terminal(io.StringIO):
    """Standard error of somebody who looks at it."""

    def isatty(self):
        return True


@pytest.fixture
def look(monkeypatch):
    """Return what puts a terminal in the place of standard error, for the rest of the test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def start():
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        return terminal

    return start


@pytest.mark.parametrize("make", [list, tuple, iter, lambda items: (item for item in items)])
def test_progress_yields_all_in_order(make):
    """The items are those that came, with or without a length."""
    assert list(progress(make([3, 1, 2]), "Counting")) == [3, 1, 2]


def test_progress_in_a_terminal_shows_and_yields(look, capsys):
    """With a terminal the bar is drawn, on standard error alone."""
    terminal = look()
    assert list(progress(range(5), "Counting sheep")) == list(range(5))
    assert "Counting sheep" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_bar_in_a_terminal_may_have_no_end(look):
    """Work of unknown length can be shown, in steps of any size."""
    terminal = look()
    with bar("Waiting") as advance:
        advance()
        advance(0.5)
    assert "Waiting" in terminal.getvalue()


def test_bar_when_piped_shows_nothing(monkeypatch):
    """Without a terminal nothing is written, whatever is advanced."""
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stderr", piped)
    with bar("Counting", 2) as advance:
        advance()
        advance(5)
    assert piped.getvalue() == ""


def test_bar_passes_errors_on(look):
    """An error in the block comes out as it is."""
    look()
    with pytest.raises(ZeroDivisionError), bar("Dividing", 1):
        1 / 0  # noqa: B018


def test_progress_when_piped_does_not_load_rich():
    """rich is loaded only when a bar is really shown."""
    code = (
        "import sys; from embedry.progress import progress; "
        "list(progress([1], 'x')); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
