"""How a model is asked: scores of users it has learned, or of histories, in blocks.

What it is: the ways in which a model can answer, brought to one form. What it is not: a ranking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np

from embedry.errors import InputError
from embedry.trust.evaluate.recommenders.rows import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.trust.evaluate.recommenders.pasts import Pasts
    from embedry.trust.evaluate.recommenders.sampled import Negatives
    from embedry.trust.evaluate.recommenders.task import Task
    from embedry.use.recommend import Recommender

__all__ = ["HistoryRanker", "Ranker", "check_asked_by_history", "score_blocks"]

_SCORES_AT_ONCE = 2**20


@runtime_checkable
class Ranker(Protocol):
    """What can be evaluated: it scores all its items for the users it has learned from.

    Every fitted learner of taste is one.

    Attributes
    ----------
    interactions_ : Interactions
        What was learned from: what users have seen already, how popular items are, and the order
        of the scores.
    known_items : ndarray (items,), bool, optional
        Which items it knows anything of, and may recommend; without it, those that somebody used.
    """

    interactions_: Interactions

    def user_scores(self, users: Sequence[Id]) -> NDArray[np.float32]:
        """Return the score of every item of ``interactions_`` for each user, (users, items)."""
        ...


@runtime_checkable
class HistoryRanker(Ranker, Protocol):
    """What can be evaluated on users it has not learned: it also scores for a history.

    Every fitted learner of taste is one.
    """

    def history_scores(self, histories: Sequence[Mapping[Id, float]]) -> NDArray[np.float32]:
        """Return the score of every item of ``interactions_`` for each history, (n, items)."""
        ...


def check_asked_by_history(model: Ranker) -> None:
    """Refuse a model that knows users by their ids alone.

    Parameters
    ----------
    model : Ranker

    Raises
    ------
    InputError
    """
    if isinstance(model, HistoryRanker):
        return
    from embedry.use.recommend import Recommender

    if not isinstance(model, Recommender):
        raise InputError(
            "histories need a model that scores by them, with history_scores, as learners of taste "
            f"have it, or a Recommender; got {type(model).__name__}. Leave out histories=."
        )


def score_blocks(
    model: Ranker, task: Task, negatives: Negatives | None, places: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield scores of the users of a task in blocks.

    Parameters
    ----------
    model : Ranker
    task : Task
    negatives : Negatives or None
        With them only the scores of test items and negatives count.
    places : int
        How many of the best count without them.

    Yields
    ------
    first : int
        The row of the first user of the block.
    scores : ndarray (b, items), float32, C-contiguous
        Minus infinity is worse than any.

    Raises
    ------
    InputError
        If the model gives another shape.
    """
    items = len(task.item_ids)
    step = max(1, _SCORES_AT_ONCE // items)
    name, answer = _way_of(model, task, negatives, places)
    for first in range(0, len(task.users), step):
        rows = range(first, min(first + step, len(task.users)))
        scores = np.ascontiguousarray(answer(rows), np.float32)
        if scores.shape != (len(rows), items):
            raise InputError(
                f"{name} must give {(len(rows), items)}, users by items; got {scores.shape}."
            )
        yield first, scores


def _way_of(
    model: Ranker, task: Task, negatives: Negatives | None, places: int
) -> tuple[str, Callable[[range], NDArray[np.float32]]]:
    """Return how a model scores some users of a task, by a name and a function."""
    pasts = task.pasts
    if pasts is None:
        return "user_scores", lambda rows: model.user_scores(task.users[rows.start : rows.stop])
    if isinstance(model, HistoryRanker):
        return "history_scores", lambda rows: model.history_scores(pasts.named(rows, task.item_ids))
    whole = cast("Recommender", model)
    return "recommend", lambda rows: _recommended(whole, task, pasts, rows, negatives, places)


def _recommended(
    model: Recommender,
    task: Task,
    pasts: Pasts,
    rows: range,
    negatives: Negatives | None,
    places: int,
) -> NDArray[np.float32]:
    """Return the scores of what is recommended to histories, one after the other."""
    scores = np.full((len(rows), len(task.item_ids)), -np.inf, np.float32)
    column = {id: place for place, id in enumerate(task.item_ids)}
    told = pasts.named(rows, task.item_ids)
    for mine, row, history in zip(scores, rows, told, strict=True):
        candidates = _candidates(task, negatives, row)
        count = int(candidates.sum())
        k = count if negatives is not None else min(count, places + 1)  # one more tells a tie
        if k:
            others = named(task.item_ids, np.flatnonzero(~candidates))
            hits = model.recommend(history=history, k=k, exclude=others, exclude_seen=False)
            mine[[column[id] for id in hits.ids]] = hits.scores
    return scores


def _candidates(task: Task, negatives: Negatives | None, row: int) -> NDArray[np.bool_]:
    """Tell which columns may be ranked for a user."""
    if negatives is None:
        mine = task.allowed.copy()
        mine[task.seen[task.seen_starts[row] : task.seen_starts[row + 1]]] = False
        return mine
    mine = np.zeros(len(task.item_ids), np.bool_)
    mine[task.relevant[task.relevant_starts[row] : task.relevant_starts[row + 1]]] = True
    mine[negatives.columns[negatives.starts[row] : negatives.starts[row + 1]]] = True
    return mine
