"""How well a model recommends: what users took next, looked for in the lists it gives them.

By default every item that could be recommended is ranked for every user. What it is not: a
split; hold pairs out first (`embedry.data.splits`), fit on the rest, and pass what was held out.

References
----------
Herlocker, Konstan, Terveen, Riedl 2004, Evaluating Collaborative Filtering Recommender Systems.
Krichene, Rendle 2020, On Sampled Metrics for Item Recommendation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.trust.evaluate.recommenders import lists
from embedry.trust.evaluate.recommenders.asking import Ranker, score_blocks
from embedry.trust.evaluate.recommenders.measures import list_measures
from embedry.trust.evaluate.recommenders.rows import parts_of
from embedry.trust.evaluate.recommenders.sampled import (
    Negatives,
    Sampled,
    draw_negatives,
    rank_sampled,
)
from embedry.trust.evaluate.recommenders.scores import Estimate, RecommendationScore, estimates
from embedry.trust.evaluate.recommenders.task import Task, set_task
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.embeddings import Embeddings
    from embedry.ids import Id

__all__ = ["Ranked", "as_cutoffs", "as_sampled", "protocol_of", "rank", "recommend"]

_LONG = 55  # measured with 3,700 and 50,000 items


def recommend(
    model: Ranker,
    test: Interactions,
    *,
    histories: Interactions | None = None,
    k: int | Iterable[int] = 10,
    among: Iterable[Id] | None = None,
    sampled: Sampled | None = None,
    vectors: Embeddings | None = None,
    resamples: int = 1_000,
    seed: int = 0,
) -> RecommendationScore:
    """Measure how well a model recommends what users took next.

    Parameters
    ----------
    model : Ranker
        A fitted learner of taste, or whatever has ``interactions_`` and ``user_scores``.
    test : Interactions
        What users took, held out from training; values do not matter. Users and items are
        matched by their ids.
    histories : Interactions, optional
        What test users had used before, with the values that the model is to be told. With it
        users are known to the model by their histories alone, whether or not they were in
        training, as strangers will be: see `embedry.data.splits.cold_users`. Those of other
        users are passed over.
    k : int or iterable of int
        One cutoff or several, such as ``(5, 10, 20)``; at least 1.
    among : iterable of ids, optional
        The only items that may be recommended, such as the cold ones. Test pairs with other items
        are left out, and counted; so are those of these items that the model does not know.
    sampled : Sampled, optional
        Rank each user's test items among some negatives only, as older papers do. Not to be
        compared with a full ranking, which is the default.
    vectors : Embeddings, optional
        Of the items, such as those of their content: gives the similarity within lists.
    resamples : int
        Of the bootstrap over users; at least 1.
    seed : int
        Of the bootstrap.

    Returns
    -------
    RecommendationScore
        Per user and cutoff hit rate, recall, precision, NDCG, reciprocal rank and average
        precision (see `list_measures` for how each is cut and what it is divided by), and their
        means with 95 % intervals. Of a full ranking also coverage, the share of the items
        recommended to anybody; novelty, the mean of log2(users / users of the item); and, with
        vectors, similarity, the mean cosine of the pairs in a list.

    Raises
    ------
    InputError
        If the training data, the histories, or what the weights of a `Recommender` were learned
        on hold test pairs; nobody can be asked; a score is NaN; a setting is out of range;
        negatives, ``among`` or ``vectors`` do not fit; or there are histories, and the model is
        none of a learner of taste, a `Recommender` and what has ``history_scores``.

    Notes
    -----
    Ranked are the items that somebody used in training, and of a learner those placed since, less
    what the user has used in training and in their history. Ties go by the order of the items, as
    in `recommend` of a learner; ``tied`` counts the users they concern. Test items that cannot be
    recommended are misses: they stay in the ideal list, and in the denominator of recall. Test
    users who have used nothing in training, or with histories have none, are not asked. Items of
    histories that the model does not know are not told to it. All are in ``left_out``.

    Lists end where the items end: a k beyond them adds misses alone.

    Time: one matrix product and one pass over the scores; with histories what the model takes to
    score each, below a millisecond of most learners. A `Recommender` scores one after the other.
    Memory: a million scores at a time, and 5 bytes a user and place of the lists.

    References
    ----------
    Krichene, Rendle 2020, On Sampled Metrics for Item Recommendation (why the full ranking).
    Herlocker et al. 2004, section 5.2 (coverage). Zhou et al. 2010 (novelty). Ziegler et al.
    2005, section 3.2 (similarity). Liang et al. 2018, section 4 (users known by histories).

    Examples
    --------
    >>> from embedry.data.interactions import Interactions
    >>> from embedry.learn.taste.als import ALS
    >>> used = [("ann", "json"), ("ann", "csv"), ("bob", "json"), ("bob", "csv"), ("bob", "xml")]
    >>> taste = ALS(dims=2, regularization=0.1, seed=1).fit(Interactions.from_triples(*zip(*used)))
    >>> score = recommend(taste, Interactions.from_triples(["ann"], ["xml"]), k=1)
    >>> score.measures["hit_rate@1"].value
    1.0
    """
    cutoffs, sampled = as_cutoffs(k), as_sampled(sampled)
    task = set_task(model, test, among, histories)
    negatives = None if sampled is None else draw_negatives(task, sampled)
    units = None
    if vectors is not None:
        _refuse_lists(sampled)
        units = lists.unit_rows(vectors, task.item_ids)
    ranked = rank(model, task, cutoffs, negatives)
    per_user = list_measures(ranked.hits, task.wanted, cutoffs)
    whole: dict[str, float] = {}
    if ranked.lists is not None:
        whole = lists.coverage(ranked.lists, task.allowed, cutoffs)
        per_user |= lists.novelty(ranked.lists, task.popularity, task.trained_users, cutoffs)
        if units is not None:
            per_user |= lists.similarity(ranked.lists, units, cutoffs)
    for values in per_user.values():
        values.flags.writeable = False
    measures = estimates(per_user, resamples=resamples, seed=seed)
    return RecommendationScore(
        protocol_of([task], among is not None, sampled),
        sampled,
        cutoffs,
        {**measures, **{name: Estimate(value) for name, value in whole.items()}},
        per_user,
        task.users,
        task.left_out,
        ranked.tied,
        ranked.short,
        0 if units is None else int((task.allowed & ~units.any(axis=1)).sum()),
        {} if negatives is None else negatives.dropped,
    )


@dataclass(frozen=True, eq=False)
class Ranked:
    """What a model put first.

    Attributes
    ----------
    hits : ndarray (users, places), bool
        Whether the item at each place is one of the test.
    lists : ndarray (users, places), int32, or None
        The columns, -1 where a list is short; None of a sampled ranking.
    tied, short : int
        Users with equal scores in their list, and with fewer items than places.
    """

    hits: NDArray[np.bool_]
    lists: NDArray[np.int32] | None
    tied: int
    short: int


def rank(
    model: Ranker, task: Task, cutoffs: tuple[int, ...], negatives: Negatives | None
) -> Ranked:
    """Rank for each user of a task, up to the last cutoff or as far as any list can reach.

    Parameters
    ----------
    model : Ranker
    task : Task
    cutoffs : tuple of int
        Ascending.
    negatives : Negatives or None
        None for the full ranking.

    Returns
    -------
    Ranked

    Raises
    ------
    InputError
        If scores are NaN or of another shape than users by items.
    """
    if negatives is None:
        return _ranked_fully(model, task, cutoffs[-1])
    lengths = np.diff(task.relevant_starts) + np.diff(negatives.starts)
    places = min(cutoffs[-1], max(1, int(lengths.max())))
    blocks = [
        rank_sampled(task, negatives, scores, first, places)
        for first, scores in score_blocks(model, task)
    ]
    hits, tied = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Ranked(hits, None, int(tied.sum()), int((lengths < cutoffs[-1]).sum()))


def as_cutoffs(k: int | Iterable[int]) -> tuple[int, ...]:
    """Return cutoffs in ascending order, each once.

    Parameters
    ----------
    k : int or iterable of int

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If there is none, or one is no int of at least 1.
    """
    given = list(k) if isinstance(k, Iterable) and not isinstance(k, str) else [k]
    if not given:
        raise InputError("k must name a cutoff; got none. Pass k=10, or several: k=(5, 10, 20).")
    return tuple(sorted({check_k(each) for each in given}))


def as_sampled(sampled: Sampled | None) -> Sampled | None:
    """Refuse what is no sampled protocol.

    Parameters
    ----------
    sampled : Sampled or None

    Returns
    -------
    Sampled or None

    Raises
    ------
    InputError
        If it is something else.
    """
    if sampled is not None and not isinstance(sampled, Sampled):
        raise InputError(f"sampled must be Sampled(negatives=99), or None; got {sampled!r}.")
    return sampled


def protocol_of(tasks: Sequence[Task], chosen: bool, sampled: Sampled | None) -> str:
    """Say in words among what was ranked, by models that may know more items or fewer."""
    counts = sorted({int(task.allowed.sum()) for task in tasks})
    number = " to ".join(f"{count:,}" for count in (*counts[:1], *counts[1:][-1:]))
    items = f"{number} {'chosen ' if chosen else ''}items"
    by_past = tasks[0].pasts is not None
    past = ", users known by histories alone" if by_past else ""
    if sampled is None:
        seen = "in training or before" if by_past else "in training"
        return f"Full ranking of {items}, less those seen {seen}{past}"
    return f"Ranking among {sampled} of {items}, ties counted against the model{past}"


def _refuse_lists(sampled: Sampled | None) -> None:
    if sampled is not None:
        raise InputError(
            "vectors need a full ranking: lists out of a sample are like the sample. Leave out "
            "sampled= or vectors=."
        )


def _ranked_fully(model: Ranker, task: Task, k: int) -> Ranked:
    from embedry.kernels.best import best_columns, best_columns_plain

    places = min(k, int(task.allowed.sum()))
    # a list is kept in order by moving what is behind, so a long one is sorted faster
    long = places**2 > _LONG * len(task.item_ids)
    best_of = best_columns_plain if long else best_columns
    found = np.empty((len(task.users), places), np.int32)
    tied = short = 0
    for first, scores in score_blocks(model, task):
        starts = task.seen_starts[first : first + len(scores) + 1]
        seen = task.seen[starts[0] : starts[-1]]
        # one more than asked for tells whether the last place was a tie
        best, values = best_of(scores, task.allowed, starts - starts[0], seen, places + 1)
        found[first : first + len(scores)] = best[:, :-1]
        equal = (values[:, 1:] == values[:, :-1]) & (best[:, 1:] >= 0)
        tied += int(np.count_nonzero(equal.any(axis=1)))
        short += len(best) if places < k else int(np.count_nonzero(best[:, -2] < 0))
    hits = np.empty(found.shape, np.bool_)
    for part in parts_of(*found.shape):
        rows = np.arange(part.start, part.stop)[:, None]
        hits[part] = task.took(rows, found[part].astype(np.int64))
    return Ranked(hits, found, tied, short)
