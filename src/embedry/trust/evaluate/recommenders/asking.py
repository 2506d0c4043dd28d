"""How a model is asked: scores of users it has learned, or of histories, in blocks.

What it is: the ways in which a model can answer, brought to one form. What it is not: a ranking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.trust.evaluate.recommenders.task import Task

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
    validations_ : tuple of Interactions, optional
        What else it was chosen by, such as what the weights of a Recommender were learned on: no
        test may share a pair with it.
    """

    interactions_: Interactions

    def user_scores(self, users: Sequence[Id]) -> NDArray[np.float32]:
        """Return the score of every item of ``interactions_`` for each user, (users, items)."""
        ...


@runtime_checkable
class HistoryRanker(Ranker, Protocol):
    """What can be evaluated on users it has not learned: it also scores for a history.

    Every fitted learner of taste is one, and a Recommender.
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
    if not isinstance(model, HistoryRanker):
        raise InputError(
            "histories need a model that scores by them, with history_scores, as learners of taste "
            f"and a Recommender have it; got {type(model).__name__}. Leave out histories=."
        )


def score_blocks(model: Ranker, task: Task) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield scores of the users of a task in blocks.

    Parameters
    ----------
    model : Ranker
    task : Task

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
    for first in range(0, len(task.users), step):
        rows = range(first, min(first + step, len(task.users)))
        name, answer = _asked(model, task, rows)
        scores = np.ascontiguousarray(answer, np.float32)
        if scores.shape != (len(rows), items):
            raise InputError(
                f"{name} must give {(len(rows), items)}, users by items; got {scores.shape}."
            )
        yield first, scores


def _asked(model: Ranker, task: Task, rows: range) -> tuple[str, NDArray[np.float32]]:
    """Return how a model was asked, and how it scores some users of a task."""
    if task.pasts is not None and isinstance(model, HistoryRanker):
        return "history_scores", model.history_scores(task.pasts.named(rows, task.item_ids))
    return "user_scores", model.user_scores(task.users[rows.start : rows.stop])
