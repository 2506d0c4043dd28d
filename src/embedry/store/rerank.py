"""Reranking: the best of a search, scored anew by a model that reads query and document together.

What it is: the second stage of a search. What it is not: the model; `embedry.Reranker` is one, and
so is anything with ``score(query, documents)``.

References
----------
R. Nogueira, K. Cho, "Passage re-ranking with BERT", 2019 (two stages).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from embedry.errors import InputError
from embedry.query import Hits, Plan
from embedry.store.memory.mirror import searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["Scorer", "check_scorer", "depth_of", "reranked"]

_DEPTH, _DEPTH_PER_PLACE = 50, 5


@runtime_checkable
class Scorer(Protocol):
    """What says how well documents answer a query."""

    def score(self, query: str, documents: Sequence[str]) -> ArrayLike:
        """Return a finite number for each document, (n,); larger is better."""
        ...


def check_scorer(rerank: object, query: object) -> None:
    """Refuse what cannot rerank.

    Parameters
    ----------
    rerank : object
    query : object
        What was asked in words, if anything was.

    Raises
    ------
    InputError
        If it has no ``score``, or nothing was asked in words.
    """
    if not isinstance(rerank, Scorer):
        raise InputError(
            f"rerank must have score(query, documents), as Reranker has; got {rerank!r:.60}."
        )
    if query is None:
        raise InputError("rerank needs a query text to read; id= and vector= are none.")


def depth_of(k: int) -> int:
    """Return how many of the best are scored anew: 50, or five times as many as are wanted."""
    return max(_DEPTH, _DEPTH_PER_PLACE * k)


def reranked(found: Hits, rerank: Scorer, query: str, k: int) -> Hits:
    """Order hits by what a reranker says.

    Parameters
    ----------
    found : Hits
        Of the first stage.
    rerank : Scorer
    query : str
    k : int
        How many to keep.

    Returns
    -------
    Hits
        Best first, ties in the order of the first stage. The score is the reranker's, and the
        only part; the plan counts those that were read. An item without a document is read by
        its id.

    Raises
    ------
    InputError
        If the reranker does not give one finite number a document.
    """
    documents = [hit.document or searchable(hit.id, None) for hit in found]
    scores = np.asarray(rerank.score(query, documents) if documents else [], np.float64)
    if scores.shape != (len(found),) or not np.isfinite(scores).all():
        raise InputError(
            f"{type(rerank).__name__}.score must give {len(found)} finite numbers, one a "
            f"document; got an array of {scores.shape}."
        )
    order = np.argsort(-scores, kind="stable")[:k].tolist()
    hits = tuple(
        replace(found[place], score=float(scores[place]), parts={"rerank": float(scores[place])})
        for place in order
    )
    plan = found.plan or Plan("dense")
    plan = replace(plan, method=f"{plan.method} + rerank", reranked=len(found))
    return replace(found, hits=hits, plan=plan)
