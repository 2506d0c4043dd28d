"""ALS: a space of taste, learned from who used what.

Users and items become points; their dot product says how likely the user is to want the item.
Everything a user did not touch counts as a weak no, everything touched as a yes whose
confidence grows with the value (implicit feedback).

What it is not: a predictor of ratings, or of what comes next.

References
----------
Hu, Koren, Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets (equations 3 to
5; section 5 for the explanation). Takács, Pilászy, Tikk 2011, Applications of the Conjugate
Gradient Method for Implicit Feedback Collaborative Filtering.
"""

from __future__ import annotations

from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.card import Card, fingerprint
from embedry.data.history import check_history
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError, UnknownIdError
from embedry.ids import Id, pack_ids, unpack_ids
from embedry.learn.learner import Learner, real_number, whole_number
from embedry.learn.modelfile import read_model, write_model
from embedry.metrics import COSINE, DOT
from embedry.progress import bar
from embedry.query import Hit, Hits, Plan
from embedry.threads import run_in_threads, thread_count
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from threading import Event

    from numpy.typing import NDArray

__all__ = ["ALS"]

_KIND = "als"
_ROLES = ("user", "item")
_STEPS = 3  # of conjugate gradients while sides alternate (Takács et al. 2011)
_START = 0.1  # length of a random start vector
_CAUSES = 3  # past items named with each recommendation
_VANISHED = 1e-3  # users below this have scores near its square, which say nothing


class ALS(Learner):
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
        How often both sides are solved.
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

    user_embeddings_: Embeddings
    item_embeddings_: Embeddings
    interactions_: Interactions

    def __init__(
        self,
        dims: int = 64,
        *,
        regularization: float = 30.0,
        alpha: float = 5.0,
        iterations: int = 15,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.dims = dims
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.seed = seed
        self.threads = threads

    def fit(self, interactions: Interactions, y: object = None) -> Self:  # noqa: ARG002
        """Learn from interactions.

        Parameters
        ----------
        interactions : Interactions
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        ALS
            Itself, fitted.

        Raises
        ------
        InputError
            If a setting is out of range, ``interactions`` are none or hold no pair, or all
            vectors shrink to nothing because ``regularization`` is too large for so few pairs.
        """
        self._check_settings()
        if not isinstance(interactions, Interactions):
            raise InputError(
                f"fit takes Interactions; got {type(interactions).__name__}. "
                "Make them with Interactions.from_triples(users, items) or .from_file(path)."
            )
        if not len(interactions):
            raise InputError(f"There must be a pair to learn from; got {interactions!r}.")
        users, items = self._alternated(interactions)
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
        self._learned(interactions, users, items)
        return self

    def _check_settings(self) -> None:
        whole_number("dims", self.dims, 1, 4096)
        whole_number("iterations", self.iterations, 1)
        whole_number("seed", self.seed, 0)
        real_number("regularization", self.regularization, 1e-6, 1e9)
        real_number("alpha", self.alpha, 1e-6, 1e6)
        thread_count(self.threads)

    def _learned(
        self, interactions: Interactions, users: NDArray[np.float32], items: NDArray[np.float32]
    ) -> None:
        settings = {**self._plain_settings(), "threads": thread_count(self.threads)}
        content = fingerprint(
            _KIND,
            *(list(interactions.user_ids), users),
            *(list(interactions.item_ids), items),
            float(self.regularization),
            float(self.alpha),
        )
        card = Card(_KIND, int(self.dims), "dot", content, _ROLES, settings=tuple(settings.items()))
        placed_users = Embeddings(interactions.user_ids, users, card)
        placed_items = Embeddings(interactions.item_ids, items, card)
        self.user_embeddings_, self.item_embeddings_ = placed_users, placed_items
        self.interactions_ = interactions
        self._fitted_with = self._plain_settings()
        for cached in ("_gram", "_used"):
            self.__dict__.pop(cached, None)

    def _alternated(
        self, interactions: Interactions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        from embedry.kernels.least_squares import check_csr

        generator = np.random.default_rng(self.seed)
        users = _start(generator, len(interactions.user_ids), self.dims)
        items = _start(generator, len(interactions.item_ids), self.dims)
        by_user, by_item = interactions, interactions.transposed()
        for side in (by_user, by_item):
            check_csr(side.indptr, side.indices, side.values, *side.shape)
        with bar("Learning taste", self.iterations + 1) as advance:
            for _ in range(self.iterations):
                self._solve(by_user, users, items, steps=_STEPS)
                self._solve(by_item, items, users, steps=_STEPS)
                advance(1)
            users[:] = 0
            self._solve(by_user, users, items, steps=4 * self.dims, tolerance=1e-7)
        return users[:, : self.dims].copy(), items[:, : self.dims].copy()

    def _solve(
        self,
        side: Interactions,
        targets: NDArray[np.float32],
        fixed: NDArray[np.float32],
        *,
        steps: int,
        tolerance: float = 0.0,
    ) -> None:
        """Solve all rows of one side, each thread a range with its share of the pairs."""
        from embedry.kernels.least_squares import gram_matrix, solve_rows

        gram = gram_matrix(fixed)
        confidence = (1 + np.float32(self.alpha) * side.values).astype(np.float32)
        strength = np.full(len(targets), self.regularization, np.float32)
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

    def user(
        self, user: Id | None = None, *, history: Mapping[Id, float] | Iterable[Id] | None = None
    ) -> Embeddings:
        """Return where a user lies: one who was learned, or one known by their history.

        Parameters
        ----------
        user : str or int, optional
        history : iterable of ids, or mapping of id to value, optional
            Items of an unseen user; a value of 1 each unless given.

        Returns
        -------
        Embeddings
            Of one row; its id is the user's, or ``"history"``. A learned user who has used
            nothing lies at zero.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If not exactly one of user and history is given, the history is empty or repeats an
            item, or a value is not a finite number above 0.
        UnknownIdError
            If the user, or an item of the history, was not learned.

        Notes
        -----
        A history is folded in exactly: one linear system of ``dims`` unknowns.
        """
        self._check_asked(user, history)
        if history is None:
            return self.user_embeddings_.subset([user])  # type: ignore[list-item]
        vector = self.directions(history).sum(axis=1)  # (dims, past) -> (dims,)
        return Embeddings(["history"], vector[None], self.item_embeddings_.card)

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
    ) -> Hits:
        """Return the k items a user would want most.

        Parameters
        ----------
        user : str or int, optional
        history : iterable of ids, or mapping of id to value, optional
            As in `user`.
        k : int
            At least 1; k larger than the number of items left gives all of them.
        exclude_seen : bool
            Leave out what the user has used already.

        Returns
        -------
        Hits
            By dot product, best first, ties in the order of the items. ``hit.because`` names the
            past items that gave most of the score, and how much; over all past items these parts
            sum to the score (see `causes`).

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `user`; and InputError if k is below 1, or a learned user has used nothing.

        Notes
        -----
        O(items dims) time.
        """
        k = check_k(k)
        places, values = self._past(user, history)
        directions = self._shares(places, values)
        items = self.item_embeddings_
        if user is None:
            vector = directions.sum(axis=1).astype(np.float32)  # (dims, past) -> (dims,)
        else:
            vector = self.user_embeddings_[user]
        wanted = k + len(places) if exclude_seen else k
        found, scores = DOT.top(vector, items.vectors[self._used], wanted)
        found = self._used[found]
        if exclude_seen:
            fresh = ~np.isin(found, places)
            found, scores = found[fresh], scores[fresh]
        found, scores = found[:k], scores[:k]
        parts = items.vectors[found] @ directions  # (k, dims) @ (dims, past) -> (k, past)
        hits = tuple(
            Hit(items.ids[place], float(score), because=self._largest(places, part))
            for place, score, part in zip(found.tolist(), scores, parts, strict=True)
        )
        asked = f"user {user!r}" if user is not None else "a history"
        return Hits(hits, asked, Plan("recommend", None, "exact scan", len(items)))

    def similar(self, item: Id, *, k: int = 10) -> Hits:
        """Return the k items whose users are most alike.

        Parameters
        ----------
        item : str or int
        k : int
            At least 1; k larger than the number of items gives all.

        Returns
        -------
        Hits
            By cosine, best first, ties in the order of the items: the length of an item's vector
            is its popularity, and would put popular items near everything. Items nobody used
            have no direction and are left out.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        UnknownIdError
            If the item was not learned.
        InputError
            If k is below 1, or nobody used the item.
        """
        self._check_fitted("item_embeddings_")
        items, k = self.item_embeddings_, check_k(k)
        if item not in items:
            raise UnknownIdError(f"The item {item!r} was not learned.", ids=[item])
        query = items[item]
        if not query.any():
            raise InputError(f"Nobody used the item {item!r}: taste does not know where it lies.")
        rows = COSINE.prepare(items.vectors[self._used])
        found, scores = COSINE.top(COSINE.prepare_row(query), rows, k + 1)
        ids = [items.ids[place] for place in self._used[found].tolist()]
        hits = [
            Hit(id, score) for id, score in zip(ids, scores.tolist(), strict=True) if id != item
        ]
        plan = Plan("dense", None, "exact scan", len(rows), relation="same")
        return Hits(tuple(hits[:k]), f"id {item!r}", plan)

    def causes(
        self,
        item: Id,
        user: Id | None = None,
        *,
        history: Mapping[Id, float] | Iterable[Id] | None = None,
    ) -> dict[Id, float]:
        """Return what each past item of a user gives to the score of an item.

        Parameters
        ----------
        item : str or int
        user, history
            As in `user`.

        Returns
        -------
        dict of id to float
            Largest first; the values sum to the score, to float32 rounding.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `user`; and UnknownIdError if the item was not learned, InputError if a learned
            user has used nothing.

        References
        ----------
        Hu, Koren, Volinsky 2008, section 5 (s_ij^u c_uj).
        """
        places, values = self._past(user, history)
        parts = self.item_embeddings_[item] @ self._shares(places, values)
        order = np.argsort(-parts, kind="stable")
        ids = self.item_embeddings_.ids
        return {ids[places[i]]: float(parts[i]) for i in order.tolist()}

    def directions(self, history: Mapping[Id, float] | Iterable[Id]) -> NDArray[np.float64]:
        """Return what each past item gives to the vector of a user.

        Parameters
        ----------
        history : iterable of p ids, or mapping of id to value

        Returns
        -------
        ndarray (dims, p), float64
            In the order of the history. The columns sum to the user's vector; the dot product of
            an item with a column is what that past item gives to the item's score.

        Raises
        ------
        NotFittedError, InputError, UnknownIdError
            As `user`.
        """
        self._check_fitted("item_embeddings_")
        return self._shares(*self._places_of(history))

    def history(self, user: Id) -> dict[Id, float]:
        """Return what a user has used, with values, in the order of the items.

        Parameters
        ----------
        user : str or int

        Returns
        -------
        dict of id to float

        Raises
        ------
        NotFittedError
            Before ``fit``.
        UnknownIdError
            If the user was not learned.
        """
        self._check_fitted("item_embeddings_")
        used = self.interactions_
        row = self.user_embeddings_._place(user)
        part = slice(used.indptr[row], used.indptr[row + 1])
        pairs = zip(used.indices[part].tolist(), used.values[part].tolist(), strict=True)
        return {used.item_ids[item]: value for item, value in pairs}

    def _check_asked(
        self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None
    ) -> None:
        self._check_fitted("item_embeddings_")
        if (user is None) == (history is None):
            raise InputError("Pass exactly one of a user id and history=.")

    def _past(
        self, user: Id | None, history: Mapping[Id, float] | Iterable[Id] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return places and values of what a user, or somebody unknown, has used."""
        self._check_asked(user, history)
        if user is None:
            return self._places_of(history)  # type: ignore[arg-type]
        used = self.history(user)
        if not used:
            raise InputError(
                f"A user must have used something; {user!r} has not. Pass history=[...] instead."
            )
        return self._places_of(used)

    def _places_of(
        self, history: Mapping[Id, float] | Iterable[Id]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return places and values of the items of a history."""
        used, items = check_history(history), self.item_embeddings_
        missing = [id for id in used if id not in items]
        if missing:
            shown = ", ".join(map(repr, missing[:3]))
            raise UnknownIdError(
                f"{len(missing)} items of the history were not learned, such as {shown}. "
                "Leave them out, or fit again with them.",
                ids=missing,
            )
        places = np.array([items._place(id) for id in used], np.int64)
        return places, np.array(list(used.values()), np.float64)

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        """The places of the items that somebody used; of the others taste knows nothing."""
        return np.flatnonzero(self.interactions_.item_counts > 0)

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        vectors = self.item_embeddings_.vectors.astype(np.float64)
        gram: NDArray[np.float64] = vectors.T @ vectors  # (dims, items) @ (items, dims)
        return gram

    def _shares(
        self, places: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each past item gives to the user's vector, (dims, past), exactly."""
        past = self.item_embeddings_.vectors[places].astype(np.float64)
        told = self._fitted_with
        confidence = 1 + told["alpha"] * values
        system = self._gram + (past.T * (confidence - 1)) @ past
        system[np.diag_indices_from(system)] += told["regularization"]
        return np.asarray(np.linalg.solve(system, past.T * confidence))

    def _largest(
        self, places: NDArray[np.int64], parts: NDArray[np.float64]
    ) -> tuple[tuple[Id, float], ...]:
        order = np.argsort(-parts, kind="stable")[:_CAUSES]
        ids = self.item_embeddings_.ids
        return tuple((ids[places[i]], float(parts[i])) for i in order.tolist() if parts[i] > 0)

    def save(self, path: str | Path) -> None:
        """Write what was learned, and the seen items, into one file; `load` reads it.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If it cannot be written; what was there stays.
        """
        self._check_fitted("item_embeddings_")
        used = self.interactions_
        arrays: dict[str, NDArray[Any]] = {
            "users": self.user_embeddings_.vectors,
            "items": self.item_embeddings_.vectors,
            "indptr": used.indptr,
            "indices": used.indices,
            "values": used.values,
            **pack_ids(used.user_ids, "user_ids"),
            **pack_ids(used.item_ids, "item_ids"),
        }
        settings = {
            **self._fitted_with,
            "_merged": used.merged,
            "_dropped": dict(used.dropped),
        }
        write_model(path, self.item_embeddings_.card, settings, arrays)

    @classmethod
    def load(cls, path: str | Path) -> ALS:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        ALS
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        card, settings, file = read_model(path, _KIND)
        arrays = file.arrays
        try:
            counts = {"merged": settings.pop("_merged"), "dropped": settings.pop("_dropped")}
            taste = cls(**settings)
            taste._fitted_with = settings
            users = tuple(unpack_ids(arrays, "user_ids"))
            items = tuple(unpack_ids(arrays, "item_ids"))
            csr = (arrays["indptr"], arrays["indices"], arrays["values"])
            taste.interactions_ = Interactions(users, items, *csr, **counts)
            taste.user_embeddings_ = Embeddings(users, arrays["users"], card)
            taste.item_embeddings_ = Embeddings(items, arrays["items"], card)
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return taste


def _start(generator: np.random.Generator, count: int, dims: int) -> NDArray[np.float32]:
    """Return small random rows, (count, width) float32, zero beyond ``dims``."""
    from embedry.kernels.simd import aligned

    rows: NDArray[np.float32] = aligned(count, dims)
    rows[:, :dims] = generator.standard_normal((count, dims), np.float32) * (_START / dims**0.5)
    return rows
