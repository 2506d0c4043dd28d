"""The commands: a few lines each, without logic of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embedry import __version__
from embedry.cli import show
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from embedry.ids import Id
    from embedry.store.collection import Collection

__all__ = ["app"]

app = typer.Typer(
    name="embedry",
    help="Learn, keep, use and trust embeddings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
fit = typer.Typer(help="Learn a space from your data.", no_args_is_help=True)
app.add_typer(fit, name="fit")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
CollectionPath = Annotated[Path, typer.Argument(help="The directory of the collection.")]
HowMany = Annotated[int, typer.Option("--k", "-k", help="How many to show.")]
Where = Annotated[
    str | None, typer.Option(help='A filter in JSON, such as \'{"kind": "function"}\'.')
]
FieldName = Annotated[str | None, typer.Option(help="The vector field to use.")]
Taste = Annotated[Path | None, typer.Option(help="A model that fit als wrote.")]

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
_TASTE = "taste.embedry-model"


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


@fit.command()
def word2vec(
    text: Annotated[Path, typer.Argument(help="UTF-8 text, a sentence a line; .gz is unpacked.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file to write.")],
    dims: Annotated[int, typer.Option(help="The width of a vector.")] = 100,
    window: Annotated[int, typer.Option(help="Words predicted on each side, at most.")] = 5,
    negative: Annotated[int, typer.Option(help="Random words told from each true one.")] = 5,
    min_count: Annotated[int, typer.Option(help="Rarer words are left out.")] = 5,
    epochs: Annotated[int, typer.Option(help="Times through the text.")] = 5,
    seed: Annotated[int, typer.Option(help="For the random numbers.")] = 0,
    threads: Annotated[int | None, typer.Option(help="1 gives the same bytes each time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Learn a vector for each word of a text."""
    from embedry.data.corpus import Corpus
    from embedry.learn.word2vec import Word2Vec

    _check_folder_of(out)
    corpus = Corpus.from_file(text)
    words = Word2Vec(
        dims,
        window=window,
        negative=negative,
        min_count=min_count,
        epochs=epochs,
        seed=seed,
        threads=threads,
    ).fit(corpus)
    words.save(out)
    facts = {
        "words": len(words.embeddings_),
        "tokens": corpus.token_count,
        "left_out": words.left_out_,
        "empty_lines": corpus.empty_lines,
        "undecodable": corpus.undecodable,
        "file": str(out),
    }
    show.facts(f"Learned {len(words.embeddings_):,} words", facts, as_json=as_json)


@fit.command()
def als(
    table: Annotated[Path, typer.Argument(help="User, item and perhaps value, a pair a line.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file to write.")],
    dims: Annotated[int, typer.Option(help="The width of a vector.")] = 64,
    regularization: Annotated[float | None, typer.Option(help="Larger: tastes more alike.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Confidence is 1 + alpha * value.")] = None,
    iterations: Annotated[int, typer.Option(help="Times both sides are solved.")] = 15,
    seed: Annotated[int, typer.Option(help="For the random numbers.")] = 0,
    threads: Annotated[int | None, typer.Option(help="The cores to use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Learn a space of taste from who used what."""
    from embedry.data.interactions import Interactions
    from embedry.learn.als import ALS

    _check_folder_of(out)
    used = Interactions.from_file(table)
    settings: dict[str, Any] = {"regularization": regularization, "alpha": alpha}
    given = {name: value for name, value in settings.items() if value is not None}
    taste = ALS(dims, iterations=iterations, seed=seed, threads=threads).set_params(**given)
    taste.fit(used).save(out)
    users, items = used.shape
    facts = {
        "users": users,
        "items": items,
        "pairs": len(used),
        "merged": used.merged,
        "dropped": dict(used.dropped),
        "file": str(out),
    }
    show.facts(f"Learned the taste of {users:,} users", facts, as_json=as_json)


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
            id=None if id is None else _known_id(items, id),
        )
    show.hits(found, as_json=as_json)


@app.command()
def recommend(
    collection: CollectionPath,
    user: Annotated[str | None, typer.Argument(help="A user that taste was learned from.")] = None,
    taste: Taste = None,
    content: FieldName = None,
    history: Annotated[
        list[str] | None, typer.Option(help="An item used, instead of a user; may be repeated.")
    ] = None,
    k: HowMany = 10,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Recommend items by taste and content, with the parts of each score.

    TASTE defaults to the model beside the collection, CONTENT to its only field with an encoder.
    """
    from embedry.learn.als import ALS
    from embedry.store.collection import Collection
    from embedry.use.recommend import Recommender

    with Collection.open(collection, must_exist=True) as items:
        model = ALS.load(_taste_file(collection, taste))
        recommender = Recommender(items, taste=model, content=content or _content_field(items))
        found = recommender.recommend(
            None if user is None else _known_id(model.user_embeddings_, user),
            history=[_known_id(items, name) for name in history] if history else None,
            k=k,
            where=_parsed(where),
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
    from embedry.learn.als import ALS
    from embedry.store.collection import Collection
    from embedry.trust.explain import explain as explained

    beside = collection.parent / _TASTE
    path = taste or (beside if beside.exists() else None)
    with Collection.open(collection, must_exist=True) as items:
        found = explained(
            items,
            _known_id(items, first),
            _known_id(items, second),
            taste=None if path is None else ALS.load(path),
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


def _check_folder_of(out: Path) -> None:
    """Say before the learning, not after it, that its result has no place."""
    if not out.parent.is_dir() or out.is_dir():
        raise InputError(f"--out must be a file in a folder that is there; got {out}.")


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


def _known_id(known: Container[object], text: str) -> Id:
    """Read an id from the command line: as it stands, or as a number where only that is known."""
    is_number = text not in known and _WHOLE_NUMBER.fullmatch(text) and int(text) in known
    return int(text) if is_number else text


def _taste_file(collection: Path, taste: Path | None) -> Path:
    path = taste or collection.parent / _TASTE
    if not path.exists():
        raise InputError(
            f"Taste must be a model that fit als wrote; there is no {path}. Pass --taste."
        )
    return path


def _content_field(items: Collection) -> str:
    fields = items.info().fields
    encoded = [name for name, field in fields.items() if field.encoder]
    if len(encoded) != 1:
        raise InputError(
            f"Content must be a field; {len(encoded)} have an encoder, so it must be named. "
            f"Pass --content, one of: {', '.join(fields) or 'none'}."
        )
    return encoded[0]
