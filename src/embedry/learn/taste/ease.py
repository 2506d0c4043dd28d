"""EASE: what a user wants is a weighted sum over what they have used, solved in closed form.

The weights between all pairs of items make each item from the others as well as a ridge
regression can. Content may join in: items about the same things then support each other, which
helps those with few users. There are no vectors; users are their histories, so anybody is
scored exactly, and every score is a sum over past items.

What it is not: for very many items. Memory grows with their square; `ALS` has no such bound.

References
----------
Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data (equations 5 to 8). Jeunen, Van
Balen, Goethals 2020, Closed-Form Models for Collaborative Filtering with Side-Information
(content as further rows of the matrix).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.card import Card, fingerprint
from embedry.errors import InputError
from embedry.ids import pack_ids, unpack_ids
from embedry.learn.learner import real_number
from embedry.learn.taste.cold.content import as_content
from embedry.learn.taste.inverse import invert
from embedry.learn.taste.learner import TasteLearner
from embedry.learn.taste.memory import check_memory
from embedry.learn.taste.products import add_products

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.embeddings import Embeddings
    from embedry.learn.taste.cold.content import Content
    from embedry.learn.taste.past import Past

__all__ = ["EASE"]

_BYTES = 14  # for each pair of items: the matrix in float64, half as much to invert it, and counts
_BLOCK = 256  # items counted at a time


class EASE(TasteLearner):
    """Learn a weight between each two items, in closed form.

    Parameters
    ----------
    regularization : float
        Lambda: the larger, the more a weight needs many users who agree. Of 200 to 2000 the best
        differs little; too small a one trusts chance, too large a one recommends what is used
        by many.
    memory : float or None
        The bytes that `fit` may take, some 14 for each pair of items; None takes the memory
        of this machine. Where it does not fit, nothing is allocated and `fit` refuses.

    Attributes
    ----------
    weights_ : ndarray (items, items), float32
        Row i is what having used item i adds to the scores; the diagonal is zero.
    content_missing_ : dict of str to int
        For each space of content, how many of the items it says nothing about. Empty without
        content.
    content_weights_ : dict of str to float
        What each space of content counted; `partial_fit` and files keep it.
    interactions_ : Interactions
        What was learned from; seen items are left out of recommendations.

    Notes
    -----
    A pair counts once, whatever its value: ratings as values did not help on MovieLens-1M (see
    ``docs/decisions/0011-item-models.md``). There is no randomness. The matrix is inverted by
    NumPy, on the cores its BLAS takes. Time: O(items^3), 1.5 s of one core for 3,700 items;
    memory: 14 bytes a pair of items while learning, 4 after.

    Examples
    --------
    >>> from embedry import EASE, Interactions
    >>> used = Interactions.from_triples(
    ...     ["ann", "ann", "bob", "bob", "eve", "eve"],
    ...     ["json", "csv", "json", "csv", "math", "cmath"],
    ... )
    >>> taste = EASE(regularization=1.0).fit(used)
    >>> taste.recommend(history=["json"], k=1)[0].because[0][0]
    'json'
    """

    KIND = "ease"
    ZERO_IS_UNKNOWN = True

    weights_: NDArray[np.float32]
    content_missing_: dict[str, int]
    content_weights_: dict[str, float]
    _content: Content | None = None  # what the present fit was given

    def __init__(self, *, regularization: float = 1000.0, memory: float | None = None) -> None:
        self.regularization = regularization
        self.memory = memory

    def fit(
        self,
        interactions: Interactions,
        y: object = None,  # noqa: ARG002
        *,
        content: Embeddings | Mapping[str, Embeddings] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Learn from interactions, and from what items are about.

        Parameters
        ----------
        interactions : Interactions
        y : ignored
            For scikit-learn's sake.
        content : Embeddings, or mapping of name to Embeddings, optional
            What items are about, by their ids: one space (of texts, tags, pictures) or several.
            Items without a vector are learned from interactions alone and counted in
            ``content_missing_``; ids of no item are left out.
        weights : mapping of name to float, optional
            What a space counts; 1 each unless given. A space of weight w counts as w users who
            used all items of equal content. One or a few hundredths of ``regularization`` is a
            good start. A single space is called ``"content"``.

        Returns
        -------
        EASE
            Itself, fitted.

        Raises
        ------
        InputError
            As `TasteLearner.fit`; and if content or weights are not what must hold, or the items
            are too many for the memory.
        """
        with self._given(content, weights):
            return super().fit(interactions)

    def partial_fit(
        self,
        interactions: Interactions,
        y: object = None,  # noqa: ARG002
        *,
        content: Embeddings | Mapping[str, Embeddings] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Learn anew from what was learned from and more, of known and of new users and items.

        Parameters
        ----------
        interactions, y, content, weights
            As `fit` takes them. Content is not kept: what was fitted with content needs it again.
            Weights are: a space that is given none counts what it did in the last fit.

        Returns
        -------
        EASE
            Itself. Before ``fit``, this is ``fit``. It takes as long as ``fit`` of all pairs.

        Raises
        ------
        InputError
            As `fit`; and if the last fit had content of other spaces than are given.
        """
        if not hasattr(self, "interactions_"):
            return self.fit(interactions, content=content, weights=weights)
        then, now = sorted(self.content_missing_), _names(content)
        if then != now:
            raise InputError(
                f"partial_fit must be given the spaces of content that fit had, {then}; got {now}. "
                "Pass content=, or call fit."
            )
        if content is not None:
            weights = {**self.content_weights_, **(weights or {})}
        with self._given(content, weights):
            return super().partial_fit(interactions)

    @contextmanager
    def _given(
        self,
        content: Embeddings | Mapping[str, Embeddings] | None,
        weights: Mapping[str, float] | None,
    ) -> Iterator[None]:
        """Hold content while learning, and let go of it afterwards, whatever happens."""
        if content is None and weights is not None:
            raise InputError("weights must be of spaces of content; got no content=. Pass both.")
        self._content = None if content is None else as_content(content, weights)
        try:
            yield
        finally:
            del self._content

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        real_number("regularization", self.regularization, 1e-6, 1e9)
        if self.memory is not None:
            real_number("memory", self.memory, 1, 1e18)

    def _learn(self, interactions: Interactions, known: Interactions | None) -> None:  # noqa: ARG002
        items = len(interactions.item_ids)
        check_memory(items, _BYTES * items**2, self.memory)
        gram = self._gram(interactions)
        missing = self._add_content(gram, interactions)
        gram[np.diag_indices_from(gram)] += self.regularization
        invert(gram)
        self.weights_ = _weights(gram)
        self.content_missing_ = missing
        self.content_weights_ = dict(self._content.weights) if self._content else {}

    def _gram(self, interactions: Interactions) -> NDArray[np.float64]:
        """Return in how many histories each two items are together, (items, items) float64."""
        from embedry.kernels.recommend.cooccurrence import cooccurrences
        from embedry.learn.taste.counting import once

        items = len(interactions.item_ids)
        sides = once(interactions)
        gram = np.empty((items, items))
        block = np.empty((min(_BLOCK, items), items), np.float32)
        for first in range(0, items, _BLOCK):
            last = min(first + _BLOCK, items)
            cooccurrences(*sides, first, last, block[: last - first])
            gram[first:last] = block[: last - first]
        return gram

    def _add_content(self, gram: NDArray[np.float64], interactions: Interactions) -> dict[str, int]:
        """Add products of content to the Gram matrix; return how many items each space lacks."""
        if self._content is None:
            return {}
        rows = self._content.rows(interactions.item_ids)
        for block in rows.blocks.values():
            add_products(gram, block)
        return dict(rows.missing)

    def _scores(self, past: Past) -> NDArray[np.float32]:
        # (past, items) -> (items,)
        scores: NDArray[np.float32] = self.weights_[past.places].sum(axis=0)
        return scores

    def _shares(self, past: Past, items: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.weights_[np.ix_(past.places, items)].T.astype(np.float64)

    def _similarities(self, place: int) -> NDArray[np.float32]:
        """Return partial correlations: what two items share that no other item explains."""
        there, back = self.weights_[place], self.weights_[:, place]
        found = np.sign(there) * np.sqrt(np.abs(there * back))
        return np.where((there == 0) & (back == 0), np.nan, found).astype(np.float32)

    def _kept(self) -> tuple[Card, dict[str, NDArray[Any]]]:
        told = {name: value for name, value in self._fitted_with.items() if name != "memory"}
        names = list(self.content_missing_)
        arrays: dict[str, NDArray[Any]] = {
            "weights": self.weights_,
            "content_missing": np.array([self.content_missing_[name] for name in names], np.int64),
            "content_weights": np.array([self.content_weights_[name] for name in names], float),
            **pack_ids(names, "content"),
        }
        content = fingerprint(self.KIND, list(self.interactions_.item_ids), self.weights_)
        settings = (*told.items(), ("content", ", ".join(names) or None))
        card = Card(self.KIND, len(self.weights_), "dot", content, settings=settings)
        return card, arrays

    def _restore(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> None:
        weights = arrays["weights"]
        items = len(self.interactions_.item_ids)
        if weights.shape != (items, items) or card.dims != items:
            raise InputError(f"weights must be of {items} items; they are {weights.shape}")
        self.weights_ = weights
        names = list(map(str, unpack_ids(arrays, "content")))
        missing, counts = (arrays[f"content_{what}"].tolist() for what in ("missing", "weights"))
        self.content_missing_ = dict(zip(names, missing, strict=True))
        self.content_weights_ = dict(zip(names, counts, strict=True))


def _names(content: Embeddings | Mapping[str, Embeddings] | None) -> list[str]:
    """Return the names of the spaces of content, sorted."""
    return [] if content is None else sorted(as_content(content).spaces)


def _weights(inverse: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the weights of equation 8: each column over minus its diagonal entry, which is 0."""
    found = np.empty(inverse.shape, np.float32)
    np.divide(inverse, -np.diag(inverse), out=found, casting="same_kind")
    np.fill_diagonal(found, 0)
    return found
