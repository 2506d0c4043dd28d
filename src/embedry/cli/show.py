"""How answers look: tables for people, JSON for programs.

A hit takes two lines in one column, its id and beneath it what speaks for it, so that both have
room in a narrow window; scores stand left of it and are never cut. What it is not: a place for
logic; everything shown is in the answer already.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedry.store.indexes.text_analysis import analyse, analyse_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from embedry.query import Hit, Hits
    from embedry.store.collection import CollectionInfo
    from embedry.trust.evaluate import (
        AnalogyScore,
        Estimate,
        PairScore,
        RecommendationComparison,
        RecommendationScore,
    )
    from embedry.trust.explain import Explanation

__all__ = [
    "answers",
    "collection_info",
    "console",
    "explanation",
    "explanation_lines",
    "facts",
    "hits",
    "hits_table",
    "plain_hits",
    "print_json",
    "recommendation_comparison",
    "recommendation_score",
    "recommendation_table",
    "recommendations",
    "telling_lines",
    "word_scores",
]

_WIDTH_PIPED = 100
_LONGEST_LINE = 160
_FEW_WORDS = 5
_NO_WORD = re.compile(r"\W+")
_TABLE = ("|", "+")  # rows of a table drawn in text
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")


def console() -> Console:
    """Return the console of standard output; piped, it is 100 columns wide unless COLUMNS says."""
    screen = Console(highlight=False, markup=False, emoji=False)
    if not screen.is_terminal and not os.environ.get("COLUMNS"):
        screen.width = _WIDTH_PIPED
    return screen


def print_json(value: Any) -> None:
    """Print a value as JSON; times as ISO 8601, spreads by their mean, paths as text."""
    from embedry.intervals import Spread

    def plain(value: object) -> object:
        if isinstance(value, Spread):
            deviation = value.deviation if len(value.values) > 1 else None  # JSON has no NaN
            return {"mean": value.mean, "deviation": deviation, "values": value.values}
        return value.isoformat() if isinstance(value, datetime) else str(value)

    screen = console()
    is_ascii = not screen.encoding.startswith("utf")
    screen.print_json(json.dumps(value, default=plain), ensure_ascii=is_ascii)


def facts(title: str, values: Mapping[str, Any], *, as_json: bool) -> None:
    """Show a few named values."""
    if as_json:
        print_json(dict(values))
        return
    table = Table(show_header=False, box=None)
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, _fact(value))
    console().print(Text(_visible(title), style="bold"), table, sep="\n")


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count:,} for {reason}" for reason, count in value.items()) or "none"
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_count else _visible(str(value))


def plain_hits(found: Hits) -> dict[str, Any]:
    """Return hits as JSON-ready values."""
    return {
        "asked": found.asked,
        "hits": [_plain_hit(hit) for hit in found],
        "plan": None if found.plan is None else asdict(found.plan),
        "unknown": list(found.unknown),
    }


def _plain_hit(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.id,
        "score": hit.score,
        "document": hit.document,
        "metadata": dict(hit.metadata),
        "parts": dict(hit.parts),
        "because": [{"id": id, "share": share} for id, share in hit.because],
        "reason": hit.reason,
    }


def telling_lines(found: Hits) -> list[str]:
    """Return the sentence of each document that tells most: why this one, and not its neighbours.

    Parameters
    ----------
    found : Hits

    Returns
    -------
    list of str
        One a hit, at most 160 characters; empty for a hit without a document.

    Notes
    -----
    A sentence tells more if no other hit has it, then if it shares more words with the question,
    those that the id says counting less. Lines that only repeat the id are the last choice.
    """
    told = [_sentences(hit.document or "", str(hit.id)) for hit in found]
    shared = Counter(sentence for sentences in told for sentence in set(sentences))
    wanted = set(analyse_query(found.asked))

    def worth(sentence: str, named: set[str]) -> tuple[bool, int, int]:
        common = wanted & set(analyse(sentence))
        return (shared[sentence] == 1, len(common - named), len(common))

    lines = []
    for hit, sentences in zip(found, told, strict=True):
        named = _named(str(hit.id))
        best = max(sentences, key=lambda one: worth(one, named), default=hit.document or "")
        lines.append(_cut(" ".join(best.split())))
    return lines


def _sentences(document: str, id: str) -> list[str]:
    """Return the sentences of a document, less drawn tables and lines that repeat its id."""
    named = _named(id)
    blocks: list[list[str]] = [[]]
    for line in document.splitlines():
        if line.lstrip().startswith(_TABLE) or line.startswith(id) or set(analyse(line)) <= named:
            blocks.append([])
        else:
            blocks[-1].append(line)
    texts = (" ".join(" ".join(block).split()) for block in blocks)
    return [one for text in texts if text for one in _SENTENCE_END.split(text)]


def _named(id: str) -> set[str]:
    """Return the terms that an id says, as it stands and as separate words."""
    return set(analyse(id)) | set(analyse(_NO_WORD.sub(" ", id)))


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1].rstrip()}…"


def _visible(text: str) -> str:
    """Return a text in which control characters are written out: it cannot steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _table(names: Iterable[str], last: str) -> Table:
    """Return an empty table: numbers that are never cut, and a column that takes what is left."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(last)
    return table


def _add_hit(table: Table, hit: Hit, names: Iterable[str], beneath: str) -> None:
    """Add a hit: score, parts, and its id with a line beneath it."""
    id = Text(_visible(str(hit.id)), style="cyan", overflow="fold")
    line = Text(_visible(beneath), style="dim", no_wrap=True, overflow="ellipsis")
    line.pad_left(2)
    numbers = [hit.score, *(hit.parts[name] for name in names)]
    table.add_row(
        *(f"{number:z.2f}" for number in numbers), Group(id, line) if beneath else Group(id)
    )


def hits_table(found: Hits) -> Table:
    """Return hits as a table: score, its parts, id, and the line that tells most."""
    names = list(found[0].parts) if len(found) else []
    table = _table(["score", *names], "found")
    for hit, line in zip(found, telling_lines(found), strict=True):
        _add_hit(table, hit, names, line)
    return table


def recommendation_table(found: Hits) -> Table:
    """Return recommendations as a table: score, its parts, id, and why in words."""
    names = list(found[0].parts) if len(found) else []
    table = _table(["score", *names], "recommended, because")
    for hit in found:
        _add_hit(table, hit, names, hit.reason.removeprefix("because "))
    return table


def hits(found: Hits, *, as_json: bool) -> None:
    """Show hits, and how they were found."""
    if as_json:
        print_json(plain_hits(found))
        return
    screen = console()
    screen.print(hits_table(found) if len(found) else "Nothing was found.")
    plan = found.plan
    if plan is not None:
        field = f" in {_visible(plan.field)}" if plan.field else ""
        screen.print(f"{plan.mode}{field} ({plan.method}), {plan.passed:,} items could answer")
    _show_unknown(screen, found, "words")


def answers(found: Sequence[tuple[str, Hits]], mended: Mapping[str, int], *, as_json: bool) -> None:
    """Show the answers of a space, each under its title, and what its file had wrong."""
    if as_json:
        print_json({"answers": [plain_hits(hits) for _, hits in found], "mended": dict(mended)})
        return
    screen = console()
    for place, (title, hits) in enumerate(found):
        if place:
            screen.print()
        screen.print(Text(_visible(title), style="bold"))
        screen.print(hits_table(hits) if len(hits) else "Nothing else is there.")
    _show_mended(screen, mended)


def _show_mended(screen: Console, mended: Mapping[str, int]) -> None:
    if mended:
        screen.print(f"mended: {_visible(_fact(mended))}")


def word_scores(
    scores: Mapping[str, PairScore | AnalogyScore], mended: Mapping[str, int], *, as_json: bool
) -> None:
    """Show how a space did on files of questions."""
    if as_json:
        plain = [{"file": file, **_plain_score(score)} for file, score in scores.items()]
        print_json({"scores": plain, "mended": dict(mended)})
        return
    screen = console()
    for file, score in scores.items():
        screen.print(Text(_visible(file), style="bold"))
        for line in str(score).splitlines():
            screen.print(Padding.indent(Text(_visible(line)), 2))
        if score.unknown:
            screen.print(f"  unknown words: {_visible(_some(score.unknown))}")
    _show_mended(screen, mended)


def _plain_score(score: PairScore | AnalogyScore) -> dict[str, Any]:
    """Return a score as JSON-ready values; of analogies, with the share and its interval."""
    from embedry.trust.evaluate import PairScore

    if isinstance(score, PairScore):
        return {"kind": "pairs", **asdict(score)}
    share = {"accuracy": score.accuracy, "interval": asdict(score.interval)}
    return {"kind": "analogies", **share, **asdict(score)}


def recommendation_score(found: RecommendationScore, *, as_json: bool) -> None:
    """Show how good recommendations are."""
    if not as_json:
        _lines(str(found))
        return
    values = {
        "protocol": found.protocol,
        "sampled": found.sampled is not None,
        "users": len(found.users),
        "measures": {name: _plain_estimate(each) for name, each in found.measures.items()},
        "left_out": asdict(found.left_out),
        "tied": found.tied,
        "short": found.short,
        "dropped_negatives": dict(found.dropped_negatives),
    }
    print_json(values)


def recommendation_comparison(found: RecommendationComparison, *, as_json: bool) -> None:
    """Show how two models do for the same users."""
    if not as_json:
        _lines(str(found))
        return
    measures = {
        name: {
            "first": each.first.mean,
            "second": each.second.mean,
            "difference": each.difference,
            "interval": asdict(each.interval),
            "verdict": each.verdict,
        }
        for name, each in found.measures.items()
    }
    values = {
        "protocol": found.protocol,
        "sampled": found.sampled is not None,
        "users": len(found.users),
        "measures": measures,
        "left_out": [asdict(each) for each in found.left_out],
        "unshared": found.unshared,
        "dropped_negatives": dict(found.dropped_negatives),
    }
    print_json(values)


def _plain_estimate(found: Estimate) -> dict[str, Any]:
    """Return a number with its interval as JSON-ready values; JSON has no NaN."""
    interval = None if found.interval is None else asdict(found.interval)
    if math.isnan(found.value):
        return {"value": None, "interval": None, "undefined": found.undefined}
    return {"value": found.value, "interval": interval, "undefined": found.undefined}


def _lines(text: str) -> None:
    """Show lines as they are: a table stays one, the first line stands out."""
    screen = console()
    for place, line in enumerate(text.splitlines()):
        style = "" if place else "bold"
        screen.print(Text(_visible(line), style=style), soft_wrap=True)


def _some(words: Sequence[str]) -> str:
    """Return the first few of some words, and how many are left."""
    more = len(words) - _FEW_WORDS
    return ", ".join(words[:_FEW_WORDS]) + (f" and {more:,} more" if more > 0 else "")


def recommendations(found: Hits, *, as_json: bool) -> None:
    """Show recommendations."""
    if as_json:
        print_json(plain_hits(found))
        return
    screen = console()
    screen.print(recommendation_table(found) if len(found) else "Nothing is left to recommend.")
    _show_unknown(screen, found, "items")


def _show_unknown(screen: Console, found: Hits, what: str) -> None:
    if found.unknown:
        screen.print(f"unknown {what}: {_visible(', '.join(found.unknown))}")
    if found.plan is not None and found.plan.unknown_keys:
        screen.print(f"no item has: {_visible(', '.join(found.plan.unknown_keys))}")


def explanation(found: Explanation, *, as_json: bool) -> None:
    """Show why two items are near."""
    if as_json:
        print_json(asdict(found))
    else:
        console().print(explanation_lines(found))


def explanation_lines(found: Explanation) -> Group:
    """Return the sentences of an explanation, the first as a title, the others set in."""
    first, *others = str(found).splitlines()
    indented = (Padding.indent(Text(_visible(line.strip())), 2) for line in others)
    return Group(Text(_visible(first), style="bold"), *indented)


def collection_info(found: CollectionInfo, *, as_json: bool) -> None:
    """Show what a collection holds."""
    fields = {
        name: {
            "space": str(field.card),
            "vectors": field.vectors,
            "encoder": field.encoder,
            "in_graph": field.in_graph,
        }
        for name, field in found.fields.items()
    }
    values = {
        "path": str(found.path),
        "items": found.items,
        "changes": found.change,
        "megabytes": round(found.bytes_on_disk / 2**20, 1),
    }
    if as_json:
        print_json({**values, "fields": fields, "columns": dict(found.columns)})
        return
    columns = ", ".join(f"{key} ({kind})" for key, kind in found.columns.items())
    facts(Path(found.path).name, {**values, "metadata": columns or "none"}, as_json=False)
    if fields:
        console().print(_fields_table(fields))


def _fields_table(fields: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("field", style="cyan", overflow="fold")
    table.add_column("vectors", justify="right", no_wrap=True)
    table.add_column("encoder", overflow="fold")
    table.add_column("space", overflow="fold")
    for name, field in fields.items():
        encoder = str(field["encoder"] or "-")
        table.add_row(_visible(name), f"{field['vectors']:,}", encoder, field["space"])
    return table
