"""ItemVec: items that the same people use lie together; a user is a mean of their items.

Each history is read as a sentence in random order, and skip-gram learns to tell the items near
each other in it from random ones (item2vec). Of the two tables that it learns, one says what a
used item speaks for, the other what a wanted item answers to; both together score.

What it is not: a model of order; what was used first or last makes no difference.

References
----------
Barkan, Koenigstein 2016, Item2Vec: Neural Item Embedding for Collaborative Filtering. Caselles-
Dupre, Lesaint, Royo-Letelier 2018, Word2Vec applied to Recommendation: Hyperparameters Matter
(the exponent of negative sampling).
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.taste.cold.placing import PlacingLearner
from embedry.learn.trainer import Part, Sentences, train
from embedry.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from embedry.card import Card
    from embedry.data.interactions import Interactions
    from embedry.learn.tables import Tables
    from embedry.learn.taste.past import Past

__all__ = ["ItemVec"]

_LOWEST_RATE = 1e-4
_EPOCHS = 30
_ENOUGH = 1_000_000  # pairs to learn from in all: what few pairs lack, more epochs make up
_FURTHER = 3  # partial_fit takes a third of the epochs: it starts where fit has ended
_DAMPING = 0.25  # what many use says less of anybody: an item of n users weighs n to minus this
_BITE = 200_000  # pairs between two looks at the bar and at Ctrl-C


class ItemVec(PlacingLearner):
    """Learn vectors of items by skip-gram over histories; a user is a mean of their items.

    Parameters
    ----------
    dims : int
        The width of a vector.
    window : int
        How many items on each side are looked at, at most, in [1, 50]. The order is drawn anew
        in each epoch, so that in time each item of a history meets all others.
    negative : int
        How many random items each true one is told from, in [1, 50].
    sample : float
        Items with a larger share of all pairs are skipped at random, the more so the more
        frequent they are; 0 skips none.
    epochs : int or None
        How often all histories are gone through. None takes 30, or for fewer than a million
        pairs in 30 epochs as many as make a million, but at most 1000. `partial_fit` takes a
        third.
    learning_rate : float
        Falls linearly to 0.0001.
    ns_exponent : float
        Random items are drawn in proportion to their count to this power, in [-1, 1]. The
        nearer to 1, the less a score owes to how popular an item is.
    seed : int
    threads : int or None
        None takes the cores allowed. Only ``threads=1`` gives the same bytes each time: threads
        share the vectors without locks (Recht et al. 2011, Hogwild).

    Attributes
    ----------
    user_embeddings_, item_embeddings_ : Embeddings
        In one space, metric dot, roles user and item. A user's vector is a mean over what they
        used, in the other of both tables; an item of n users weighs ``n ** -0.25``.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    Only whether an item was used counts, not the values, in ``fit`` and in a history alike.
    Fold-in is exact: somebody unknown lies where a user of the same history does. Time: about
    ``epochs * pairs * (window + 1)`` pairs of items, one core learns some ten million a second
    at 64 dims. Memory: 8 bytes an item and dim for the tables, 4 a user and dim for the users.

    Examples
    --------
    >>> from embedry import Interactions, ItemVec
    >>> used = Interactions.from_triples(
    ...     ["ann", "ann", "bob", "bob", "eve", "eve"],
    ...     ["json", "csv", "json", "csv", "math", "cmath"],
    ... )
    >>> taste = ItemVec(dims=8, threads=1).fit(used)
    >>> taste.recommend(history=["json"], k=1).ids
    ('csv',)
    """

    KIND = "itemvec"
    _inputs: NDArray[np.float32]  # (items, dims): what a used item gives to its user

    def __init__(
        self,
        dims: int = 64,
        *,
        window: int = 6,
        negative: int = 5,
        sample: float = 0.0,
        epochs: int | None = None,
        learning_rate: float = 0.0125,
        ns_exponent: float = 0.75,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.window = window
        self.negative = negative
        self.sample = sample
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.ns_exponent = ns_exponent
        self.seed = seed
        self.threads = threads

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("dims", self.dims, 1, 4096)
        whole_number("window", self.window, 1, 50)
        whole_number("negative", self.negative, 1, 50)
        if self.epochs is not None:
            whole_number("epochs", self.epochs, 1)
        whole_number("seed", self.seed, 0)
        real_number("sample", self.sample, 0, 1)
        real_number("learning_rate", self.learning_rate, 1e-6, 1)
        real_number("ns_exponent", self.ns_exponent, -1, 1)
        thread_count(self.threads)

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:
        from embedry.learn.tables import check_steady  # brings the compiler: some 0.3 s

        _check_histories(interactions)
        tables = self._trained(interactions, known)
        check_steady(tables.vectors, self.learning_rate)
        self._check_learned(interactions, tables, known)
        used = interactions.item_counts[:, None] > 0
        inputs, items = (
            np.where(used, table[:, : int(self.dims)], np.float32(0))
            for table in (tables.vectors, tables.contexts)
        )
        self._place_in_space(interactions, _means(interactions, inputs), items)
        self._inputs = inputs

    def _check_learned(
        self, interactions: Interactions, tables: Tables, known: Interactions | None
    ) -> None:
        """Refuse tables that training has left as they were, as contexts started from zeros."""
        contexts = tables.contexts[:, : int(self.dims)]
        learned = 0 if known is None else len(self._inputs)
        before = self._basis[:learned] if learned else contexts[:0]
        if np.array_equal(contexts[:learned], before) and not contexts[learned:].any():
            raise InputError(
                f"sample must leave pairs to learn from; at {self.sample:g} none of "
                f"{interactions!r} was. Pass a larger one, or 0 to skip none."
            )

    def _trained(self, interactions: Interactions, known: Interactions | None) -> Tables:
        """Return both tables after all epochs."""
        from embedry.learn.tables import sampling_plan

        generator = np.random.default_rng(self.seed)
        threads = thread_count(self.threads)
        tables = self._started(interactions, known, generator, threads)
        counts = np.maximum(interactions.item_counts, 1)
        rate = float(self.learning_rate)
        plan = sampling_plan(
            counts,
            generator,
            window=int(self.window),
            negative=int(self.negative),
            sample=float(self.sample),
            exponent=float(self.ns_exponent),
            rates=(rate, min(_LOWEST_RATE, rate)),
        )
        parts = _parts(interactions, threads, generator)
        epochs = self._epochs(len(interactions), further=known is not None)
        train(tables, plan, counts, parts, epochs, "Learning taste")
        return tables

    def _epochs(self, pairs: int, *, further: bool) -> int:
        """Return how often all histories are gone through."""
        wanted = self.epochs
        if wanted is None:
            wanted = min(max(_EPOCHS, -(-_ENOUGH // pairs)), 1000)
        return max(1, int(wanted) // _FURTHER) if further else int(wanted)

    def _started(
        self,
        interactions: Interactions,
        known: Interactions | None,
        generator: np.random.Generator,
        threads: int,
    ) -> Tables:
        """Return tables that nothing is known in, or what was learned and random rows behind."""
        from embedry.learn.tables import Tables

        dims = int(self.dims)
        tables = Tables.started(interactions.shape[1], dims, generator, threads)
        if known is not None:
            self._check_width(dims)
            learned = len(self._inputs)
            tables.vectors[:learned, :dims] = self._inputs
            tables.contexts[:learned, :dims] = self._basis[:learned]
        return tables

    @cached_property
    def _to_inputs(self) -> NDArray[np.float64]:
        """The map that gives an item's input from its vector best, (dims, dims).

        For items that were placed: they have a vector, and nobody has used them yet.
        """
        learned = self._basis[: len(self._inputs)].astype(np.float64)
        return np.asarray(np.linalg.lstsq(learned, self._inputs.astype(np.float64))[0])

    @cached_property
    def _item_weights(self) -> NDArray[np.float64]:
        return _weights(self.interactions_)

    def _given(self, past: Past) -> NDArray[np.float64]:
        """Return the input of each past item, (past, dims)."""
        given = np.empty((len(past.places), self._inputs.shape[1]))
        learned = past.places < len(self._inputs)
        given[learned] = self._inputs[past.places[learned]]
        if not learned.all():
            given[~learned] = self._basis[past.places[~learned]] @ self._to_inputs
        return given

    def _directions(self, past: Past) -> NDArray[np.float64]:
        weights = self._item_weights[past.places]
        return np.asarray(self._given(past).T * (weights / weights.sum()))

    def _folded(self, past: Past) -> NDArray[np.float32]:
        # (dims, past) -> (dims,)
        return np.asarray(self._directions(past).sum(axis=1), np.float32)

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        card, arrays = super()._kept()
        return card, {**arrays, "inputs": self._inputs}

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(card, arrays)
        self._inputs = arrays["inputs"]
        if self._inputs.shape != (self._learned_items, card.dims):
            raise InputError(f"inputs must be of {self._learned_items} items")


def _check_histories(interactions: Interactions) -> None:
    if np.diff(interactions.indptr).max(initial=0) < 2:
        raise InputError(
            f"Somebody must have used two items; in {interactions!r} nobody has. "
            "Pass longer histories, or use Popularity."
        )


def _weights(interactions: Interactions) -> NDArray[np.float64]:
    """Return what each item counts in the mean of a user, (items,)."""
    return np.asarray(np.maximum(interactions.item_counts, 1) ** -_DAMPING)


def _means(interactions: Interactions, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean input of each user's items, (users, dims); zero for those without any."""
    weights = _weights(interactions)
    means = np.zeros((interactions.shape[0], inputs.shape[1]), np.float32)
    for row, (first, last) in enumerate(pairwise(interactions.indptr.tolist())):
        if first < last:
            places = interactions.indices[first:last]
            means[row] = weights[places] @ inputs[places] / weights[places].sum()
    return means


def _parts(interactions: Interactions, threads: int, generator: np.random.Generator) -> list[Part]:
    """Cut the users into a part for each thread, of about as many pairs."""
    indptr = interactions.indptr
    edges = np.searchsorted(indptr, np.linspace(0, len(interactions), threads + 1)).tolist()
    edges[0], edges[-1] = 0, interactions.shape[0]

    def part(first: int, last: int, own: np.random.Generator) -> Part:
        order = own.spawn(1)[0]
        seen = int(indptr[last] - indptr[first])
        return Part(seen, lambda _: _shuffled(interactions, first, last, order), own)

    cut = zip(pairwise(edges), generator.spawn(threads), strict=True)
    return [part(first, last, own) for (first, last), own in cut if indptr[first] < indptr[last]]


def _shuffled(
    interactions: Interactions, first: int, last: int, generator: np.random.Generator
) -> Iterator[Sentences]:
    """Yield the histories of users from ``first`` to before ``last``, in random order each.

    One sort of a number for each pair does it: the user, then what was drawn, then the item.
    """
    indptr, indices = interactions.indptr, interactions.indices
    bits = max(1, interactions.shape[1] - 1).bit_length()
    while first < last:
        end = int(np.searchsorted(indptr, indptr[first] + _BITE, side="right")) - 1
        end = min(max(end, first + 1), last)
        begin, stop = int(indptr[first]), int(indptr[end])
        owners = np.repeat(
            np.arange(end - first, dtype=np.uint64), np.diff(indptr[first : end + 1])
        )
        free = min(32, 64 - bits - (end - first).bit_length())
        drawn = generator.integers(0, 1 << free, stop - begin, np.uint64)
        keys = owners << np.uint64(free + bits)
        keys |= drawn << np.uint64(bits)
        keys |= indices[begin:stop].astype(np.uint64)
        keys.sort()
        tokens = (keys & np.uint64((1 << bits) - 1)).astype(np.int32)
        yield Sentences(tokens, indptr[first : end + 1] - begin, stop - begin)
        first = end
