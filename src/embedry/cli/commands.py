"""The commands: a few lines each, without logic of their own."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embedry import __version__
from embedry.cli import encode, evaluate, finetune, fit, show, split, words
from embedry.cli.arguments import AsJson, CollectionPath, HowMany, known_id
from embedry.cli.encode import EncoderName, Precision, named_encoder
from embedry.cli.spaces import Format, FormatName, Mend, open_space
from embedry.cli.taste import (
    KnownItems,
    Taste,
    as_weights,
    content_field,
    open_taste,
    taste_beside,
)
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


__all__ = ["app"]

app = typer.Typer(
    name="embedry",
    help="Learn, keep, use and trust embeddings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(split.split)
app.command()(encode.encode)
app.command()(finetune.finetune)
app.add_typer(fit.app, name="fit")
app.add_typer(words.app, name="words")
app.add_typer(evaluate.app, name="evaluate")

Where = Annotated[
    str | None, typer.Option(help='A filter in JSON, such as \'{"kind": "function"}\'.')
]
FieldName = Annotated[str | None, typer.Option(help="The vector field to use.")]


@app.callback(invoke_without_command=True)
def embedry(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Learn, keep, use and trust embeddings."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(
    project: Annotated[
        Path | None, typer.Argument(help="Your own Python project; else the Python library.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to keep what is made.")] = Path("embedry-demo"),
    as_json: AsJson = False,
) -> None:
    """Learn from the Python sources on this machine, keep, search, recommend, explain.

    Takes about a minute and touches no network. With PROJECT, it recommends names that the
    files of your own project would want.
    """
    from embedry.cli.demo import run_demo

    run_demo(project, out, as_json=as_json)


@app.command(name="add-field")
def add_field(
    collection: CollectionPath,
    name: Annotated[str, typer.Argument(help="How searches will call the field.")],
    model: Annotated[
        Path | None,
        typer.Argument(help="What fit, encode or save wrote; or .vec, .txt, .bin or .parquet."),
    ] = None,
    encoder: EncoderName = None,
    missing: Annotated[
        str, typer.Option(help="Ids that the collection lacks: error, skip or create.")
    ] = "error",
    as_items: Annotated[
        bool, typer.Option("--as-items", help="Also of Word2Vec: its words are the items.")
    ] = False,
    form: FormatName = Format.AUTO,
    mend: Mend = False,
    as_json: AsJson = False,
) -> None:
    """Put what was learned, or an encoder of text, into a collection, as a field of it.

    Word2Vec, and what --encoder names, places the documents that are there and
    that will come; of all others each id is an item. With --missing create, a
    collection that is not there is made.
    """
    from embedry.learn.word2vec import Word2Vec
    from embedry.store.collection import Collection

    if model is None or encoder is not None:
        if model is not None or encoder is None:
            raise InputError("Pass exactly one of a model file and --encoder.")
        _add_encoder(collection, name, encoder, as_json=as_json)
        return
    space = open_space(model, form, mend=mend)
    words = None if as_items or not isinstance(space.model, Word2Vec) else space.model
    if words is not None and missing != "error":
        raise InputError("--missing is for ids, and Word2Vec places documents. Pass --as-items.")
    is_new = missing == "create" and not collection.exists()
    with (
        _undone(collection if is_new else None),
        Collection.open(collection, must_exist=missing != "create") as items,
    ):
        done = items.add_field(
            name,
            encoder=words,
            embeddings=None if words else space.embeddings,
            missing=missing,  # type: ignore[arg-type]  # checked by the collection
        )
        facts = {
            "field": name,
            "space": str(space.embeddings.card),
            **asdict(done),
            "items": len(items),
            "mended": dict(space.embeddings.mended),
        }
    show.facts(f"Added {name} to {collection.name}", facts, as_json=as_json)


def _add_encoder(collection: Path, name: str, encoder: str, *, as_json: bool) -> None:
    from embedry.store.collection import Collection

    with Collection.open(collection, must_exist=True) as items:
        done = items.add_field(name, encoder=named_encoder(encoder, Precision.AUTO, None))
        facts = {
            "field": name,
            "space": str(items.field(name).card),
            **asdict(done),
            "items": len(items),
        }
    show.facts(f"Added {name} to {collection.name}", facts, as_json=as_json)


@contextmanager
def _undone(folder: Path | None) -> Iterator[None]:
    """Take away a folder that was made for nothing, where what is done within fails."""
    try:
        yield
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise


@app.command()
def search(
    collection: CollectionPath,
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    field: FieldName = None,
    k: HowMany = 10,
    where: Where = None,
    mode: Annotated[str, typer.Option(help="auto, dense, text or hybrid.")] = "auto",
    id: Annotated[str | None, typer.Option("--id", help="Near this item instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search a collection by text, or for what lies near an item."""
    from embedry.store.collection import Collection

    with Collection.open(collection, must_exist=True) as items:
        found = items.search(
            query,
            field=field,
            k=k,
            where=_parsed(where),
            mode=mode,  # type: ignore[arg-type]  # checked by the collection
            id=None if id is None else known_id(items, id),
        )
    show.hits(found, as_json=as_json)


@app.command()
def recommend(
    collection: CollectionPath,
    user: Annotated[str | None, typer.Argument(help="A user that taste was learned from.")] = None,
    taste: Taste = None,
    content: Annotated[
        str | None, typer.Option(help="The field that says what items are about.")
    ] = None,
    popularity: Annotated[
        bool, typer.Option("--popularity", help="Count how many have used an item, too.")
    ] = False,
    weights: Annotated[
        str | None, typer.Option(help="What each part counts, such as taste=0.7,content=0.3.")
    ] = None,
    history: Annotated[
        list[str] | None, typer.Option(help="An item used, instead of a user; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="An item to leave out; may be repeated.")
    ] = None,
    k: HowMany = 10,
    where: Where = None,
    diversity: Annotated[float, typer.Option(help="0 to 1: how little alike hits are.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Recommend items by taste and content, with the parts of each score.

    CONTENT defaults to the only field with an encoder; where none has one, taste
    counts alone. With --popularity and nobody named, what is popular.
    """
    from embedry.store.collection import Collection
    from embedry.use.recommend import Recommender

    counts = as_weights(weights)
    by_history = bool(history) or (user is None and popularity)
    if by_history == (user is not None):
        raise InputError(
            "Pass exactly one of USER and --history; for anybody pass neither, and --popularity."
        )
    with Collection.open(collection, must_exist=True) as items:
        model = open_taste(_taste_file(collection, taste))
        recommender = Recommender(
            items,
            taste=model,
            content=content_field(items, model, content),
            popularity=popularity or None,
            weights=counts,
        )
        known = KnownItems(items, model)
        found = recommender.recommend(
            None if user is None else known_id(model.interactions_.user_ids, user),
            history=[known_id(known, name) for name in history or ()] if by_history else None,
            exclude=[known_id(known, name) for name in exclude or ()],
            k=k,
            where=_parsed(where),
            diversity=diversity,
        )
    show.recommendations(found, as_json=as_json)


@app.command()
def explain(
    collection: CollectionPath,
    first: Annotated[str, typer.Argument(help="The id of an item.")],
    second: Annotated[str, typer.Argument(help="The id of another.")],
    taste: Taste = None,
    as_json: AsJson = False,
) -> None:
    """Say why two items are near: fields, words, and who used both."""
    from embedry.store.collection import Collection
    from embedry.trust.explain import explain as explained

    beside = taste_beside(collection)
    path = taste or (beside if beside.exists() else None)
    with Collection.open(collection, must_exist=True) as items:
        found = explained(
            items,
            known_id(items, first),
            known_id(items, second),
            taste=None if path is None else open_taste(path),
        )
    show.explanation(found, as_json=as_json)


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A collection, a model or embeddings.")],
    as_json: AsJson = False,
) -> None:
    """Say what a collection or a file holds."""
    from embedry.learn.modelfile import describe
    from embedry.store.collection import Collection

    if path.is_dir():
        with Collection.open(path, must_exist=True) as items:
            show.collection_info(items.info(), as_json=as_json)
    else:
        show.facts(str(path), describe(path), as_json=as_json)


def _parsed(where: str | None) -> Mapping[str, object] | None:
    if where is None:
        return None
    try:
        parsed = json.loads(where)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--where must be JSON, such as '{{\"year\": 1990}}'; {error}.") from error
    if not isinstance(parsed, dict):
        raise InputError(
            f"--where must be a JSON object, such as '{{\"year\": 1990}}'; got {where}."
        )
    return parsed


def _taste_file(collection: Path, taste: Path | None) -> Path:
    path = taste or taste_beside(collection)
    if not path.exists():
        raise InputError(
            f"There must be a model of taste; there is no {path}. Make one with embedry fit als or "
            "another, and pass it as --taste."
        )
    return path
