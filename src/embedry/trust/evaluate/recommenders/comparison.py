"""Two recommenders, or two ways to learn one, compared on the same users of the same test.

Users differ far more than models do, so the difference of two means is known better than either:
the bootstrap draws users, and both models are scored on each draw. What it is not: a comparison
of seeds; pass several models a side for that.

References
----------
Efron, Tibshirani 1993, An Introduction to the Bootstrap, section 8.6 (several samples drawn as
one). Smucker, Allan, Carterette 2007, A Comparison of Statistical Significance Tests for
Information Retrieval Evaluation (paired by query).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.intervals import Spread, bootstrap_means
from embedry.trust.evaluate.recommenders.measures import list_measures
from embedry.trust.evaluate.recommenders.ranking import as_cutoffs, as_sampled, protocol_of, rank
from embedry.trust.evaluate.recommenders.rows import places_of, starts_of, together
from embedry.trust.evaluate.recommenders.sampled import Negatives, Sampled, draw_negatives
from embedry.trust.evaluate.recommenders.scores import Difference, RecommendationComparison
from embedry.trust.evaluate.recommenders.task import Task, set_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.trust.evaluate.recommenders.asking import Ranker

__all__ = ["compare_recommenders"]


def compare_recommenders(
    first: Ranker | Sequence[Ranker],
    second: Ranker | Sequence[Ranker],
    test: Interactions,
    *,
    histories: Interactions | None = None,
    k: int | Iterable[int] = 10,
    among: Iterable[Id] | None = None,
    sampled: Sampled | None = None,
    resamples: int = 1_000,
    seed: int = 0,
) -> RecommendationComparison:
    """Compare two models on the same test users, by a paired bootstrap.

    Parameters
    ----------
    first, second : Ranker, or sequence of Ranker
        Several are one way to learn with several seeds: the mean of their scores counts.
    test : Interactions
        As in `recommend`.
    histories, k, among, sampled
        As in `recommend`. Negatives are the same for all models: drawn among the items that all
        know and that the user used in the training of none, and given ones that one model does
        not know are left out for all, and counted.
    resamples, seed : int
        Of the bootstrap over users.

    Returns
    -------
    RecommendationComparison
        For each measure both means, the interval of their difference, and a verdict on the
        first: better, worse, cannot tell. Only users that all models know are asked.

    Raises
    ------
    InputError
        As `recommend`, for any of the models; and if no test user is known to all.

    Notes
    -----
    Choose the measure that decides before you look: of twenty, one is outside its 95 % interval
    by chance. The interval says what other users could change, not what other seeds could; for
    that look at the deviation of ``first`` and ``second``.

    Examples
    --------
    >>> from embedry.data.interactions import Interactions
    >>> from embedry.learn.taste.als import ALS
    >>> used = [("ann", "json"), ("ann", "csv"), ("bob", "json"), ("bob", "csv"), ("bob", "xml")]
    >>> used = Interactions.from_triples(*zip(*used))
    >>> one, two = (ALS(dims=2, regularization=0.1, seed=seed).fit(used) for seed in (1, 2))
    >>> test = Interactions.from_triples(["ann"], ["xml"])
    >>> compare_recommenders(one, two, test, k=1).measures["ndcg@1"].verdict
    'cannot tell'
    """
    cutoffs, sampled = as_cutoffs(k), as_sampled(sampled)
    among = None if among is None else list(among)
    sides = [_models("first", first), _models("second", second)]
    models = [model for side in sides for model in side]
    tasks = [set_task(model, test, among, histories) for model in models]
    users = _shared(tasks)
    pairs = [(model, task.only(users)) for model, task in zip(models, tasks, strict=True)]
    found, common, dropped = _measured(pairs, cutoffs, sampled)
    measures, differences = _compared(found, len(sides[0]), resamples=resamples, seed=seed)
    return RecommendationComparison(
        protocol_of(common, among is not None, sampled),
        sampled,
        cutoffs,
        measures,
        differences,
        pairs[0][1].users,
        tuple(task.left_out for task in tasks),
        len(frozenset().union(*(task.users for task in tasks)) - users),
        dropped,
    )


def _models(name: str, given: Ranker | Sequence[Ranker]) -> list[Ranker]:
    models = list(given) if isinstance(given, Sequence) else [given]
    if not models:
        raise InputError(f"{name} must be a fitted model or a sequence of them; got none.")
    return models


def _shared(tasks: Sequence[Task]) -> frozenset[Id]:
    """Return the users that all models know."""
    users = frozenset.intersection(*(frozenset(task.users) for task in tasks))
    if not users:
        raise InputError(
            "At least one test user must be known to all models; none is. Fit them on the same "
            "training data."
        )
    return users


def _measured(
    pairs: Sequence[tuple[Ranker, Task]], cutoffs: tuple[int, ...], sampled: Sampled | None
) -> tuple[list[dict[str, NDArray[np.float64]]], list[Task], Mapping[str, int]]:
    """Return each model's measures of each user, what was ranked, and negatives left out."""
    tasks = [task for _, task in pairs]
    each: Sequence[Negatives | None] = [None] * len(pairs)
    dropped: Mapping[str, int] = {}
    if sampled is not None:
        tasks = [_common(tasks)]
        each, dropped = _same_for_all(sampled, tasks[0], [task for _, task in pairs])
    found = []
    for (model, task), negatives in zip(pairs, each, strict=True):
        ranked = rank(model, task, cutoffs, negatives)
        found.append(list_measures(ranked.hits, task.wanted, cutoffs))
    return found, tasks, dropped


def _same_for_all(
    sampled: Sampled, common: Task, tasks: Sequence[Task]
) -> tuple[list[Negatives], Mapping[str, int]]:
    """Return negatives in the columns of each model, and how many were left out, by reason."""
    chosen = draw_negatives(common, sampled, "one of the models")
    each = []
    for task in tasks:
        if isinstance(sampled.negatives, Mapping) and task.item_ids != common.item_ids:
            draw_negatives(task, sampled)  # refuses what a user has used that others do not know
        columns = places_of(common.item_ids, task.item_ids)[chosen.columns]
        each.append(Negatives(chosen.starts, columns))
    return each, chosen.dropped


def _common(tasks: Sequence[Task]) -> Task:
    """Return the task of what all models know, less what a user used in the training of any.

    The columns are those of the first.
    """
    first, *others = tasks
    items, allowed, seen = len(first.item_ids), first.allowed, (first.seen_starts, first.seen)
    for other in others:
        columns = places_of(other.item_ids, first.item_ids)
        known = np.zeros(items, np.bool_)
        known[columns[other.allowed & (columns >= 0)]] = True
        allowed = allowed & known
        moved = _moved(other, columns)
        # most models are of one training
        same = np.array_equal(seen[0], moved[0]) and np.array_equal(seen[1], moved[1])
        if not same:
            seen = together(seen, moved, items)
    return replace(first, allowed=allowed, seen_starts=seen[0], seen=seen[1])


def _moved(task: Task, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return what users have seen in other columns; what has none (-1) is left out."""
    owners = np.repeat(np.arange(len(task.users)), np.diff(task.seen_starts))
    moved = columns[task.seen]
    there = moved >= 0
    return starts_of(owners[there], len(task.users)), moved[there].astype(np.int32)


def _compared(
    each: list[dict[str, NDArray[np.float64]]], cut: int, *, resamples: int, seed: int
) -> tuple[dict[str, Difference], dict[str, NDArray[np.float64]]]:
    """Return the differences of the models before the cut and after it, and those per user."""
    names = list(each[0])
    values = np.array([list(one.values()) for one in each])  # (models, measures, users)
    differences = values[:cut].mean(axis=0) - values[cut:].mean(axis=0)
    differences.flags.writeable = False
    intervals = bootstrap_means(differences.T, resamples=resamples, seed=seed)
    means = values.mean(axis=2).tolist()
    measures = {}
    for place, (name, interval) in enumerate(zip(names, intervals, strict=True)):
        column = tuple(mean[place] for mean in means)
        measures[name] = Difference(Spread(column[:cut]), Spread(column[cut:]), interval)
    return measures, dict(zip(names, differences, strict=True))
