"""Weights learned on a validation split, by coordinate search.

One part's share of the weight at a time is tried over a grid, and kept where more of what users
took next comes first. What it is not: learned on what taste was trained on, which would trust
taste too much; that is refused.

References
----------
Järvelin, Kekäläinen 2002 (NDCG, which is raised). Metzler, Croft 2007, Linear Feature-Based
Models for Information Retrieval, section 4.2 (coordinate search of a measure of ranking).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.interactions import Interactions
from embedry.data.pairs.held_back import refuse_shared
from embedry.errors import InputError
from embedry.learn.learner import whole_number
from embedry.use.recommend.parts.content import positions_of
from embedry.use.recommend.parts.taste import TastePart
from embedry.use.recommend.questions import asker_of, candidates_of, question_of
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.collection import Collection
    from embedry.use.recommend.parts.part import Part

__all__ = ["LearnedWeights", "Pools", "learned", "searched"]

_POOL = 100  # of each part
_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_STEPS = (-0.05, -0.02, 0.02, 0.05)
_ROUNDS = 8


@dataclass(frozen=True)
class LearnedWeights:
    """What parts weigh, as learned on a validation split.

    Attributes
    ----------
    weights : mapping of name to float
        They sum to 1.
    before, after : float
        NDCG@k on the users asked, over the pool of candidates, with the weights before and with
        these; ``after`` is not below ``before``.
    k : int
    users : int
        How many users were asked.
    left_out : int
        How many users of the validation could not be asked: taste does not know them, or the
        collection has nothing that they took.
    """

    weights: Mapping[str, float]
    before: float
    after: float
    k: int
    users: int
    left_out: int

    def __str__(self) -> str:
        told = ", ".join(f"{name} {weight:.2f}" for name, weight in self.weights.items())
        return (
            f"{told}: NDCG@{self.k} {self.after:.4f} on {self.users:,} users of the validation "
            f"({self.before:.4f} before; {self.left_out:,} left out)"
        )


def learned(
    parts: Sequence[Part],
    collection: Collection,
    start: Mapping[str, float],
    validation: Interactions,
    *,
    k: int,
    users: int,
    seed: int,
) -> LearnedWeights:
    """Learn weights; see `embedry.Recommender.learn_weights`.

    Parameters
    ----------
    parts : sequence of Part
    collection : Collection
    start : mapping of name to float
        In the order of the parts.
    validation : Interactions
    k, users, seed : int

    Returns
    -------
    LearnedWeights

    Raises
    ------
    InputError
        As `embedry.Recommender.learn_weights`.
    """
    k, users, seed = check_k(k), whole_number("users", users, 1), whole_number("seed", seed, 0)
    if not isinstance(validation, Interactions) or not len(validation):
        hint = " Pass split.validation." if hasattr(validation, "validation") else ""
        raise InputError(f"validation must be Interactions with pairs; got {validation!r}.{hint}")
    taste = [part for part in parts if isinstance(part, TastePart)]
    if not taste:
        raise InputError("Weights are learned on users of taste; there is none. Pass taste=.")
    for part in taste:
        trained = ("the validation", f"What {part.name} was trained on")
        refuse_shared(validation, part.learner.interactions_, trained, "Split first, then fit.")
    pools, left_out = _drawn(parts, taste, collection, validation, users, seed)
    weights, before, after = searched(pools, start, k)
    return LearnedWeights(weights, before, after, k, len(pools.real), left_out)


def _drawn(
    parts: Sequence[Part],
    taste: Sequence[TastePart],
    collection: Collection,
    validation: Interactions,
    users: int,
    seed: int,
) -> tuple[Pools, int]:
    """Return the pools of so many users drawn at random, and how many could not be asked."""
    pools, left_out = [], 0
    for place in np.random.default_rng(seed).permutation(len(validation.user_ids)).tolist():
        user = validation.user_ids[place]
        pool = _pool(parts, taste, collection, user, validation.history(user))
        if pool is None:
            left_out += 1
        else:
            pools.append(pool)
        if len(pools) == users:
            break
    if not pools:
        raise InputError(
            "A user of the validation must be known to taste and have taken an item of the "
            f"collection; of {left_out:,} none is and has. Check the ids."
        )
    return Pools.of([scores for scores, _ in pools], [took for _, took in pools]), left_out


def _pool(
    parts: Sequence[Part],
    taste: Sequence[TastePart],
    collection: Collection,
    user: Id,
    taken: Sequence[Id],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Return what parts say of a user's candidates, and which were taken; None without any."""
    if not any(part.history(user) for part in taste):
        return None
    mirror, asker = collection.mirror, asker_of(user, None, parts, collection)
    with mirror.lock:
        question = question_of(asker, mirror, parts)
        wanted = positions_of(taken, mirror)
        candidates = candidates_of(mirror, mirror.allowed(None), question.positions, ())
        answers = [part.answer(question).calibrated() for part in parts]
    best = [candidates[np.argsort(-one[candidates], kind="stable")[:_POOL]] for one in answers]
    pool = np.unique(np.concatenate([wanted[wanted >= 0], *best]))
    took = np.isin(pool, wanted)
    return (np.array(answers)[:, pool], took) if took.any() else None


@dataclass(frozen=True, eq=False)
class Pools:
    """Candidates of some users, and which of them they took.

    Attributes
    ----------
    parts : ndarray (parts, users, width), float64
        What each part says of each candidate, on the common scale; candidates in the order of
        the collection.
    real : ndarray (users, width), bool
        False behind the candidates of a user with fewer.
    took : ndarray (users, width), bool
        At least one a user.
    """

    parts: NDArray[np.float64]
    real: NDArray[np.bool_]
    took: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Sequence[NDArray[np.float64]], took: Sequence[NDArray[np.bool_]]) -> Pools:
        """Pad (parts, candidates) and (candidates,) of each user to one width."""
        width = max(len(one) for one in took)
        padded = np.zeros((len(parts[0]), len(took), width))
        real, right = np.zeros((2, len(took), width), np.bool_)
        for row, (scores, mine) in enumerate(zip(parts, took, strict=True)):
            padded[:, row, : len(mine)] = scores
            real[row, : len(mine)] = True
            right[row, : len(mine)] = mine
        return cls(padded, real, right)

    def ndcg(self, weights: NDArray[np.float64], k: int) -> float:
        """Return the mean NDCG@k of all users; ties in the order of the collection."""
        # (parts,) @ (parts, users, width) -> (users, width)
        total = np.where(self.real, np.tensordot(weights, self.parts, 1), -np.inf)
        best = np.argsort(-total, axis=1, kind="stable")[:, :k]
        discounts = 1 / np.log2(np.arange(2, k + 2))
        gains = np.take_along_axis(self.took, best, axis=1) @ discounts[: best.shape[1]]
        ideal = np.cumsum(discounts)[np.minimum(self.took.sum(axis=1), k) - 1]
        return float((gains / ideal).mean())


def searched(
    pools: Pools, start: Mapping[str, float], k: int
) -> tuple[Mapping[str, float], float, float]:
    """Search the weights of best NDCG@k, one part's share at a time.

    Parameters
    ----------
    pools : Pools
    start : mapping of name to float
        In the order of the parts of the pools.
    k : int

    Returns
    -------
    weights : mapping of name to float
        The start where nothing is better.
    before, after : float
    """
    names, weights = list(start), np.array(list(start.values()))
    before = best = pools.ndcg(weights, k)
    for _ in range(_ROUNDS):
        then = best
        for place in range(len(names)):
            for trial in _trials(weights, place):
                found = pools.ndcg(trial, k)
                if found > best:
                    weights, best = trial, found
        if best == then:
            break
    weighed = zip(names, weights.tolist(), strict=True)
    return MappingProxyType(dict(weighed)), before, best  # as they were tried, to the bit


def _trials(weights: NDArray[np.float64], place: int) -> list[NDArray[np.float64]]:
    """Return weights with other shares of one part; the others keep their proportions."""
    others = weights.copy()
    others[place] = 0
    own = np.eye(len(weights))[place]
    near = [float(np.clip(weights[place] + step, 0, 1)) for step in _STEPS]
    if not others.any():
        return []
    others /= others.sum()
    return [(1 - share) * others + share * own for share in (*_SHARES, *near)]
