"""The commands `embedry evaluate ...`: how good vectors of nodes and recommendations are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embedry.cli import arguments, show
from embedry.cli.spaces import Format, FormatName, ModelFile, open_space
from embedry.errors import InputError

if TYPE_CHECKING:
    from embedry.learn.graph import DeepWalk, Node2Vec

__all__ = ["app"]

app = typer.Typer(
    help="Measure vectors of nodes, and recommendations; of words, see embedry words evaluate.",
    no_args_is_help=True,
)


TasteFile = Annotated[Path, typer.Argument(help="What embedry fit als and the like wrote.")]


class Learner(StrEnum):
    """What learns nodes."""

    DEEPWALK = "deepwalk"
    NODE2VEC = "node2vec"


@app.command()
def graph(
    model: ModelFile,
    labels: Annotated[Path, typer.Argument(help="A node and its labels a line.")],
    train: Annotated[float, typer.Option(help="The share of the nodes to learn from.")] = 0.5,
    splits: Annotated[int, typer.Option(help="How often nodes are split at random.")] = 10,
    seed: arguments.Seed = 0,
    form: FormatName = Format.AUTO,
    delimiter: arguments.Delimiter = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Measure how much the vectors of nodes tell of their labels.

    Micro- and macro-F1 of a linear classifier, mean and spread over the splits,
    as in the DeepWalk and node2vec papers.
    """
    from embedry.learn.learner import real_number, whole_number
    from embedry.trust.evaluate import node_classification, read_labels

    real_number("train", train, 0, 1)
    whole_number("splits", splits, 1)
    found = read_labels(labels, delimiter=arguments.as_delimiter(delimiter))
    space = open_space(model, form)
    named = {arguments.known_id(space.embeddings, str(node)): has for node, has in found.items()}
    score = node_classification(space.embeddings, named, train=train, splits=splits, seed=seed)
    facts = {
        "micro_f1": score.micro,
        "macro_f1": score.macro,
        "nodes": score.nodes,
        "labels": score.labels,
        "train": score.train,
        "splits": len(score.untrained),
        "without_vector": score.without_vector,
        "without_label": score.without_label,
        "untrained": max(score.untrained),
    }
    show.facts(f"Labels of {score.nodes:,} nodes", facts, as_json=as_json)


@app.command()
def links(  # noqa: PLR0913  (a command's options)
    edges: arguments.EdgesFile,
    learner: Annotated[Learner, typer.Option("--learner", help="What learns.")] = Learner.DEEPWALK,
    operator: Annotated[
        str, typer.Option(help="hadamard, average, l1, l2 or cosine.")
    ] = "hadamard",
    test: Annotated[
        float,
        typer.Option(help="The share of the edges held out; a sparse graph needs a smaller one."),
    ] = 0.5,
    connected: Annotated[bool, typer.Option(help="Keep the rest connected.")] = True,
    splits: Annotated[int, typer.Option(help="How often edges are split and learned.")] = 3,
    dims: arguments.Dims = 128,
    p: Annotated[float | None, typer.Option("--p", help="Of node2vec.")] = None,
    q: Annotated[float | None, typer.Option("--q", help="Of node2vec.")] = None,
    walks: arguments.WalksPerNode = 10,
    length: arguments.Length = 80,
    window: arguments.Reach = 10,
    epochs: arguments.Epochs = 1,
    seed: arguments.Seed = 0,
    threads: arguments.Threads = None,
    directed: arguments.Directed = False,
    delimiter: arguments.Delimiter = None,
    columns: arguments.Columns = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Hold edges out, learn from the rest, and measure how well they are told.

    They are told from as many pairs that are no edges: 0.5 is chance. Each
    split has its own seed.
    """
    from embedry.learn.learner import real_number
    from embedry.trust.evaluate import link_prediction, split_edges
    from embedry.trust.evaluate.graphs.links import check_operator

    if splits < 1:
        raise InputError(f"--splits must be at least 1; got {splits}.")
    check_operator(operator)
    real_number("test", test, 0, 1)
    nodes = _learner(learner, p, q).set_params(
        dims=dims, walks=walks, length=length, window=window, epochs=epochs,
        seed=seed, threads=threads,
    )  # fmt: skip
    nodes.check_settings()
    whole = arguments.read_graph(edges, delimiter, columns, directed=directed)
    held = [
        split_edges(whole, test=test, connected=connected, seed=seed + place)
        for place in range(splits)
    ]
    spaces = []
    for place, split in enumerate(held):
        nodes.set_params(seed=seed + place)
        spaces.append(nodes.fit(split.graph).embeddings_)
    score = link_prediction(spaces, held, operator=operator, seed=seed)  # type: ignore[arg-type]
    facts = {
        "auc": score.auc,
        "average_precision": score.average_precision,
        "operator": score.operator,
        "splits": len(score.tested),
        "trained": sum(score.trained),
        "tested": sum(score.tested),
        "without_vector": sum(score.without_vector),
        "merged": whole.merged,
        "dropped": dict(whole.dropped),
    }
    title = f"Links among {len(whole):,} nodes, told by {learner.value}"
    show.facts(title, facts, as_json=as_json)


@app.command()
def recommend(
    model: TasteFile,
    test: Annotated[Path, typer.Argument(help="A user and an item a line, held out of training.")],
    histories: Annotated[
        Path | None,
        typer.Option(help="What test users had used before: they are known by that alone."),
    ] = None,
    against: Annotated[Path | None, typer.Option(help="Compare with this model.")] = None,
    k: Annotated[str, typer.Option("--k", "-k", help="Cutoffs, such as 5,10,20.")] = "10",
    among: Annotated[Path | None, typer.Option(help="Rank only these items, one a line.")] = None,
    sampled: Annotated[
        int | None, typer.Option(help="Rank among so many drawn items only: a sampled metric.")
    ] = None,
    negatives: Annotated[
        Path | None, typer.Option(help="Rank among those of each user only, as NCF's files.")
    ] = None,
    seed: arguments.Seed = 0,
    delimiter: arguments.Delimiter = None,
    columns: arguments.PairColumns = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Measure how well a model recommends what users took next.

    Hit rate, recall, precision, NDCG, MRR and MAP with intervals over users,
    coverage and novelty. All items are ranked, less those of training.
    With --histories, a table as embedry fit reads it, users may be strangers.
    """
    from embedry.cli.heldout import HeldOut, as_cutoffs
    from embedry.cli.taste import open_taste
    from embedry.trust.evaluate import compare_recommenders
    from embedry.trust.evaluate import recommend as evaluated

    cutoffs = as_cutoffs(k)
    taste = open_taste(model)
    asked = HeldOut(taste)
    held = asked.test(test, delimiter, columns)
    told = None if histories is None else asked.histories(histories, delimiter, columns)
    items = None if among is None else asked.items(among)
    protocol = asked.protocol(sampled, negatives, seed)
    if against is None:
        score = evaluated(
            taste, held, histories=told, k=cutoffs, among=items, sampled=protocol, seed=seed
        )
        show.recommendation_score(score, as_json=as_json)
        return
    other = open_taste(against)
    found = compare_recommenders(
        taste, other, held, histories=told, k=cutoffs, among=items, sampled=protocol, seed=seed
    )
    show.recommendation_comparison(found, as_json=as_json)


def _learner(name: Learner, p: float | None, q: float | None) -> DeepWalk | Node2Vec:
    from embedry.learn.graph import DeepWalk, Node2Vec

    given = {key: value for key, value in (("p", p), ("q", q)) if value is not None}
    if name is Learner.NODE2VEC:
        return Node2Vec().set_params(**given)
    if given:
        raise InputError("--p and --q are settings of node2vec. Pass --learner node2vec.")
    return DeepWalk()
