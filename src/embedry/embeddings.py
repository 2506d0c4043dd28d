"""Embeddings: ids, float32 rows, and the card of the space they lie in.

The value that flows through all of Embedry. Search here is exact; for large sets, filters and
updates see `embedry.Collection`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from embedry import wordfiles
from embedry.card import Card, Operation, Relation, check, fingerprint
from embedry.errors import FileFormatError, InputError, UnknownIdError
from embedry.files import read_arrays, write_arrays
from embedry.ids import Id, check_id, check_ids, check_unique, pack_ids, unpack_ids
from embedry.metrics import COSINE, as_metric
from embedry.neighbours import (
    best_first,
    fit_with_the_others,
    mean_of_examples,
    nearest_rows,
    products_of_cosines,
)
from embedry.query import Hit, Hits, Plan
from embedry.vectors import as_queries, as_rows, check_k

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Embeddings"]

_KIND = "embeddings"


class Embeddings:
    """A set of named vectors in one space; immutable.

    Parameters
    ----------
    ids : iterable of str or int, n of them
        All different; ``1`` and ``"1"`` are two ids.
    vectors : array-like (n, dims)
        Finite real numbers; float64 and ints are rounded to float32.
    card : Card, optional
        The space the vectors lie in. Left out, a card is made from the ids and bytes themselves:
        such embeddings mix with nothing else.
    metric : {"cosine", "dot", "euclidean"}, optional
        What "near" means, where no card says it; cosine when left out.

    Raises
    ------
    InputError
        If ids repeat, their number is not n, or the vectors are not what must hold.

    Examples
    --------
    >>> fruit = Embeddings(["apple", "pear", "car"], [[1, 0.1], [1, 0.2], [0, 1]])
    >>> fruit.nearest(id="apple", k=1).ids
    ('pear',)
    """

    def __init__(
        self,
        ids: Iterable[Id],
        vectors: ArrayLike,
        card: Card | None = None,
        *,
        metric: str | None = None,
    ) -> None:
        if card is not None and not isinstance(card, Card):
            raise InputError(f"card must be a Card; got {card!r}. Leave it out to have one made.")
        if card is not None and metric not in {None, card.metric}:
            raise InputError(f"metric must be that of the card, {card.metric}; got {metric!r}.")
        names = check_ids(ids)
        check_unique(names)
        rows = as_rows(vectors, None if card is None else card.dims)
        if len(names) != len(rows):
            raise InputError(f"There must be one id a vector; got {len(names)} and {len(rows)}.")
        rows = _private(rows, vectors)
        rows.flags.writeable = False
        self._ids = tuple(names)
        self._vectors = rows
        self._card = card or _card_of_bytes(names, rows, metric or "cosine")

    @property
    def ids(self) -> tuple[Id, ...]:
        """The ids, in order."""
        return self._ids

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The rows, (n, dims) float32, read-only."""
        return self._vectors

    @property
    def card(self) -> Card:
        """The identity of the space."""
        return self._card

    @property
    def dims(self) -> int:
        """The width of a vector."""
        return self._card.dims

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: object) -> bool:
        known = isinstance(id, (str, int, np.integer))
        return known and not isinstance(id, (bool, np.timedelta64)) and id in self._places

    def __reduce__(self) -> tuple[type[Embeddings], tuple[object, ...]]:
        return Embeddings, (self._ids, self._vectors, self._card)  # comes back checked and frozen

    def __getitem__(self, id: Id) -> NDArray[np.float32]:
        """Return the vector of an id, (dims,) float32; `UnknownIdError` if it is not there."""
        row: NDArray[np.float32] = self._vectors[self._place(id)]
        return row

    def __array__(
        self, dtype: DTypeLike | None = None, *, copy: bool | None = None
    ) -> NDArray[np.float32]:
        return np.array(self._vectors, dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Embeddings({len(self):,} x {self.dims}, {self._card})"

    @cached_property
    def _places(self) -> dict[Id, int]:
        return {name: place for place, name in enumerate(self._ids)}

    @cached_property
    def _prepared(self) -> NDArray[np.float32]:
        return as_metric(self._card.metric).prepare(self._vectors)

    def _place(self, id: object) -> int:
        name = check_id(id)
        if name not in self._places:
            raise UnknownIdError(f"There is no id {name!r} among these {len(self):,}.", ids=[name])
        return self._places[name]

    def subset(self, ids: Iterable[Id]) -> Embeddings:
        """Return the embeddings of some ids, in the order given.

        Parameters
        ----------
        ids : iterable of str or int

        Returns
        -------
        Embeddings
            With the same card.

        Raises
        ------
        UnknownIdError
            If some are not there; all of them are named.
        InputError
            If one repeats.
        """
        names = check_ids(ids)
        missing = [name for name in names if name not in self._places]
        if missing:
            shown = ", ".join(map(repr, missing[:3]))
            raise UnknownIdError(f"{len(missing)} ids are not there, such as {shown}.", ids=missing)
        return Embeddings(names, self._vectors[[self._places[n] for n in names]], self._card)

    def truncate(self, dims: int) -> Embeddings:
        """Return the first ``dims`` columns, for spaces trained to be cut (Matryoshka).

        Parameters
        ----------
        dims : int
            In [1, self.dims].

        Returns
        -------
        Embeddings
            Its card is `Relation.TRUNCATED` to this one.

        Raises
        ------
        InputError
            If dims is out of range.

        References
        ----------
        Kusupati et al. 2022, Matryoshka Representation Learning.
        """
        card = self._card.truncated(dims)
        return Embeddings(self._ids, self._vectors[:, : card.dims], card)

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
        return float(as_metric(self._card.metric).exact_scores(rows[0], rows[1:])[0])

    @overload
    def nearest(
        self,
        *,
        id: Id | None = None,
        vector: Embeddings | ArrayLike | None = None,
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
        vector: Embeddings | ArrayLike | None = None,
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
        metric = as_metric(self._card.metric)
        own = [float(metric.exact_scores(query, query[None])[0]) for query in queries]
        itself = [Hit(self._ids[place], score) for place, score in zip(places, own, strict=True)]
        return [
            replace(hits, hits=(first, *hits)[:k])
            for first, hits in zip(itself, answers, strict=True)
        ]

    def _nearest_vector(self, vector: Embeddings | ArrayLike, k: int) -> Hits | list[Hits]:
        if isinstance(vector, Embeddings):
            relation = check(vector.card, self._card, Operation.SEARCH)
            rows, single = vector.vectors, len(vector) == 1
        else:
            relation = Relation.SAME
            rows, single = as_queries(vector, self.dims)
        queries = as_metric(self._card.metric).prepare(rows)
        asked = ["a vector"] * len(queries)
        found = self._search(queries, [set()] * len(queries), k, asked, relation)
        return found[0] if single else found

    def _nearest_like(
        self, like: Sequence[Id], unlike: Sequence[Id], k: int, include_self: bool
    ) -> Hits:
        places = [self._place(id) for id in (*like, *unlike)]
        query = mean_of_examples(self._vectors[places], len(like))
        queries = as_metric(self._card.metric).prepare(query[None])
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
        metric = as_metric(self._card.metric)
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
        plan = Plan("dense", passed=len(self), relation=relation.value)
        return Hits(tuple(Hit(self._ids[place], score) for place, score in found), asked, plan)

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
            query = COSINE.prepare(mean_of_examples(self._vectors[places], likes=2)[None])
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
        if self._card.metric != COSINE.name:
            raise InputError(
                f"{what} is found by cosines, and needs a cosine space; the metric of this one is "
                f"{self._card.metric}. Where only directions matter, ask a space made for that: "
                "Embeddings(emb.ids, emb.vectors, metric='cosine')."
            )

    def save(self, path: str | Path) -> None:
        """Write ids, vectors and card into one file, all or nothing.

        Parameters
        ----------
        path : str or Path
            A safetensors file with the card in its header; read it with `load`.

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        header = {"card": self._card.to_dict(), "checksum": self._digest()}
        arrays = {"vectors": self._vectors, **pack_ids(self._ids)}
        write_arrays(path, _KIND, header, arrays)

    def _digest(self) -> str:
        packed = pack_ids(self._ids).values()
        return fingerprint(self._card.to_dict(), *packed, self._vectors)

    @classmethod
    def load(cls, path: str | Path, *, mmap: bool = False) -> Embeddings:
        """Read a file written by `save`.

        Parameters
        ----------
        path : str or Path
        mmap : bool
            Map the vectors into memory instead of reading them: rows are read when touched, and
            neither checked nor copied; `verify` does that when asked.

        Returns
        -------
        Embeddings

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is not such a file, is damaged, promises more than it holds, or is newer. What
            only the checksum shows, `verify` finds.
        """
        file = read_arrays(path, _KIND, mmap=mmap)
        try:
            card = Card.from_dict(file.header["card"])
            ids = unpack_ids(file.arrays)
            rows = file.arrays["vectors"]
            if rows.dtype != np.float32 or rows.shape != (len(ids), card.dims):
                raise InputError(
                    f"vectors must be float32 {(len(ids), card.dims)}; they are "
                    f"{rows.dtype} {rows.shape}."
                )
            rows.flags.writeable = False
            found = cls._mapped(ids, rows, card) if mmap else cls(ids, rows, card)
            found._checksum = file.header["checksum"]
        except KeyError as error:
            raise FileFormatError(f"{path} is damaged: {error} is missing.", path=path) from error
        except InputError as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return found

    _checksum: str | None = None

    @classmethod
    def _mapped(cls, ids: list[Id], rows: NDArray[np.float32], card: Card) -> Embeddings:
        """Build without touching the rows, which lie in a file."""
        found = cls.__new__(cls)
        check_unique(ids)
        found._ids, found._vectors, found._card = tuple(ids), rows, card
        return found

    def verify(self) -> None:
        """Read every vector, and hold all that was loaded against the checksum it was saved with.

        Raises
        ------
        InputError
            If a vector is not finite, or ids, vectors or card are not those that were saved.
        """
        as_rows(self._vectors, self.dims)
        if self._checksum is not None and self._digest() != self._checksum:
            raise InputError(
                "Ids, vectors and card must be those that were saved; they are not: the file is "
                "damaged. Restore a copy, or make it anew."
            )

    def write_word2vec(self, path: str | Path, *, binary: bool = False) -> None:
        """Write the word2vec format, text or binary, which gensim and others read.

        Parameters
        ----------
        path : str or Path
        binary : bool
            The text format keeps 9 digits, enough to read back the same float32.

        Raises
        ------
        InputError
            If an id holds white space or is empty, or ``1`` and ``"1"`` are both there: the
            format cannot tell them apart. The card is not kept by it.
        """
        wordfiles.write_word2vec(path, self._ids, self._vectors, binary=binary)

    @classmethod
    def read_word2vec(
        cls, path: str | Path, *, binary: bool = False, metric: str = "cosine"
    ) -> Embeddings:
        """Read the word2vec format, text or binary.

        Parameters
        ----------
        path : str or Path
        binary : bool
        metric : {"cosine", "dot", "euclidean"}

        Returns
        -------
        Embeddings
            All ids are str: the format cannot tell ``1`` from ``"1"``. The card is made from the
            bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If the header promises more or less than the file holds, or a row cannot be read.
        InputError
            If a word repeats, a number is not finite, or there is no such metric.
        """
        ids, rows = wordfiles.read_word2vec(path, binary=binary)
        return cls(ids, rows, metric=metric)


def _private(rows: NDArray[np.float32], given: ArrayLike) -> NDArray[np.float32]:
    """Return rows that nobody else can change: what the caller may still write to is copied."""
    converted = isinstance(given, np.ndarray) and not np.may_share_memory(rows, given)
    if converted or isinstance(given, (list, tuple)) or _is_read_only(rows):
        return rows
    return rows.copy()


def _is_read_only(array: object) -> bool:
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return True


def _card_of_bytes(ids: list[Id], rows: NDArray[np.float32], metric: str) -> Card:
    return Card("array", rows.shape[1], as_metric(metric).name, fingerprint("array", ids, rows))
