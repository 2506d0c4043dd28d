"""The commands `embedry fit ...`: learn a space from a file and write it into another."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embedry.cli import arguments, show
from embedry.cli.stopped import whole_or_not
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedry.data.graph import Graph
    from embedry.learn.graph import DeepWalk, Node2Vec
    from embedry.learn.taste.learner import TasteLearner
    from embedry.learn.words.ngrams import Subwords

__all__ = ["app"]

app = typer.Typer(help="Learn a space from your data.", no_args_is_help=True)


@app.command()
def word2vec(  # noqa: PLR0913  (a command's options)
    text: Annotated[Path, typer.Argument(help="UTF-8 text, a sentence a line; .gz is unpacked.")],
    out: arguments.Out,
    dims: arguments.Dims = 100,
    architecture: Annotated[str, typer.Option(help="skipgram or cbow.")] = "skipgram",
    subwords: Annotated[
        str | None, typer.Option(help="Lengths of n-grams, such as 3-6: unseen words get vectors.")
    ] = None,
    window: Annotated[int, typer.Option(help="Words predicted on each side, at most.")] = 5,
    negative: Annotated[int, typer.Option(help="Random words told from each true one.")] = 5,
    sample: Annotated[float, typer.Option(help="Words of a larger share are thinned.")] = 1e-3,
    min_count: Annotated[int, typer.Option(help="Rarer words are left out.")] = 5,
    epochs: Annotated[int, typer.Option(help="Times through the text.")] = 5,
    learning_rate: arguments.LearningRate = None,
    tokenizer: Annotated[str, typer.Option(help="words or whitespace.")] = "words",
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a vector for each word of a text."""
    from embedry.data.corpus import Corpus
    from embedry.learn.word2vec import Word2Vec

    learner = Word2Vec(
        dims,
        architecture=architecture,  # type: ignore[arg-type]  # checked by fit
        subwords=_subwords(subwords),
        window=window,
        negative=negative,
        sample=sample,
        min_count=min_count,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        threads=threads,
    )
    with whole_or_not(out):
        learner.check_settings()
        corpus = Corpus.from_file(text, tokenizer=tokenizer)  # type: ignore[arg-type]  # checked there
        words = learner.fit(corpus)
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


def _subwords(text: str | None) -> Subwords | None:
    from embedry.learn.words.ngrams import Subwords

    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", text.strip())
    if found is None:
        raise InputError(
            f"--subwords must be the shortest and the longest n-gram, such as 3-6; got {text!r}."
        )
    return Subwords(int(found[1]), int(found[2]))


@app.command()
def deepwalk(  # noqa: PLR0913  (a command's options)
    edges: arguments.EdgesFile,
    out: arguments.Out,
    dims: arguments.Dims = 128,
    walks: arguments.WalksPerNode = 10,
    length: arguments.Length = 80,
    window: arguments.Reach = 10,
    negative: arguments.Negative = 5,
    epochs: arguments.Epochs = 1,
    learning_rate: arguments.LearningRate = None,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    directed: arguments.Directed = False,
    delimiter: arguments.Delimiter = None,
    columns: arguments.Columns = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a vector for each node of a graph, from even random walks."""
    from embedry.learn.graph import DeepWalk

    learner = DeepWalk(
        dims,
        walks=walks,
        length=length,
        window=window,
        negative=negative,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        threads=threads,
    )
    read = partial(arguments.read_graph, edges, delimiter, columns, directed=directed)
    _learn_nodes(learner, out, read, as_json=as_json)


@app.command()
def node2vec(  # noqa: PLR0913  (a command's options)
    edges: arguments.EdgesFile,
    out: arguments.Out,
    dims: arguments.Dims = 128,
    p: Annotated[float, typer.Option("--p", help="Larger: walks seldom step back.")] = 1.0,
    q: Annotated[float, typer.Option("--q", help="Larger: walks stay near.")] = 1.0,
    extended: Annotated[
        bool, typer.Option("--extended", help="node2vec+, for weighted graphs.")
    ] = False,
    walks: arguments.WalksPerNode = 10,
    length: arguments.Length = 80,
    window: arguments.Reach = 10,
    negative: arguments.Negative = 5,
    epochs: arguments.Epochs = 1,
    learning_rate: arguments.LearningRate = None,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    directed: arguments.Directed = False,
    delimiter: arguments.Delimiter = None,
    columns: arguments.Columns = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a vector for each node of a graph, from walks that stay near or go far."""
    from embedry.learn.graph import Node2Vec

    learner = Node2Vec(
        dims,
        p=p,
        q=q,
        extended=extended,
        walks=walks,
        length=length,
        window=window,
        negative=negative,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        threads=threads,
    )
    read = partial(arguments.read_graph, edges, delimiter, columns, directed=directed)
    _learn_nodes(learner, out, read, as_json=as_json)


def _set(learner: Any, **settings: object) -> None:
    """Set what was passed; the learner's own default stays otherwise."""
    learner.set_params(**{name: value for name, value in settings.items() if value is not None})


def _learn_nodes(
    learner: DeepWalk | Node2Vec, out: Path, read: Callable[[], Graph], *, as_json: bool
) -> None:
    with whole_or_not(out):
        learner.check_settings()
        graph = read()
        nodes = learner.fit(graph)
        nodes.save(out)
    facts = {
        "nodes": len(graph),
        "edges": graph.edge_count,
        "weighted": graph.is_weighted,
        "directed": graph.directed,
        "merged": graph.merged,
        "dropped": dict(graph.dropped),
        "unplaced": len(nodes.unplaced_),
        "file": str(out),
    }
    show.facts(f"Learned {len(nodes.embeddings_):,} nodes", facts, as_json=as_json)


@app.command()
def als(
    table: arguments.PairsFile,
    out: arguments.Out,
    dims: arguments.Dims = 64,
    regularization: Annotated[float | None, typer.Option(help="Larger: tastes more alike.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Confidence is 1 + alpha * value.")] = None,
    iterations: Annotated[int, typer.Option(help="Times both sides are solved.")] = 15,
    seed: arguments.Seed = 0,
    threads: Annotated[int | None, typer.Option(help="The cores to use.")] = None,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a space of taste from who used what."""
    from embedry.learn.taste.als import ALS

    taste = ALS(dims, iterations=iterations, seed=seed, threads=threads)
    _set(taste, regularization=regularization, alpha=alpha)
    _learn_taste(taste, table, out, (delimiter, columns, least), as_json=as_json)


@app.command()
def bpr(
    table: arguments.PairsFile,
    out: arguments.Out,
    dims: arguments.Dims = 64,
    regularization: Annotated[float | None, typer.Option(help="Larger: tastes more alike.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Falls to a tenth of it.")] = None,
    epochs: Annotated[int, typer.Option(help="Times through the pairs.")] = 100,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a space of taste by ranking what was used before what was not."""
    from embedry.learn.taste.bpr import BPR

    taste = BPR(dims, epochs=epochs, seed=seed, threads=threads)
    _set(taste, regularization=regularization, learning_rate=learning_rate)
    _learn_taste(taste, table, out, (delimiter, columns, least), as_json=as_json)


@app.command()
def ease(
    table: arguments.PairsFile,
    out: arguments.Out,
    regularization: Annotated[
        float | None, typer.Option(help="Larger: a weight needs more users who agree.")
    ] = None,
    memory: Annotated[float | None, typer.Option(help="The bytes that learning may take.")] = None,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a weight between each two items from who used what."""
    from embedry.learn.taste.ease import EASE

    taste = EASE(memory=memory)
    _set(taste, regularization=regularization)
    _learn_taste(taste, table, out, (delimiter, columns, least), as_json=as_json)


@app.command()
def itemknn(
    table: arguments.PairsFile,
    out: arguments.Out,
    neighbours: Annotated[int, typer.Option(help="How many an item has, at most.")] = 50,
    shrinkage: Annotated[
        float | None, typer.Option(help="Larger: likeness of few users counts less.")
    ] = None,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn the nearest neighbours of each item by who uses both: a baseline."""
    from embedry.learn.taste.itemknn import ItemKNN

    taste = ItemKNN(neighbours)
    _set(taste, shrinkage=shrinkage)
    _learn_taste(taste, table, out, (delimiter, columns, least), as_json=as_json)


@app.command()
def popularity(
    table: arguments.PairsFile,
    out: arguments.Out,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Count the users of each item: the baseline that others must beat."""
    from embedry.learn.taste.popularity import Popularity

    _learn_taste(Popularity(), table, out, (delimiter, columns, least), as_json=as_json)


@app.command()
def itemvec(  # noqa: PLR0913  (a command's options)
    table: arguments.PairsFile,
    out: arguments.Out,
    dims: arguments.Dims = 64,
    window: Annotated[int, typer.Option(help="Items looked at on each side, at most.")] = 6,
    negative: Annotated[int, typer.Option(help="Random items told from each true one.")] = 5,
    sample: Annotated[float, typer.Option(help="Items of a larger share are thinned.")] = 0.0,
    epochs: Annotated[
        int | None, typer.Option(help="Times through the pairs.  [default: 30, more for few]")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Falls to 0.0001.")] = None,
    ns_exponent: Annotated[
        float | None, typer.Option(help="Random items by their count to this power.")
    ] = None,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Learn a space of items that the same people use, by skip-gram."""
    from embedry.learn.taste.itemvec import ItemVec

    taste = ItemVec(
        dims,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        seed=seed,
        threads=threads,
    )
    _set(taste, learning_rate=learning_rate, ns_exponent=ns_exponent)
    _learn_taste(taste, table, out, (delimiter, columns, least), as_json=as_json)


def _learn_taste(
    taste: TasteLearner,
    table: Path,
    out: Path,
    how: tuple[str | None, str | None, float | None],
    *,
    as_json: bool,
) -> None:
    with whole_or_not(out):
        taste.check_settings()
        used = arguments.read_interactions(table, *how)
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
