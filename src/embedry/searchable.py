"""What can be asked of a set of vectors: similarity, neighbours, analogies, the odd one out.

What it is: the questions, as methods of `embedry.Embeddings`; every answer is exact. What it is
not: the arithmetic (see ``embedry.neighbours``), nor an index (see ``embedry.store``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from embedry.card import Card, Operation, Relation, check
from embedry.errors import InputError, UnknownIdError
from embedry.ids import Id, check_id, check_ids, check_unique
from embedry.metrics import COSINE, as_metric
from embedry.neighbours import (
    best_first,
    fit_with_the_others,
    mean_of_examples,
    nearest_rows,
    products_of_cosines,
)
from embedry.query import Hit, Hits, Plan
from embedry.vectors import as_queries, check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from embedry.metrics import Metric

__all__ = ["Searchable"]


class Searchable(ABC):
    """Ids and rows of one space that can be asked; abstract, see `embedry.Embeddings`."""

    @property
    @abstractmethod
    def ids(self) -> tuple[Id, ...]:
        """The ids, in order."""

    @property
    @abstractmethod
    def vectors(self) -> NDArray[np.float32]:
        """The rows, (n, dims) float32, read-only."""

    @property
    @abstractmethod
    def card(self) -> Card:
        """The identity of the space."""

    @property
    def dims(self) -> int:
        """The width of a vector."""
        return self.card.dims

    @cached_property
    def _places(self) -> dict[Id, int]:
        return {name: place for place, name in enumerate(self.ids)}

    @property
    def _metric(self) -> Metric:
        return as_metric(self.card.metric)

    @cached_property
    def _prepared(self) -> NDArray[np.float32]:
        return self._metric.prepare(self.vectors)

    def _place(self, id: object) -> int:
        name = check_id(id)
        if name not in self._places:
            raise UnknownIdError(
                f"There is no id {name!r} among these {len(self.ids):,}.", ids=[name]
            )
        return self._places[name]

    def similarity(self, first: Id, second: Id) -> float:
        """Return the score of two ids by the metric of the space; larger is nearer.

        Parameters
        ----------
        first, second : str or int

        Returns
        -------
        float

        Raises
        ------
        UnknownIdError
            If one is not there.
        InputError
            If one is not an id, or the metric is cosine and a vector is zero.
        """
        rows = self._prepared[[self._place(first), self._place(second)]]
        return float(self._metric.exact_scores(rows[0], rows[1:])[0])

    @overload
    def nearest(
        self,
        *,
        id: Id | None = None,
        vector: Searchable | ArrayLike | None = None,
        like: Sequence[Id] = (),
        unlike: Sequence[Id] = (),
        k: int = 10,
        include_self: bool = False,
    ) -> Hits: ...
    @overload
    def nearest(
        self, *, id: list[Id] | list[str] | list[int], k: int = 10, include_self: bool = False
    ) -> list[Hits]: ...
    def nearest(
        self,
        *,
        id: Id | Sequence[Id] | None = None,
        vector: Searchable | ArrayLike | None = None,
        like: Sequence[Id] = (),
        unlike: Sequence[Id] = (),
        k: int = 10,
        include_self: bool = False,
    ) -> Hits | list[Hits]:
        """Return the k nearest items of an item, a vector, or of examples; exact.

        Parameters
        ----------
        id : str or int, or a list of them
            Near this item; a list asks for each on its own and gives a list of `Hits`.
        vector : Embeddings of one row, or array-like (dims,)
            Near this vector. Embeddings must be of this space. Several rows, or an array
            (q, dims), ask for each on its own and give a list of `Hits`.
        like, unlike : sequences of str or int
            Near the first and far from the second: the mean of the unit vectors, those of
            ``unlike`` negated (3CosAdd).
        k : int
            At least 1; k > n gives n.
        include_self : bool
            Whether an item asked about may answer. One asked for by ``id`` then comes first, also
            before its equals and, where the metric is dot, before those that score higher.

        Returns
        -------
        Hits, or list of Hits
            Nearest first, ties in the order of ``ids``.

        Raises
        ------
        InputError
            If not exactly one of id, vector and like/unlike is given, k < 1, ``vector`` is not what
            must hold, like and unlike cancel out, or the metric is cosine and a vector is zero.
        UnknownIdError
            If an id is not there.
        ForeignSpaceError
            If ``vector`` comes from another space.

        Notes
        -----
        O(n dims) time and O(n) memory a query; a batch gives exactly what its queries give one by
        one.

        References
        ----------
        Mikolov, Yih, Zweig 2013, Linguistic Regularities in Continuous Space Word
        Representations (like and unlike).
        """
        k = check_k(k)
        likes, unlikes = check_ids(like), check_ids(unlike)
        ways = [id is not None, vector is not None, bool(likes or unlikes)]
        if sum(ways) != 1:
            raise InputError(
                f"One of id=, vector= and like=/unlike= must be given; got {sum(ways)}. "
                "Pass exactly one."
            )
        if likes or unlikes:
            return self._nearest_like(likes, unlikes, k, include_self)
        if vector is not None:
            return self._nearest_vector(vector, k)
        if isinstance(id, (str, int, np.integer)):
            return self._nearest_ids([id], k, include_self)[0]
        return self._nearest_ids(check_ids(id), k, include_self)  # type: ignore[arg-type]

    def _nearest_ids(self, ids: Sequence[Id], k: int, include_self: bool) -> list[Hits]:
        places = [self._place(id) for id in ids]
        queries = self._prepared[places]
        answers = self._search(queries, [{p} for p in places], k, [f"id {id!r}" for id in ids])
        if not include_self:
            return answers
        metric = self._metric
        own = [float(metric.exact_scores(query, query[None])[0]) for query in queries]
        itself = [Hit(self.ids[place], score) for place, score in zip(places, own, strict=True)]
        return [
            replace(hits, hits=(first, *hits)[:k])
            for first, hits in zip(itself, answers, strict=True)
        ]

    def _nearest_vector(self, vector: Searchable | ArrayLike, k: int) -> Hits | list[Hits]:
        if isinstance(vector, Searchable):
            relation = check(vector.card, self.card, Operation.SEARCH)
            rows, single = vector.vectors, len(vector.ids) == 1
        else:
            relation = Relation.SAME
            rows, single = as_queries(vector, self.dims)
        queries = self._metric.prepare(rows)
        asked = ["a vector"] * len(queries)
        found = self._search(queries, [set()] * len(queries), k, asked, relation)
        return found[0] if single else found

    def _nearest_like(
        self, like: Sequence[Id], unlike: Sequence[Id], k: int, include_self: bool
    ) -> Hits:
        places = [self._place(id) for id in (*like, *unlike)]
        query = mean_of_examples(self.vectors[places], len(like))
        queries = self._metric.prepare(query[None])
        asked = f"like {list(like)!r}" + (f", unlike {list(unlike)!r}" if unlike else "")
        return self._search(queries, [set() if include_self else set(places)], k, [asked])[0]

    def _search(
        self,
        queries: NDArray[np.float32],
        skipped: Sequence[set[int]],
        k: int,
        asked: Sequence[str],
        relation: Relation = Relation.SAME,
    ) -> list[Hits]:
        metric = self._metric
        return [
            self._hits(nearest_rows(query, self._prepared, metric, k, skip), words, relation)
            for query, skip, words in zip(queries, skipped, asked, strict=True)
        ]

    def _hits(
        self,
        found: Iterable[tuple[int, float]],
        asked: str,
        relation: Relation = Relation.SAME,
    ) -> Hits:
        plan = Plan("dense", passed=len(self.ids), relation=relation.value)
        return Hits(tuple(Hit(self.ids[place], score) for place, score in found), asked, plan)

    def analogy(
        self, a: Id, b: Id, c: Id, k: int = 10, *, method: Literal["add", "multiply"] = "add"
    ) -> Hits:
        """Return what is to ``c`` as ``b`` is to ``a``; exact.

        Parameters
        ----------
        a, b, c : str or int
            "a is to b as c is to ?", such as ``analogy("man", "king", "woman")``. None of them
            answers.
        k : int
            At least 1; more than the others are gives all of them.
        method : {"add", "multiply"}
            ``"add"`` scores by the cosine to b - a + c, of unit vectors (3CosAdd). ``"multiply"``
            multiplies the cosines to b and c, moved into [0, 1], and divides by that to a
            (3CosMul): the better where one of the three words outshines the others.

        Returns
        -------
        Hits
            Best first, ties in the order of ``ids``. By ``"multiply"`` scores are at least 0 and
            may exceed 1.

        Raises
        ------
        UnknownIdError
            If an id is not there.
        InputError
            If k < 1, there is no such method, the metric is not cosine (both methods are made
            of cosines), a vector is zero, or b - a + c is.

        Notes
        -----
        O(n dims) time, O(n) memory.

        References
        ----------
        Mikolov, Yih, Zweig 2013; Levy, Goldberg 2014, Linguistic Regularities in Sparse and
        Explicit Word Representations, equations 3 and 5.

        Examples
        --------
        >>> from embedry.embeddings import Embeddings
        >>> sizes = [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]]
        >>> words = Embeddings(["mouse", "mice", "louse", "lice"], sizes)
        >>> words.analogy("mouse", "mice", "louse", k=1).ids
        ('lice',)
        """
        k = check_k(k)
        self._check_cosine("An analogy")
        places = [self._place(id) for id in (b, c, a)]
        asked = f"what is to {c!r} as {b!r} is to {a!r}"
        if method == "add":
            query = COSINE.prepare(mean_of_examples(self.vectors[places], likes=2)[None])
            return self._search(query, [set(places)], k, [asked])[0]
        if method != "multiply":
            raise InputError(f"method must be 'add' or 'multiply'; got {method!r}.")
        scores = products_of_cosines(self._prepared, places[:2], places[2:])
        order = best_first(scores, k, without=set(places))
        return self._hits([(place, float(scores[place])) for place in order], asked)

    def odd_one_out(self, ids: Iterable[Id]) -> Hits:
        """Return some ids, the one that fits least with the others first.

        Parameters
        ----------
        ids : iterable of str or int
            At least three, all different.

        Returns
        -------
        Hits
            All of them, least fitting first, so that ``.ids[0]`` is the odd one out. The score
            is the cosine to the mean of the unit vectors of the others, smallest first; 0 where
            the others cancel out. Ties in the order given.

        Raises
        ------
        UnknownIdError
            If an id is not there.
        InputError
            If there are fewer than three, one repeats, the metric is not cosine, or a vector is
            zero.

        Examples
        --------
        >>> from embedry.embeddings import Embeddings
        >>> fruit = Embeddings(["apple", "pear", "car"], [[1, 0.1], [1, 0.2], [0, 1]])
        >>> fruit.odd_one_out(["apple", "car", "pear"]).ids[0]
        'car'
        """
        names = check_ids(ids)
        check_unique(names)
        if len(names) < 3:
            raise InputError(f"To find the odd one out takes at least 3 ids; got {len(names)}.")
        self._check_cosine("The odd one out")
        places = [self._place(name) for name in names]
        scores = fit_with_the_others(self._prepared[places]).tolist()
        order = sorted(range(len(names)), key=scores.__getitem__)
        return self._hits(
            [(places[at], scores[at]) for at in order], f"the odd one out of {names!r}"
        )

    def _check_cosine(self, what: str) -> None:
        if self.card.metric != COSINE.name:
            raise InputError(
                f"{what} is found by cosines, and needs a cosine space; the metric of this one is "
                f"{self.card.metric}. Where only directions matter, ask a space made for that: "
                "Embeddings(emb.ids, emb.vectors, metric='cosine')."
            )
