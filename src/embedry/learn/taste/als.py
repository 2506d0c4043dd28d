"""ALS: a space of taste, learned from who used what.

Users and items become points; their dot product says how likely the user is to want the item.
Everything a user did not touch counts as a weak no, everything touched as a yes whose
confidence grows with the value (implicit feedback).

What it is not: a predictor of ratings, or of what comes next.

References
----------
Hu, Koren, Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets (equations 3 to
5; section 5 for the explanation). Takács, Pilászy, Tikk 2011, Applications of the Conjugate
Gradient Method for Implicit Feedback Collaborative Filtering. Rendle, Krichene, Zhang, Koren
2021, Revisiting the Performance of iALS on Item Recommendation Benchmarks.
"""

from __future__ import annotations

from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.taste.cold.placing import PlacingLearner
from embedry.progress import bar
from embedry.threads import run_in_threads, thread_count

if TYPE_CHECKING:
    from threading import Event

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.learn.taste.past import Past

__all__ = ["ALS"]

_START = 0.1  # length of a random start vector
_VANISHED = 1e-3  # users below this have scores near its square, which say nothing
_EXACT = 1e-7  # the residual left where rows are solved to the end
_TRUST = 0.3  # of what content foretells for a user, where something seen and not used counts 1
_FURTHER = 3  # partial_fit takes a third of the iterations: it starts where fit has ended


class ALS(PlacingLearner):
    """Learn users and items from implicit feedback by alternating least squares.

    Parameters
    ----------
    dims : int
        The width of a vector.
    regularization : float
        Lambda of equation 3: the larger, the more alike everybody's taste. What is best grows
        with alpha and with the pairs a user has; the default suits tens of them, a toy of a few
        users needs less than 1.
    alpha : float
        Confidence in a pair is 1 + alpha * value (the package implicit takes alpha * value). The
        default suits values around 1; with ratings of 1 to 5 try 1, with counts pass
        ``interactions.damped()``.
    iterations : int
        How often both sides are solved; `partial_fit` takes a third of them.
    frequency_scaling : float
        In [0, 2]: lambda of a row of weight w is ``regularization * (w / mean(w))`` to this
        power, w its pairs and ``1 / alpha`` for each item (or user) of all (Rendle 2021,
        equation 4; the mean keeps the setting comparable). 0 holds all alike.
    steps : int or None
        Steps of conjugate gradients for a row in an iteration (Takács 2011). None solves each to
        the end, to float32: slower, and seldom better, as the other side moves again.
    seed : int
    threads : int or None
        None takes the cores allowed. The result is the same to the bit for any number.

    Attributes
    ----------
    user_embeddings_, item_embeddings_ : Embeddings
        In one space, metric dot, roles user and item. Users are solved to the end, so a user's
        vector is what `user` gives for their history.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    Time an iteration: O(pairs dims + (users + items) dims^2). Memory: 4 bytes a vector and dim,
    and twice the interactions.

    Examples
    --------
    >>> from embedry import ALS, Interactions
    >>> used = Interactions.from_triples(
    ...     ["ann", "ann", "bob", "bob", "eve", "eve"],
    ...     ["json", "csv", "json", "csv", "math", "cmath"],
    ... )
    >>> taste = ALS(dims=4, regularization=0.1).fit(used)
    >>> taste.recommend(history=["json"], k=1).ids
    ('csv',)
    """

    KIND = "als"
    PLACES_BY_USE = True

    def __init__(
        self,
        dims: int = 64,
        *,
        regularization: float = 30.0,
        alpha: float = 5.0,
        iterations: int = 15,
        frequency_scaling: float = 1.0,
        steps: int | None = 3,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.frequency_scaling = frequency_scaling
        self.steps = steps
        self.seed = seed
        self.threads = threads

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("dims", self.dims, 1, 4096)
        whole_number("iterations", self.iterations, 1)
        whole_number("seed", self.seed, 0)
        real_number("regularization", self.regularization, 1e-6, 1e9)
        real_number("alpha", self.alpha, 1e-6, 1e6)
        real_number("frequency_scaling", self.frequency_scaling, 0, 2)
        if self.steps is not None:
            whole_number("steps", self.steps, 1, 1000)
        thread_count(self.threads)

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:
        users, items = self._alternated(interactions, known)
        if not (np.isfinite(users).all() and np.isfinite(items).all()):
            raise InputError(
                f"Vectors must stay finite; on {interactions!r} they did not. "
                "Scale the values down, or pass a lower alpha."
            )
        if np.abs(users).max() < _VANISHED:
            raise InputError(
                f"Vectors must not vanish; with regularization={self.regularization:g} on "
                f"{interactions!r} all did. Pass a lower one: {self.regularization / 10:g}."
            )
        self._place_in_space(interactions, users, items)

    def _alternated(
        self, interactions: Interactions, known: Interactions | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        from embedry.kernels.least_squares import check_csr

        users, items = self._started(interactions, known)
        by_user, by_item = interactions, interactions.transposed()
        for side in (by_user, by_item):
            check_csr(side.indptr, side.indices, side.values, *side.shape)
        rounds = self.iterations if known is None else max(1, self.iterations // _FURTHER)
        steps, tolerance = self.steps or 4 * self.dims, 0.0 if self.steps else _EXACT
        with bar("Learning taste", rounds + 1) as advance:
            for _ in range(rounds):
                self._solve(by_user, users, items, steps, tolerance)
                self._solve(by_item, items, users, steps, tolerance)
                advance(1)
            users[:] = 0
            self._solve(by_user, users, items, 4 * self.dims, _EXACT)
        return users[:, : self.dims].copy(), items[:, : self.dims].copy()

    def _started(
        self, interactions: Interactions, known: Interactions | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return random rows, or those learned before and random ones for what is new."""
        generator = np.random.default_rng(self.seed)
        users, items = (_start(generator, count, self.dims) for count in interactions.shape)
        if known is not None:
            self._put_learned(users, items, self.dims)
        return users, items

    def _strength(self, side: Interactions) -> NDArray[np.float32]:
        """Return lambda for each row of a side, (rows,) float32."""
        weights = _weights(np.diff(side.indptr), side.shape[1], self.alpha)
        scaled = (weights / weights.mean()) ** self.frequency_scaling
        return np.asarray(self.regularization * scaled, np.float32)

    def _solve(
        self,
        side: Interactions,
        targets: NDArray[np.float32],
        fixed: NDArray[np.float32],
        steps: int,
        tolerance: float,
    ) -> None:
        """Solve all rows of one side, each thread a range with its share of the pairs."""
        from embedry.kernels.least_squares import gram_matrix, solve_rows

        gram = gram_matrix(fixed)
        confidence = (1 + np.float32(self.alpha) * side.values).astype(np.float32)
        strength = self._strength(side)
        threads = thread_count(self.threads)
        work = side.indptr + 8 * np.arange(len(side.indptr))  # a row costs something by itself
        cuts = np.searchsorted(work, np.linspace(0, work[-1], threads + 1))
        cuts[0], cuts[-1] = 0, len(targets)

        def solve(first: int, last: int, _stop: Event) -> None:
            solve_rows(
                *(side.indptr, side.indices, confidence, targets, fixed, gram, strength),
                *(first, last, steps, tolerance),
            )

        ranges = [(first, last) for first, last in pairwise(cuts.tolist()) if first < last]
        run_in_threads([partial(solve, first, last) for first, last in ranges])

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        vectors = self._basis[: self._learned_items].astype(np.float64)
        gram: NDArray[np.float64] = vectors.T @ vectors  # (dims, items) @ (items, dims)
        return gram

    def _strength_of(self, pairs: int) -> float:
        """Return the lambda of a user with so many pairs, as in the last fit."""
        told, items = self._fitted_with, self._learned_items
        weight = float(_weights(np.array([pairs]), items, told["alpha"])[0])
        scaled = (weight / self._mean_weight) ** told["frequency_scaling"]
        return float(told["regularization"] * scaled)

    @cached_property
    def _mean_weight(self) -> float:
        counts, items = self._learned_counts, self._learned_items
        return float(_weights(counts, items, self._fitted_with["alpha"]).mean())

    def _directions(self, past: Past) -> NDArray[np.float64]:
        vectors = self._basis[past.places].astype(np.float64)
        told = self._fitted_with
        confidence = 1 + told["alpha"] * past.values
        system = self._gram + (vectors.T * (confidence - 1)) @ vectors
        system[np.diag_indices_from(system)] += self._strength_of(len(past.places))
        return np.asarray(np.linalg.solve(system, vectors.T * confidence))

    def _moved(
        self,
        vector: NDArray[np.float64],
        users: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the item that fits both its users and what content foretells.

        It minimises ``sum alpha v (1 - x y)^2 + trust (y - p)' X'X (y - p) + lambda (y - p)^2``
        over y, where x are the users who used it, v how strongly, p the place by content, and X
        all users: equation 3 of Hu et al. with content in place of the zeros.
        """
        told = self._fitted_with
        own = self.user_embeddings_.vectors[users].astype(np.float64)
        confidence = told["alpha"] * values
        system = _TRUST * self._user_gram + (own.T * confidence) @ own
        system[np.diag_indices_from(system)] += told["regularization"]
        short = confidence * (1 - own @ vector)
        return np.asarray(vector + np.linalg.solve(system, own.T @ short))

    @cached_property
    def _user_gram(self) -> NDArray[np.float64]:
        vectors = self.user_embeddings_.vectors.astype(np.float64)
        gram: NDArray[np.float64] = vectors.T @ vectors  # (dims, users) @ (users, dims)
        return gram

    def _folded(self, past: Past) -> NDArray[np.float32]:
        # (dims, past) -> (dims,)
        return np.asarray(self._directions(past).sum(axis=1), np.float32)


def _weights(counts: NDArray[np.int64], others: int, alpha: float) -> NDArray[np.float64]:
    """Return what rows with so many pairs weigh, in pairs: those not used count 1 / alpha each."""
    return np.asarray(counts + others / alpha, np.float64)


def _start(generator: np.random.Generator, count: int, dims: int) -> NDArray[np.float32]:
    """Return small random rows, (count, width) float32, zero beyond ``dims``."""
    from embedry.kernels.simd import aligned

    rows: NDArray[np.float32] = aligned(count, dims)
    rows[:, :dims] = generator.standard_normal((count, dims), np.float32) * (_START / dims**0.5)
    return rows
