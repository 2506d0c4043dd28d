"""Hits with their parts and causes, in numbers and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedry.learn.taste.past import largest
from embedry.query import Hit
from embedry.use.recommend.parts.content import ContentPart
from embedry.use.recommend.parts.taste import TastePart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.collection import Collection
    from embedry.use.recommend.parts.part import Answer, Part, Question

__all__ = ["Weighed", "causes_of", "likeness_in_words", "made_hits"]

_CAUSES = 3
_NAMED = 2  # past items that a sentence names


class Weighed:
    """What all parts say of every item, on the common scale, times their weights.

    Parameters
    ----------
    answers : mapping of part to Answer
    weights : mapping of name to float

    Attributes
    ----------
    answers : mapping of part to Answer
    weights : mapping of name to float
    given : dict of str to ndarray (positions,)
        What each part gives.
    total : ndarray (positions,), float64
        Their sum.
    """

    def __init__(self, answers: Mapping[Part, Answer], weights: Mapping[str, float]) -> None:
        self.answers = answers
        self.weights = weights
        self.given = {
            part.name: weights[part.name] * answer.calibrated() for part, answer in answers.items()
        }
        self.total = np.sum(list(self.given.values()), axis=0)  # (parts, positions) -> (positions,)

    def best(self, candidates: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Return the k candidates, ascending positions, of largest total; ties by position."""
        return largest(self.total, candidates, k)

    def lacking(self, candidates: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
        """Return of how many candidates each part says nothing, those of none left out."""
        counts = (
            (part.name, int(np.isnan(answer.raw[candidates]).sum()))
            for part, answer in self.answers.items()
        )
        return tuple(pair for pair in counts if pair[1])


def made_hits(
    collection: Collection,
    weighed: Weighed,
    positions: NDArray[np.int64],
    causes: Sequence[tuple[tuple[tuple[Id, float], ...], str]],
) -> tuple[Hit, ...]:
    """Return the hits at some positions, in that order.

    Parameters
    ----------
    collection : Collection
    weighed : Weighed
    positions : ndarray (n,), int64
    causes : sequence of n pairs
        The past items with their shares, and the sentence.

    Returns
    -------
    tuple of Hit
        Less those that another process removed a moment ago.
    """
    ids = [collection.mirror.items.ids[position] for position in positions.tolist()]
    stored = {item.id: item for item in collection.get(ids)}
    return tuple(
        Hit(
            *(id, float(weighed.total[position]), stored[id].document, stored[id].metadata),
            parts={name: float(scores[position]) for name, scores in weighed.given.items()},
            because=because,
            reason=reason,
        )
        for id, position, (because, reason) in zip(ids, positions.tolist(), causes, strict=True)
        if id in stored
    )


def causes_of(
    question: Question, weighed: Weighed, positions: NDArray[np.int64]
) -> list[tuple[tuple[tuple[Id, float], ...], str]]:
    """Return the past items that caused each hit, with their shares, and why in words.

    Parameters
    ----------
    question : Question
    weighed : Weighed
    positions : ndarray (n,), int64

    Returns
    -------
    list of n pairs
        Up to three past items with the largest shares of all parts, and a sentence: the past
        items with the largest shares of taste, then what other parts that count have to say.
    """
    counted = {part: answer for part, answer in weighed.answers.items() if _counts(part, weighed)}
    shares = np.zeros((len(positions), len(question.asker.ids)))
    by_taste = shares.copy()
    clauses = [[""] * len(positions)]
    for part, answer in counted.items():
        scale = weighed.weights[part.name] / answer.background.spread
        mine = scale * part.shares(question, positions)  # (positions, past)
        shares += mine
        if isinstance(part, TastePart):
            by_taste += mine
        clauses.append(part.words(question, positions))
    return [
        (
            _largest(question.asker.ids, shares[place], _CAUSES),
            _sentence(
                _largest(question.asker.ids, by_taste[place], _NAMED),
                [words[place] for words in clauses],
            ),
        )
        for place in range(len(positions))
    ]


def _counts(part: Part, weighed: Weighed) -> bool:
    return weighed.weights[part.name] > 0


def _sentence(used: Sequence[tuple[Id, float]], clauses: Sequence[str]) -> str:
    because = f"because you used {' and '.join(str(id) for id, _ in used)}" if used else ""
    return "; ".join(clause for clause in [because, *clauses] if clause)


def _largest(
    ids: Sequence[Id], shares: NDArray[np.float64], most: int
) -> tuple[tuple[Id, float], ...]:
    order = np.argsort(-shares, kind="stable")[:most]
    return tuple(
        (ids[place], float(shares[place])) for place in order.tolist() if shares[place] > 0
    )


def likeness_in_words(weighed: Weighed, place: int) -> str:
    """Return in words how alike an item at a position is."""
    told = {
        part.field if isinstance(part, ContentPart) else part.name: float(answer.raw[place])
        for part, answer in weighed.answers.items()
    }
    return ", ".join(f"{name} {value:.2f} similar" for name, value in told.items() if value > 0)
