"""The laws of what people see: nothing overflows, no score is cut, no terminal is steered."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from embedry.cli import show
from embedry.query import Hit, Hits, Plan

DUMPS = "json dumps\nJSON as text.\njson.dumps(obj)\nTurn an object into text.\n\nMore."
LONG = "email.mime.application.MIMEApplication.add_header"
FOUND = Hits(
    (
        Hit("json.dumps", 0.93, DUMPS, parts=MappingProxyType({"content": 0.54, "text": 0.39}),
            because=(("pathlib.Path", 0.08),)),
        Hit(LONG, -12345.678, "Add a header.\nJSON as text.",
            parts=MappingProxyType({"content": -1.5, "text": 0.0})),
        Hit(7, 0.1, None, parts=MappingProxyType({"content": 0.1, "text": 0.0})),
    ),
    "'turn an object into json text'",
    Plan("hybrid", "content", "hnsw + exact tail + bm25", 12345, unknown_keys=("year",)),
    ("zyzzyva",),
)  # fmt: skip
RECOMMENDED = Hits(
    tuple(
        Hit(
            *(hit.id, hit.score),
            parts={"taste": 0.5, "content": -0.001},
            because=(("pathlib.Path", 0.083), (LONG, -0.01)),
            reason=f"because you used pathlib.Path and {LONG}; content 0.41 similar to {LONG}",
        )
        for hit in FOUND
    )
)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("screen", ["hits", "recommendations"])
def test_tables_fit_the_width_and_cut_no_number(capsys, monkeypatch, width, screen):
    """At each width no line is longer, each score and part is whole, and ids can be read."""
    monkeypatch.setenv("COLUMNS", str(width))
    found = FOUND if screen == "hits" else RECOMMENDED
    getattr(show, screen)(found, as_json=False)
    out = capsys.readouterr().out
    assert all(cell_len(line) <= width for line in out.splitlines())
    assert all(f"{hit.score:.2f}" in out for hit in found)
    assert all(f"{part:z.2f}" in out for hit in found for part in hit.parts.values())
    assert "json.dumps" in out
    assert LONG in "".join(line[-(width - 25) :].strip() for line in out.splitlines())
    assert "-0.00" not in out


def test_tables_do_not_stretch_for_short_answers(capsys, monkeypatch):
    """A wide window does not tear a short answer apart."""
    monkeypatch.setenv("COLUMNS", "200")
    show.hits(FOUND, as_json=False)
    table = capsys.readouterr().out.splitlines()[:-3]
    assert max(map(len, table)) <= 80


def test_console_piped_is_100_wide_unless_told(monkeypatch):
    """Piped, the width is COLUMNS, else 100."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert show.console().width == 100
    monkeypatch.setenv("COLUMNS", "72")
    assert show.console().width == 72


def test_hits_say_how_they_were_found(capsys):
    """Below the table stand the plan, unknown words and unknown keys."""
    show.hits(FOUND, as_json=False)
    out = " ".join(capsys.readouterr().out.split())
    assert "hybrid in content (hnsw + exact tail + bm25), 12,345 items could answer" in out
    assert "unknown words: zyzzyva" in out
    assert "no item has: year" in out


def test_telling_lines_tell_what_the_id_and_the_others_do_not():
    """Lines that repeat the id, and lines that other hits have too, are the last choice."""
    assert show.telling_lines(FOUND) == ["Turn an object into text.", "Add a header.", ""]


def test_telling_lines_prefer_words_that_were_asked():
    """Among lines of its own, the one that shares most words with the question is told."""
    text = "Nothing here. It counts dragons in\na castle.\n| dragons | drawn |\n\nDragons sleep."
    found = Hits((Hit("b1", 1.0, text),), "'count the dragons of a castle'")
    assert show.telling_lines(found) == ["It counts dragons in a castle."]


@pytest.mark.parametrize("document", ["b1", "b1\nb1(x)", "|---|", "one " * 100])
def test_telling_lines_always_tell_something_short(document):
    """Where there is nothing but the id, that is told; what is long is cut."""
    line = show.telling_lines(Hits((Hit("b1", 1.0, document),), "'x'"))[0]
    assert 0 < len(line) <= 160
    assert len(document) <= 160 or line.endswith("…")


@given(
    id=st.text(max_size=80), document=st.none() | st.text(max_size=300), width=st.integers(40, 120)
)
@settings(max_examples=60, deadline=None)
def test_tables_hold_any_text(id, document, width):
    """Any id and document can be shown; no line is too long, no control character comes through."""
    from rich.console import Console

    found = Hits((Hit(id, 0.5, document, because=((id, 0.1),)),), repr(document))
    screen = Console(width=width, record=True, file=Path("/dev/null").open("w"), markup=False)  # noqa: SIM115
    with screen.file:
        screen.print(show.hits_table(found))
        out = screen.export_text()
    assert all(cell_len(line) <= width for line in out.split("\n"))
    assert all(c.isprintable() for c in out.replace("\n", ""))


def test_text_cannot_steer_the_terminal(capsys):
    """Escape codes and markup in data are shown as text."""
    hits = (Hit("\x1b[31mred", 1.0, "a \x1b]0;title\x07 [bold]b[/bold] :smile:, [/oops]"),)
    show.hits(Hits(hits, "'x'", None, ("[/b]\x1b",)), as_json=False)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
    assert "[bold]b[/bold] :smile:, [/oops]" in out
    assert "unknown words: [/b]\\x1b" in out


def test_json_holds_times_paths_and_any_letter(capsys):
    """Times are ISO 8601, paths text, letters themselves; long lines stay whole."""
    value = {"time": datetime(2024, 5, 1, tzinfo=UTC), "path": Path("a/b"), "text": "東京 " * 200}
    show.print_json(value)
    parsed = json.loads(capsys.readouterr().out)
    assert parsed == {"time": "2024-05-01T00:00:00+00:00", "path": "a/b", "text": "東京 " * 200}


def test_plain_hits_keep_everything():
    """The JSON form holds every field of hits and plan."""
    plain = show.plain_hits(FOUND)
    assert plain["hits"][0] == {
        "id": "json.dumps", "score": 0.93, "document": FOUND[0].document, "metadata": {},
        "parts": {"content": 0.54, "text": 0.39},
        "because": [{"id": "pathlib.Path", "share": 0.08}],
        "reason": "",
    }  # fmt: skip
    assert plain["plan"]["unknown_keys"] == ("year",)
    assert plain["unknown"] == ["zyzzyva"]
    assert show.plain_hits(Hits(()))["plan"] is None


def test_facts_show_counts_and_reasons(capsys):
    """Numbers have separators, mappings of counts read as reasons, truth is no number."""
    show.facts("[t]", {"n": 12345, "yes": True, "dropped": {"zero": 2}, "no": {}}, as_json=False)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "[t]"
    assert all(text in out for text in ("12,345", "True", "2 for zero", "none"))
