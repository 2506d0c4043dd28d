"""How answers look: tables for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedry.store.text_analysis import analyse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedry.query import Hit, Hits
    from embedry.store.collection import CollectionInfo
    from embedry.trust.explain import Explanation

__all__ = [
    "collection_info",
    "console",
    "explanation",
    "facts",
    "hits",
    "hits_table",
    "recommendation_table",
    "recommendations",
]

_WIDEST_PIPED = 100
_WIDEST_ID = 44


def console() -> Console:
    """Return the console of standard output; wide enough for a table when piped."""
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_WIDEST_PIPED)
    return screen


def print_json(value: Any) -> None:
    """Print a value as JSON; times as ISO 8601, paths as text."""

    def plain(value: object) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    console().print_json(json.dumps(value, default=plain, ensure_ascii=False))


def facts(title: str, values: Mapping[str, Any], *, as_json: bool) -> None:
    """Show a few named values."""
    if as_json:
        print_json(dict(values))
        return
    table = Table("", "", title=title, show_header=False, title_justify="left", box=None)
    for name, value in values.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    console().print(table)


def best_line(document: str | None, asked: str, width: int = 120) -> str:
    """Return the line of a document that shares most words with what was asked, cut to a width."""
    wanted = set(analyse(asked))
    lines = [" ".join(line.split()) for line in (document or "").splitlines() if line.strip()]
    line = max(lines, key=lambda line: len(wanted & set(analyse(line))), default="")
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def plain_hits(found: Hits) -> dict[str, Any]:
    """Return hits as JSON-ready values."""
    return {
        "asked": found.asked,
        "hits": [plain_hit(hit) for hit in found],
        "plan": None if found.plan is None else asdict(found.plan),
        "unknown": list(found.unknown),
    }


def plain_hit(hit: Hit) -> dict[str, Any]:
    """Return a hit as JSON-ready values."""
    return {
        "id": hit.id,
        "score": hit.score,
        "document": hit.document,
        "metadata": dict(hit.metadata),
        "parts": dict(hit.parts),
        "because": [{"id": id, "share": share} for id, share in hit.because],
    }


def hits_table(found: Hits, title: str = "") -> Table:
    """Return hits as a table: score, its parts, id, beginning of the document."""
    names = list(found[0].parts) if len(found) else []
    table = Table(title=title or None, title_justify="left", title_style="bold", expand=True)
    table.add_column("score", justify="right", min_width=5)
    for name in names:
        table.add_column(name, justify="right", min_width=max(5, len(name)))
    _add_id_column(table, found)
    table.add_column("found in", ratio=1, no_wrap=True, overflow="ellipsis")
    for hit in found:
        parts = [f"{hit.parts[name]:.2f}" for name in names]
        table.add_row(
            f"{hit.score:.2f}",
            *parts,
            Text(str(hit.id)),
            Text(best_line(hit.document, found.asked)),
        )
    return table


def _add_id_column(table: Table, found: Hits) -> None:
    """Let ids keep their width: the other text gives way."""
    longest = max((len(str(hit.id)) for hit in found), default=2)
    table.add_column("id", style="cyan", overflow="fold", min_width=min(longest, _WIDEST_ID))


def hits(found: Hits, *, as_json: bool) -> None:
    """Show hits, and how they were found."""
    if as_json:
        print_json(plain_hits(found))
        return
    screen = console()
    screen.print(hits_table(found))
    plan = found.plan
    if plan is not None:
        field = f" in {plan.field}" if plan.field else ""
        screen.print(f"{plan.mode}{field} ({plan.method}), {plan.passed:,} items could answer")
    if found.unknown:
        screen.print(f"unknown words: {', '.join(found.unknown)}")
    if plan is not None and plan.unknown_keys:
        screen.print(f"no item has: {', '.join(plan.unknown_keys)}")


def recommendation_table(found: Hits, title: str = "") -> Table:
    """Return recommendations as a table: score, its parts, id, and what caused it."""
    table = Table(title=title or None, title_justify="left", title_style="bold", expand=True)
    for name in ("score", "taste", "content"):
        table.add_column(name, justify="right", min_width=max(5, len(name)))
    _add_id_column(table, found)
    table.add_column("because of", ratio=1, no_wrap=True, overflow="ellipsis")
    for hit in found:
        because = ", ".join(f"{id} {share:+.2f}" for id, share in hit.because)
        parts = [f"{hit.parts[name]:.2f}" for name in ("taste", "content")]
        table.add_row(f"{hit.score:.2f}", *parts, Text(str(hit.id)), Text(because))
    return table


def recommendations(found: Hits, *, as_json: bool) -> None:
    """Show recommendations."""
    if as_json:
        print_json(plain_hits(found))
        return
    screen = console()
    screen.print(recommendation_table(found))
    if found.unknown:
        screen.print(f"unknown items: {', '.join(found.unknown)}")


def explanation(found: Explanation, *, as_json: bool) -> None:
    """Show why two items are near."""
    if as_json:
        print_json(asdict(found))
    else:
        console().print(Text(str(found)))


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
    facts(str(Path(found.path).name), values, as_json=False)
    table = Table("field", "space", "vectors", "encoder")
    for name, field in fields.items():
        row = (name, str(field["space"]), f"{field['vectors']:,}", str(field["encoder"] or "-"))
        table.add_row(*map(Text, row))
    columns = ", ".join(f"{key} ({kind})" for key, kind in found.columns.items())
    console().print(table, f"metadata: {columns or 'none'}", sep="\n")
