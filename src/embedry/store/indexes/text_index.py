"""BM25 over the texts of a collection: which items speak of the words of a query.

The score of an item is the sum, over the terms of the query, of

    idf * tf / (tf + k1 * (1 - b + b * length / mean length))      (Robertson & Zaragoza, eq. 3.15)

with idf = ln(1 + (n - df + 0.5) / (df + 0.5)), which is never negative. The number of items n, the
document frequency df and the mean length are exact: those of the texts that are there now. So a
long history of changes gives, to the bit, the scores of an index built afresh.

A text added is a new *row*, a text replaced or removed a row no longer alive. The postings of a
term, (row, frequency) pairs in the order of rows, lie in two places: a frozen base, all terms in
one pair of arrays, and a small tail, one growing array for each term. When the rows added or
removed since the last merge outnumber a tenth of the base, both are merged into a new base; that
makes changes linear in their number over time (J. Zobel, A. Moffat, "Inverted files for text
search engines", ACM Computing Surveys 38(2), 2006, section 5).

What it is not: durable (the texts are; the index can always be rebuilt from them), or aware of ids
(items are positions 0, 1, ...). It keeps no lock: methods that read (`search`, `scores`,
`maximum`, `arrays`) change nothing and may run in many threads at once, but none of them may run
while another thread is in `add` or `remove`.

References
----------
S. Robertson, H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond", Foundations
and Trends in Information Retrieval 3(4), 2009.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Self, final

import numpy as np

from embedry.errors import InputError
from embedry.store.indexes.text_analysis import ANALYSER_VERSION, analyse, analyse_query
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["BM25", "TextIndex"]

_MERGE_SHARE = 0.1
_MERGE_LEAST = 1024  # rows: below that a tail costs less than merging it
_LARGEST = 2**31 - 1
_DTYPES = {
    "version": np.int64,
    "positions": np.int64,
    "terms": np.uint8,
    "starts": np.int64,
    "rows": np.int32,
    "frequencies": np.int32,
}


@dataclass(frozen=True)
class BM25:
    """The settings of BM25.

    Attributes
    ----------
    k1 : float
        How slowly repetitions of a term saturate, at least 0; at 0 they count for nothing.
    b : float
        How much long texts are held back, in [0, 1].

    Raises
    ------
    InputError
        If they are out of range.
    """

    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        if not 0 <= self.k1 < float("inf"):
            raise InputError(f"k1 must be finite and at least 0; got {self.k1}. Try k1=1.2.")
        if not 0 <= self.b <= 1:
            raise InputError(f"b must be in [0, 1]; got {self.b}. Try b=0.75.")


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Base:
    """The rows and postings of the last merge.

    Attributes
    ----------
    terms : dict of str to int
        The number of each term; they come in the order of their numbers.
    starts : ndarray (terms + 1,), int64
        Where the postings of a term begin, and those of the last end.
    rows, frequencies : ndarray (postings,), int32
        The rows of a term ascend.
    positions : ndarray (rows,), int64
        Ascending.
    """

    terms: dict[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    frequencies: NDArray[np.int32]
    positions: NDArray[np.int64]

    @classmethod
    def empty(cls) -> _Base:
        nothing = np.empty(0, np.int32)
        return cls({}, np.zeros(1, np.int64), nothing, nothing, np.empty(0, np.int64))

    def postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        number = self.terms.get(term)
        if number is None:
            return self.rows[:0], self.frequencies[:0]
        part = slice(self.starts[number], self.starts[number + 1])
        return self.rows[part], self.frequencies[part]

    def posting_terms(self) -> NDArray[np.int64]:
        """Return the number of the term of each posting, (postings,)."""
        numbers = np.arange(len(self.terms), dtype=np.int64)
        return np.repeat(numbers, np.diff(self.starts))

    def by_name(self) -> _Base:
        """Return the same with the terms sorted."""
        names = sorted(self.terms)
        place = np.empty(len(names), np.int64)
        place[[self.terms[name] for name in names]] = np.arange(len(names))
        terms = place[self.posting_terms()]
        return _base_of(names, terms, self.rows, self.frequencies, self.positions)

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of terms of each row, repetitions included."""
        sums = np.bincount(self.rows, self.frequencies, len(self.positions))
        return sums.astype(np.int64)  # exact: float64 holds all ints below 2**53


def _base_of(
    names: list[str],
    terms: NDArray[np.int64],
    rows: NDArray[np.int32],
    frequencies: NDArray[np.int32],
    positions: NDArray[np.int64],
) -> _Base:
    """Return the base of postings in any order; terms without any are left out."""
    # by term, then by row; the sort is fast because most of it is in order already
    order = np.argsort(terms * len(positions) + rows, kind="stable")
    counts = np.bincount(terms, minlength=len(names))
    used = counts > 0
    return _Base(
        {name: number for number, name in enumerate(compress(names, used.tolist()))},
        np.concatenate([[0], np.cumsum(counts[used])]),
        rows[order],
        frequencies[order],
        positions,
    )


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is known of each row, dead or alive.

    Attributes
    ----------
    positions, lengths : ndarray (rows,), int64
    alive : ndarray (rows,), bool
    live, total_length : int
        The number and the summed lengths of the rows alive.
    """

    positions: NDArray[np.int64]
    lengths: NDArray[np.int64]
    alive: NDArray[np.bool_]
    live: int
    total_length: int

    def __len__(self) -> int:
        return len(self.positions)

    @classmethod
    def of(cls, positions: NDArray[np.int64], lengths: NDArray[np.int64]) -> _Rows:
        alive = np.ones(len(positions), np.bool_)
        return cls(positions, lengths, alive, len(positions), int(lengths.sum()))

    def joined(self, more: _Rows) -> _Rows:
        return _Rows(
            np.concatenate([self.positions, more.positions]),
            np.concatenate([self.lengths, more.lengths]),
            np.concatenate([self.alive, more.alive]),
            self.live + more.live,
            self.total_length + more.total_length,
        )

    def without(self, rows: NDArray[np.int64]) -> _Rows:
        """Return the same with some live rows dead, each named once."""
        alive = self.alive.copy()
        alive[rows] = False
        gone = int(self.lengths[rows].sum())
        return _Rows(
            self.positions, self.lengths, alive, self.live - len(rows), self.total_length - gone
        )


@final
class TextIndex:
    """An index of texts by BM25, in memory.

    Parameters
    ----------
    settings : BM25, optional

    Notes
    -----
    Memory: 8 bytes for each distinct term of each text, 25 for each text and about 110 for each
    term; a merge needs about six times the first for a moment. A query takes time linear in the
    texts that hold its terms, and passes once over an array of all rows.

    Examples
    --------
    >>> index = TextIndex()
    >>> index.add([0, 1, 2], ["a red fox", "the fox and the hound", "json.dumps"])
    >>> positions, scores = index.search("foxes", k=10)
    >>> positions.tolist()
    [0, 1]
    """

    def __init__(self, settings: BM25 | None = None) -> None:
        self._settings = BM25() if settings is None else settings
        self._use(_Base.empty())

    def _use(self, base: _Base) -> None:
        self._base = base
        self._rows = _Rows.of(base.positions, base.lengths())
        # a term's rows and frequencies by turns: row, frequency, row, frequency, ...
        self._tail: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self._tail_rows: dict[int, int] = {}  # of a position, if it is in the tail and alive

    @property
    def settings(self) -> BM25:
        """The settings."""
        return self._settings

    @property
    def term_count(self) -> int:
        """How many terms are kept; one of removed texts alone leaves with the next merge."""
        return len(self._base.terms.keys() | self._tail.keys())

    def __len__(self) -> int:
        """Return how many items have a text."""
        return self._rows.live

    def __repr__(self) -> str:
        return f"TextIndex({len(self)} texts, {self.term_count} terms, {self._settings})"

    # Changes -------------------------------------------------------------------------------------

    def add(
        self, positions: Sequence[int] | NDArray[np.integer], texts: Sequence[str | None]
    ) -> None:
        """Set the texts of items, new ones or in place of what was there.

        Parameters
        ----------
        positions : sequence of int (n,)
            Each at least 0, each once.
        texts : sequence of str or None (n,)
            None: the item has no text. A text without terms counts as a text of length 0.

        Raises
        ------
        InputError
            If positions and texts differ in number, a position is negative or comes twice, or a
            text is not a str; then nothing was changed.

        Notes
        -----
        Time is linear in the texts, most of it spent in their analysis; now and then comes a
        merge, linear in the whole.
        """
        places = _as_positions(positions)
        _check_texts(places, texts)
        self._bury(places)
        added: list[int] = []
        lengths: list[int] = []
        for position, text in zip(places.tolist(), texts, strict=True):
            if text is not None:
                row = len(self._rows) + len(added)
                self._tail_rows[position] = row
                added.append(position)
                lengths.append(self._append(row, text))
        self._rows = self._rows.joined(
            _Rows.of(np.array(added, np.int64), np.array(lengths, np.int64))
        )
        self._merge_if_due()

    def remove(self, positions: Sequence[int] | NDArray[np.integer]) -> None:
        """Forget the texts of items; those without one stay without.

        Parameters
        ----------
        positions : sequence of int (n,)
            Each at least 0.

        Raises
        ------
        InputError
            If a position is negative; then nothing was changed.
        """
        self._bury(np.unique(_as_positions(positions)))
        self._merge_if_due()

    def _append(self, row: int, text: str) -> int:
        """Append the postings of a text to the tail, and return its length."""
        terms = analyse(text)
        for term, frequency in Counter(terms).items():
            postings = self._tail[term]
            postings.append(row)
            postings.append(frequency)
        return len(terms)

    def _bury(self, positions: NDArray[np.int64]) -> None:
        """Let the rows of positions, each named once, be alive no more."""
        rows = self._rows_of(positions)
        self._rows = self._rows.without(rows[rows >= 0])
        for position in positions.tolist():
            self._tail_rows.pop(position, None)

    def _rows_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the live row of each position, -1 where there is none."""
        known = self._base.positions
        rows = np.searchsorted(known, positions).astype(np.int64)
        found = rows < len(known)
        found[found] = known[rows[found]] == positions[found]
        found[found] = self._rows.alive[rows[found]]
        rows[~found] = -1
        if self._tail_rows:
            for i, position in enumerate(positions.tolist()):
                rows[i] = self._tail_rows.get(position, rows[i])
        return rows

    def _merge_if_due(self) -> None:
        frozen = len(self._base.positions)
        added, dead = len(self._rows) - frozen, len(self._rows) - self._rows.live
        if added + dead > max(_MERGE_LEAST, _MERGE_SHARE * frozen):
            self._use(self._merged())

    def _merged(self) -> _Base:
        """Return all that is alive as one base."""
        live = np.flatnonzero(self._rows.alive)
        live = live[np.argsort(self._rows.positions[live])]
        renumbered = np.full(len(self._rows), -1, np.int32)
        renumbered[live] = np.arange(len(live), dtype=np.int32)
        names, terms, rows, frequencies = self._all_postings()
        rows = renumbered[rows]
        kept = np.flatnonzero(rows >= 0)
        terms, rows, frequencies = terms[kept], rows[kept], frequencies[kept]
        return _base_of(names, terms, rows, frequencies, self._rows.positions[live])

    def _all_postings(
        self,
    ) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Return the names of terms; and of each posting the number of its term, row, frequency."""
        base, numbers = self._base, dict(self._base.terms)
        grown = [numbers.setdefault(name, len(numbers)) for name in self._tail]
        sizes = [len(postings) // 2 for postings in self._tail.values()]
        tail = np.concatenate([np.empty(0, np.int32), *map(_copied, self._tail.values())])
        return (
            list(numbers),
            np.concatenate([base.posting_terms(), np.repeat(np.array(grown, np.int64), sizes)]),
            np.concatenate([base.rows, tail[0::2]]),
            np.concatenate([base.frequencies, tail[1::2]]),
        )

    # Queries -------------------------------------------------------------------------------------

    def search(
        self, query: str, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best items of a query.

        Parameters
        ----------
        query : str
            Any words: an item needs to have one of them. Stop words are left out unless there is
            nothing else; a word said twice counts twice.
        k : int
            At least 1.
        allowed : ndarray (positions,), bool, optional
            Which items may be returned; it has no influence on their scores.

        Returns
        -------
        positions : ndarray (m,), int64
            At most k, best first, ties by position.
        scores : ndarray (m,), float32
            All above 0.

        Raises
        ------
        InputError
            If k is not an int of at least 1, or ``allowed`` not a mask over all positions.
        """
        k = check_k(k)
        positions, scores = self._matches(query, allowed)
        if len(scores) > k:
            least = np.partition(scores, len(scores) - k)[len(scores) - k]
            best = scores >= least  # all ties of the last place
            positions, scores = positions[best], scores[best]
        order = np.lexsort((positions, -scores))[:k]
        return positions[order], scores[order]

    def scores(
        self, query: str, positions: Sequence[int] | NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """Return the scores of given items, equal to those that `search` returns.

        Parameters
        ----------
        query : str
        positions : sequence of int (m,)
            Each at least 0.

        Returns
        -------
        ndarray (m,), float32
            0 for an item without a text or without a word of the query.

        Raises
        ------
        InputError
            If a position is negative.
        """
        rows = self._rows_of(_as_positions(positions))
        scores = np.zeros(len(rows), np.float32)
        scores[rows >= 0] = self._row_scores(query)[rows[rows >= 0]]
        return scores

    def document_frequency(self, term: str) -> int:
        """Return how many items hold a term.

        Parameters
        ----------
        term : str
            As `embedry.store.indexes.text_analysis.analyse` writes it.

        Returns
        -------
        int
        """
        return len(self._live_postings(term)[0])

    def maximum(self, query: str, allowed: NDArray[np.bool_] | None = None) -> float:
        """Return the highest score of a query: that of the first item that `search` returns.

        Parameters
        ----------
        query : str
        allowed : ndarray (positions,), bool, optional

        Returns
        -------
        float
            0.0 if nothing matches.

        Raises
        ------
        InputError
            If ``allowed`` is not a mask over all positions.
        """
        return float(self._matches(query, allowed)[1].max(initial=0.0))

    def _matches(
        self, query: str, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the positions and scores of all that match, in the order of rows."""
        scores = self._row_scores(query)
        rows = np.flatnonzero(scores > 0)
        positions = self._rows.positions[rows]
        if allowed is not None:
            _check_mask(allowed, int(self._rows.positions.max(initial=-1)) + 1)
            passed = allowed[positions]
            rows, positions = rows[passed], positions[passed]
        return positions, scores[rows].astype(np.float32)

    def _row_scores(self, query: str) -> NDArray[np.float64]:
        """Return the score of each row, (rows,); 0 where nothing matches."""
        rows, weights = [np.empty(0, np.int32)], [np.empty(0)]
        # in a fixed order, so that the sums are always rounded alike
        for term, times in sorted(Counter(analyse_query(query)).items()):
            term_rows, frequencies = self._live_postings(term)
            rows.append(term_rows)
            weights.append(times * self._weights(term_rows, frequencies))
        sums = np.bincount(np.concatenate(rows), np.concatenate(weights), len(self._rows))
        return np.asarray(sums, np.float64)

    def _live_postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        rows, frequencies = self._base.postings(term)
        if term in self._tail:
            tail = _copied(self._tail[term])
            rows = np.concatenate([rows, tail[0::2]])
            frequencies = np.concatenate([frequencies, tail[1::2]])
        if self._rows.live < len(self._rows):
            alive = self._rows.alive[rows]
            rows, frequencies = rows[alive], frequencies[alive]
        return rows, frequencies

    def _weights(
        self, rows: NDArray[np.int32], frequencies: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """Return what a term adds to the score of each of its rows: equation 3.15."""
        k1, b = self._settings.k1, self._settings.b
        n, df = self._rows.live, len(rows)
        mean = max(self._rows.total_length, 1) / max(n, 1)
        idf = np.log1p((n - df + 0.5) / (df + 0.5))
        saturation = k1 * (1 - b) + k1 * b / mean * self._rows.lengths[rows]
        return np.asarray(idf * (frequencies / (frequencies + saturation)), np.float64)

    # Arrays --------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the index as arrays, for a file; the same for any history of the same texts.

        Returns
        -------
        dict of str to ndarray
            ``version`` (1,), int64: of the analyser; ``positions`` (rows,), int64, ascending;
            ``terms``, uint8: the terms in UTF-8, sorted, a line feed after each; ``starts``
            (terms + 1,), int64: where the postings of each term begin; ``rows`` and
            ``frequencies`` (postings,), int32.
        """
        base = self._merged().by_name()
        text = "".join(f"{term}\n" for term in base.terms)
        return {
            "version": np.array([ANALYSER_VERSION]),
            "positions": base.positions,
            "terms": np.frombuffer(text.encode("utf-8"), np.uint8),
            "starts": base.starts,
            "rows": base.rows,
            "frequencies": base.frequencies,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.generic]], settings: BM25 | None = None
    ) -> Self:
        """Return the index that `arrays` told of.

        Parameters
        ----------
        arrays : mapping of str to ndarray
        settings : BM25, optional
            They are no part of the arrays.

        Returns
        -------
        TextIndex

        Raises
        ------
        InputError
            If the arrays are not those of an index, contradict each other, or are of another
            version of the analyser. Build the index afresh from the texts.
        """
        index = cls(settings)
        index._use(_read_base(arrays))
        return index


def _copied(postings: array[int]) -> NDArray[np.int32]:
    # a copy, because an array cannot grow while NumPy looks at its memory
    return np.array(postings, np.int32)


# Checks ------------------------------------------------------------------------------------------


def _as_positions(positions: ArrayLike) -> NDArray[np.int64]:
    places = np.asarray(positions)
    if places.size == 0:
        return np.empty(0, np.int64)
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise InputError(
            f"positions must be ints in one row; got shape {places.shape} of {places.dtype}."
        )
    if places.min() < 0 or places.max() > _LARGEST:
        raise InputError(
            f"positions must be in [0, {_LARGEST}]; got {places.min()} to {places.max()}."
        )
    return places.astype(np.int64)


def _check_texts(positions: NDArray[np.int64], texts: Sequence[str | None]) -> None:
    if len(positions) != len(texts):
        raise InputError(
            f"each position must have a text or None; got {len(positions)} positions and "
            f"{len(texts)} texts."
        )
    if len(np.unique(positions)) < len(positions):
        raise InputError("positions must differ; one came twice. Pass the last text of each item.")
    for position, text in zip(positions.tolist(), texts, strict=True):
        if text is not None and not isinstance(text, str):
            raise InputError(
                f"a text must be a str or None; got {type(text).__name__} for position {position}."
            )


def _check_mask(allowed: NDArray[np.bool_], extent: int) -> None:
    if allowed.dtype != np.bool_ or allowed.ndim != 1 or len(allowed) < extent:
        raise InputError(
            f"allowed must be a bool for each of the {extent} positions or more; got shape "
            f"{allowed.shape} of {allowed.dtype}."
        )


def _read_base(arrays: Mapping[str, NDArray[np.generic]]) -> _Base:
    """Return the base that arrays tell of, after every check that a query relies on."""
    _check(arrays.keys() == _DTYPES.keys(), f"be {sorted(_DTYPES)}", f"{sorted(arrays)}")
    for name, dtype in _DTYPES.items():
        came = arrays[name]
        _check(
            came.ndim == 1 and came.dtype == dtype,
            f"have one axis and dtype {np.dtype(dtype)} in {name!r}",
            f"shape {came.shape} of {came.dtype}",
        )
    version = arrays["version"].tolist()
    _check(version == [ANALYSER_VERSION], f"be of analyser {ANALYSER_VERSION}", f"{version}")
    base = _Base(
        _read_terms(arrays["terms"].tobytes()),
        arrays["starts"].astype(np.int64),
        arrays["rows"].astype(np.int32),
        arrays["frequencies"].astype(np.int32),
        arrays["positions"].astype(np.int64),
    )
    _check_base(base)
    return base


def _read_terms(raw: bytes) -> dict[str, int]:
    try:
        *names, rest = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"the terms of a text index must be UTF-8; {error}. Rebuild it.") from None
    _check(not rest, "end each term with a line feed", f"{rest!r} at the end")
    _check(all(a < b for a, b in pairwise(names)), "have terms sorted, each once", "another order")
    return {name: number for number, name in enumerate(names)}


def _check_base(base: _Base) -> None:
    starts, rows, positions = base.starts, base.rows, base.positions
    _check(
        len(starts) == len(base.terms) + 1 and starts[0] == 0 and starts[-1] == len(rows),
        f"have starts from 0 to {len(rows)} for {len(base.terms)} terms",
        f"{len(starts)} starts",
    )
    _check(_ascend(starts), "have postings for each term", "a term without")
    _check(len(base.frequencies) == len(rows), "have a frequency for each row", "another number")
    _check(bool((base.frequencies > 0).all()), "have frequencies above 0", "one below 1")
    _check(
        bool(((rows >= 0) & (rows < len(positions))).all()),
        f"have rows in [0, {len(positions)})",
        "one outside",
    )
    ascending = rows[1:] > rows[:-1]
    ascending[starts[1:-1] - 1] = True  # where the postings of another term begin
    _check(bool(ascending.all()), "have the rows of a term ascending", "another order")
    _check(
        _ascend(positions)
        and (len(positions) == 0 or (positions[0] >= 0 and positions[-1] <= _LARGEST)),
        f"have positions ascending in [0, {_LARGEST}]",
        "others",
    )


def _ascend(numbers: NDArray[np.int64]) -> bool:
    # compared, not subtracted: the difference of hostile numbers may overflow
    return bool((numbers[1:] > numbers[:-1]).all())


def _check(holds: bool, must: str, came: str) -> None:
    if not holds:
        raise InputError(
            f"the arrays of a text index must {must}; got {came}. Rebuild the index from the texts."
        )
