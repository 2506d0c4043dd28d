"""The commands `embedry words ...`: ask a space of words, or of anything that has names."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from embedry.cli import arguments, show
from embedry.cli.spaces import Format, FormatName, Mend, ModelFile, Space, open_space
from embedry.errors import InputError

if TYPE_CHECKING:
    from embedry.query import Hits
    from embedry.trust.evaluate import AnalogyScore, PairScore

__all__ = ["app"]

app = typer.Typer(help="Ask what lies near what.", no_args_is_help=True)


class Kind(StrEnum):
    """What a file of questions may hold."""

    AUTO = "auto"
    PAIRS = "pairs"
    ANALOGIES = "analogies"


@app.command()
def nearest(
    model: ModelFile,
    words: Annotated[
        list[str] | None, typer.Argument(help="Each is asked about on its own.")
    ] = None,
    like: Annotated[list[str] | None, typer.Option(help="Near this one; may be repeated.")] = None,
    unlike: Annotated[list[str] | None, typer.Option(help="Far from this; repeatable.")] = None,
    k: arguments.HowMany = 10,
    form: FormatName = Format.AUTO,
    mend: Mend = False,
    as_json: arguments.AsJson = False,
) -> None:
    """Show what lies nearest to words, or to examples.

    A word that was not learned is placed by its n-grams, where the model has
    them.
    """
    if bool(words) == bool(like or unlike):
        raise InputError("Pass words, or --like and --unlike, and not both.")
    space = open_space(model, form, mend=mend)
    if words:
        answers = [_near(space, word, k) for word in words]
    else:
        wanted, unwanted = ([space.known(word) for word in some or ()] for some in (like, unlike))
        found = space.embeddings.nearest(like=wanted, unlike=unwanted, k=k)
        answers = [(f"Near what is {found.asked}", found)]
    show.answers(answers, space.embeddings.mended, as_json=as_json)


def _near(space: Space, word: str, k: int) -> tuple[str, Hits]:
    id = space.known(word)
    placed = None if id in space.embeddings else space.placed(word)
    if placed is None:
        return f"Near {id}", space.embeddings.nearest(id=id, k=k)
    asked = f"{word}, placed by its n-grams"
    found = space.embeddings.nearest(vector=placed, k=k)
    return f"Near {asked}", replace(found, asked=asked)


@app.command()
def analogy(
    model: ModelFile,
    a: Annotated[str, typer.Argument(help="As a is to b, ...")],
    b: Annotated[str, typer.Argument(help="... as to this ...")],
    c: Annotated[str, typer.Argument(help="... so is c to what?")],
    method: Annotated[str, typer.Option(help="add or multiply.")] = "add",
    k: arguments.HowMany = 10,
    form: FormatName = Format.AUTO,
    mend: Mend = False,
    as_json: arguments.AsJson = False,
) -> None:
    """Show what is to C as B is to A."""
    space = open_space(model, form, mend=mend)
    first, second, third = (space.known(word) for word in (a, b, c))
    found = space.embeddings.analogy(first, second, third, k=k, method=method)  # type: ignore[arg-type]
    title = f"What is to {third} as {second} is to {first}"
    show.answers([(title, found)], space.embeddings.mended, as_json=as_json)


@app.command()
def odd(
    model: ModelFile,
    words: Annotated[list[str], typer.Argument(help="Three or more.")],
    form: FormatName = Format.AUTO,
    mend: Mend = False,
    as_json: arguments.AsJson = False,
) -> None:
    """Show which of some words fits least with the others, it first."""
    space = open_space(model, form, mend=mend)
    found = space.embeddings.odd_one_out([space.known(word) for word in words])
    title = "From what fits least to what fits best"
    show.answers([(title, found)], space.embeddings.mended, as_json=as_json)


@app.command()
def evaluate(
    model: ModelFile,
    files: Annotated[
        list[Path], typer.Argument(help="Graded pairs of words, or analogies; told by content.")
    ],
    kind: Annotated[Kind, typer.Option("--kind", help="What FILES hold.")] = Kind.AUTO,
    columns: Annotated[
        str, typer.Option(help="Of both words and the grade; 0,1,3 for SimLex-999.")
    ] = "0,1,2",
    most_frequent: Annotated[
        int, typer.Option(help="Analogies among so many first words; 0 for all.")
    ] = 30_000,
    form: FormatName = Format.AUTO,
    mend: Mend = False,
    as_json: arguments.AsJson = False,
) -> None:
    """Measure how well a space ranks graded pairs of words, and answers analogies."""
    places = _three_places(columns)
    kinds = [_told(file) if kind is Kind.AUTO else kind for file in files]
    space = open_space(model, form, mend=mend)
    scores: dict[str, PairScore | AnalogyScore] = {}
    for file, what in zip(files, kinds, strict=True):
        scores[str(file)] = (
            _score_pairs(space, file, places)
            if what is Kind.PAIRS
            else _score_analogies(space, file, most_frequent)
        )
    show.word_scores(scores, space.embeddings.mended, as_json=as_json)


def _three_places(columns: str) -> tuple[int, int, int]:
    places = arguments.as_columns(columns)
    if places is None or len(places) != 3 or not all(isinstance(place, int) for place in places):
        raise InputError(f"--columns must be three numbers, such as 0,1,2; got {columns!r}.")
    return places[0], places[1], places[2]  # type: ignore[return-value]


def _score_pairs(space: Space, file: Path, columns: tuple[int, int, int]) -> PairScore:
    from embedry.trust.evaluate import read_word_pairs, word_pairs

    return word_pairs(space.embeddings, read_word_pairs(file, columns=columns))


def _score_analogies(space: Space, file: Path, most_frequent: int) -> AnalogyScore:
    from embedry.trust.evaluate import analogies, read_analogies

    return analogies(space.embeddings, read_analogies(file), most_frequent=most_frequent or None)


def _told(file: Path) -> Kind:
    from embedry.trust.evaluate.words.questions import holds_analogies

    return Kind.ANALOGIES if holds_analogies(file) else Kind.PAIRS
