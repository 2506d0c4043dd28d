"""BPR: a space of taste, learned from what people used before what they did not.

Items that somebody used are to score higher for them than items that they did not use, whatever
the scores are. A score is the dot product of two vectors; there is no bias of an item beside it,
as the vectors of items that are wanted by all find a direction of their own.

What it is not: a predictor of ratings, or of what comes next.

References
----------
S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme, "BPR: Bayesian personalized ranking
from implicit feedback", 2009. Users as sums over past items: A. Paterek, "Improving regularized
singular value decomposition for collaborative filtering", 2007, section 3.6.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.taste.cold.placing import PlacingLearner
from embedry.learn.taste.histories import history_sums, learn_map
from embedry.progress import bar
from embedry.threads import run_in_threads, thread_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from numpy.typing import NDArray

    from embedry.card import Card
    from embedry.data.interactions import Interactions
    from embedry.learn.taste.past import Past

    Tables = tuple[NDArray[np.float32], NDArray[np.float32]]

__all__ = ["BPR"]

_VANISHED = 1e-5  # vectors below this say nothing
_LAST_RATE = 0.1  # what the learning rate falls to, of what it begins with
_FURTHER = 3  # partial_fit takes the last third of the epochs: it starts where fit has ended
_CALL = 1 << 20  # pairs learned before Ctrl-C is heard, some 50 ms
_SHARE = 1 << 15  # pairs of an epoch that a further thread is worth its start for


class BPR(PlacingLearner):
    """Learn users and items from implicit feedback by ranking pairs of items.

    Users are learned freely beside the items. In the end a linear map is fitted from what they
    used to where they lie, and everybody is put where it says. So a score is a sum over past
    items, a stranger with the same history gets the same answers, and rankings are no worse.

    Parameters
    ----------
    dims : int
        The width of a vector.
    learning_rate : float
        The size of a step; it falls evenly to a tenth.
    regularization : float
        Lambda of the paper, one for users and items: the larger, the more alike everybody's
        taste.
    epochs : int
        Times through the pairs. `partial_fit` takes the last third of them.
    seed : int
    threads : int or None
        None takes the cores allowed. The same seed gives the same bytes with ``threads=1``
        alone; several threads share the vectors without locks (Hogwild).

    Attributes
    ----------
    user_embeddings_, item_embeddings_ : Embeddings
        In one space, metric dot, roles user and item.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    Only whether an item was used counts, not the values, in ``fit`` and in a history alike.
    Time an epoch: O(pairs dims), some 30 million pairs a second on one thread at 64 dims. Memory: 8
    bytes a vector and dim, and the interactions.

    Examples
    --------
    >>> from embedry import BPR, Interactions
    >>> used = Interactions.from_triples(
    ...     ["ann", "ann", "bob", "bob", "eve", "eve"],
    ...     ["json", "csv", "json", "csv", "math", "cmath"],
    ... )
    >>> taste = BPR(dims=4, threads=1).fit(used)
    >>> taste.recommend(history=["json"], k=1).ids
    ('csv',)
    """

    KIND = "bpr"
    _map: NDArray[np.float64]  # (dims, dims): what a past item gives to a user's vector

    def __init__(
        self,
        dims: int = 64,
        *,
        learning_rate: float = 0.05,
        regularization: float = 0.006,
        epochs: int = 100,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.epochs = epochs
        self.seed = seed
        self.threads = threads

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("dims", self.dims, 1, 4096)
        whole_number("epochs", self.epochs, 1)
        whole_number("seed", self.seed, 0)
        real_number("learning_rate", self.learning_rate, 1e-6, 1)
        real_number("regularization", self.regularization, 0, 0.9)
        thread_count(self.threads)

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:
        users, items = (table[:, : self.dims] for table in self._ranked(interactions, known))
        if not (np.isfinite(users).all() and np.isfinite(items).all()):
            raise InputError(
                f"Vectors must stay finite; with learning_rate={self.learning_rate:g} on "
                f"{interactions!r} they did not. Pass a lower one, such as 0.05."
            )
        items = np.where(interactions.item_counts[:, None] > 0, items, np.float32(0))
        if np.abs(items).max() < _VANISHED:
            raise InputError(
                f"Vectors must not vanish; with regularization={self.regularization:g} on "
                f"{interactions!r} all did. Pass a lower one: {self.regularization / 10:g}."
            )
        sums = history_sums(interactions, items)
        found = learn_map(sums, users)
        # (users, dims) @ (dims, dims) -> (users, dims)
        self._place_in_space(interactions, (sums @ found).astype(np.float32), items)
        self._map = found

    def _ranked(self, used: Interactions, known: Interactions | None) -> Tables:
        """Return both tables after all steps."""
        from embedry.kernels.least_squares import check_csr

        check_csr(used.indptr, used.indices, used.values, *used.shape)
        generator = np.random.default_rng(self.seed)
        tables = self._started(used, known, generator)
        first = 0 if known is None else self.epochs - max(1, self.epochs // _FURTHER)
        threads = max(1, min(thread_count(self.threads), len(used) // _SHARE))
        states = [generator.integers(1 << 64, size=1, dtype=np.uint64) for _ in range(threads)]
        learned = 0
        with bar("Learning taste", self.epochs - first) as advance:
            for epoch in range(first, self.epochs):
                rate = self.learning_rate * (1 - (1 - _LAST_RATE) * epoch / self.epochs)
                order = generator.permutation(used.shape[0])
                learned += self._epoch(used, tables, order, rate, states)
                advance(1)
        if not learned:
            raise InputError(
                "Somebody must have left an item unused, for the used ones to rank before; in "
                f"{used!r} nobody has. Add the items that were there and not used."
            )
        return tables

    def _started(
        self, used: Interactions, known: Interactions | None, generator: np.random.Generator
    ) -> Tables:
        """Return random rows, or those learned before and random ones for what is new."""
        users, items = (_start(generator, count, self.dims) for count in used.shape)
        if known is not None:
            self._put_learned(users, items, self.dims)
        return users, items

    def _epoch(
        self,
        used: Interactions,
        tables: Tables,
        order: NDArray[np.int64],
        rate: float,
        states: Sequence[NDArray[np.uint64]],
    ) -> int:
        """Learn every pair once, each thread those of its own users; return how many could be."""
        from embedry.kernels.recommend.bpr import train

        learned = [0] * len(states)
        counts = np.diff(used.indptr)
        calls = -(-len(used) // (_CALL * len(states)))

        def learn(thread: int, mine: NDArray[np.int64], stop: Event) -> None:
            rows = (*tables, used.indptr, used.indices)
            for some in _shares(mine, counts, calls):
                if stop.is_set():
                    return
                learned[thread] += train(*rows, some, rate, self.regularization, states[thread])

        parts = enumerate(_shares(order, counts, len(states)))
        run_in_threads([partial(learn, thread, mine) for thread, mine in parts])
        return sum(learned)

    def _directions(self, past: Past) -> NDArray[np.float64]:
        used = self._basis[past.places].astype(np.float64)
        # (dims, dims) @ (dims, past) -> (dims, past)
        return np.asarray(self._map.T @ used.T / len(past.places) ** 0.5)

    def _folded(self, past: Past) -> NDArray[np.float32]:
        total = self._basis[past.places].sum(axis=0, dtype=np.float64)
        return np.asarray(total @ self._map / len(past.places) ** 0.5, np.float32)

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        card, arrays = super()._kept()
        return card, {**arrays, "map": self._map}

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(card, arrays)
        self._map = arrays["map"]


def _shares(
    order: NDArray[np.int64], counts: NDArray[np.int64], parts: int
) -> list[NDArray[np.int64]]:
    """Cut the users into parts of about as many pairs."""
    done = np.cumsum(counts[order])
    cuts = np.searchsorted(done, np.linspace(0, done[-1], parts + 1)[1:-1])
    return [part for part in np.split(order, cuts) if part.size]


def _start(generator: np.random.Generator, count: int, dims: int) -> NDArray[np.float32]:
    """Return small random rows, (count, width) float32, zero beyond ``dims``."""
    from embedry.kernels.simd import aligned

    rows: NDArray[np.float32] = aligned(count, dims)
    rows[:, :dims] = (generator.random((count, dims), np.float32) - 0.5) / dims
    return rows
