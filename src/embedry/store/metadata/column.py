"""One metadata column: the values of one key, typed, at positions 0..n-1.

Numbers, times and truth values lie in one array beside a mask of who has one. Strings are stored
once and numbered (dictionary encoding: D. Abadi, S. Madden, M. Ferreira, "Integrating compression
and execution in column-oriented database systems", SIGMOD 2006), so that equality is a comparison
of ints and any other test runs once per distinct string.

What it is not: a check. `embedry.store.metadata.columns` fills columns with values that fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from embedry.store.metadata.rows import Kind, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["Column", "ListColumn", "NumberColumn", "TextColumn"]

_DTYPES: dict[Kind, type[np.generic]] = {
    "bool": np.bool_,
    "int": np.int64,
    "float": np.float64,
    "datetime": np.int64,
}
_EXACT_IN_FLOAT = 2**53
_NOWHERE = 2**63 - 1  # the start of a list that is not there: after every entry
_SPARE_STRINGS = 1024


def _extended(array: NDArray[Any], size: int, fill: float) -> NDArray[Any]:
    """Return the array with room for ``size``, doubled at least, so that growing costs O(1)."""
    if len(array) >= size:
        return array
    longer = np.full(max(size, 2 * len(array)), fill, array.dtype)
    longer[: len(array)] = array
    return longer


def _renumbered(
    numbers: dict[str, int], codes: NDArray[np.int32]
) -> tuple[dict[str, int], NDArray[np.int32]]:
    """Drop the strings that no code names, and number the others anew; -1 stays -1."""
    live = np.unique(codes[codes >= 0])
    new_code = np.full(len(numbers) + 1, -1, np.int32)
    new_code[live] = np.arange(len(live), dtype=np.int32)
    texts = list(numbers)
    return {texts[old]: new for new, old in enumerate(live.tolist())}, new_code[codes]


class _Column(ABC):
    """The values of one key at positions 0..n-1; a store, filled by `Columns` alone.

    Attributes
    ----------
    kind : str
        What it holds.
    count : int
        How many positions have a value.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.count = 0
        self._n = 0
        self._present: NDArray[np.bool_] = np.zeros(0, np.bool_)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a value, (n,) bool; a view, not to be written to."""
        return self._present[: self._n]

    def grow(self, n: int) -> None:
        """Make room for ``n`` positions; the new ones have no value."""
        self._n = n
        self._present = _extended(self._present, n, fill=False)
        self._grow(n)

    def put(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None:
        """Store one plain value at each of the positions, which differ and have none."""
        self._store(positions, values)
        self._present[positions] = True
        self.count += len(positions)

    def drop(self, positions: NDArray[np.int64]) -> None:
        """Forget the values at the positions, which differ; those without one are passed over."""
        held = positions[self._present[positions]]
        self._erase(held)
        self._present[held] = False
        self.count -= len(held)

    @abstractmethod
    def _grow(self, n: int) -> None: ...

    @abstractmethod
    def _store(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None: ...

    @abstractmethod
    def _erase(self, positions: NDArray[np.int64]) -> None: ...


@final
class NumberColumn(_Column):
    """Bools, ints, floats or datetimes; the last as int64 microseconds after 1970 in UTC."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self._values: NDArray[Any] = np.zeros(0, _DTYPES[kind])

    @property
    def values(self) -> NDArray[Any]:
        """The values, (n,) bool, int64 or float64; a view; anything where not `present`."""
        return self._values[: self._n]

    def holds_large_ints(self, leaving: NDArray[np.int64]) -> bool:
        """Whether this is a column of int, and one will stay that float64 may not hold."""
        stays = self.present.copy()
        stays[leaving] = False
        held = self.values[stays]
        beyond = (held > _EXACT_IN_FLOAT) | (held < -_EXACT_IN_FLOAT)
        return self.kind == "int" and bool(beyond.any())

    def widen(self) -> None:
        """Turn ints into floats, which `holds_large_ints` says is exact."""
        self.kind = "float"
        self._values = self._values.astype(np.float64)

    def _grow(self, n: int) -> None:
        self._values = _extended(self._values, n, fill=0)

    def _store(self, positions: NDArray[np.int64], values: Sequence[Any]) -> None:
        self._values[positions] = (
            [microseconds(value) for value in values] if self.kind == "datetime" else values
        )

    def _erase(self, positions: NDArray[np.int64]) -> None:
        """Do nothing: what is not present is not read."""


@final
class TextColumn(_Column):
    """Strings: each distinct one is kept once, each position holds its number."""

    def __init__(self) -> None:
        super().__init__("str")
        self._numbers: dict[str, int] = {}
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)

    def among(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Return where the value is one of ``texts``, (n,) bool; O(n)."""
        wanted = [self._numbers[text] for text in texts if text in self._numbers]
        if len(wanted) == 1:
            same: NDArray[np.bool_] = self._codes[: self._n] == wanted[0]
            return same
        passes = np.zeros(len(self._numbers), np.bool_)
        passes[wanted] = True
        return self._spread(passes)

    def passing(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return where the value passes ``test``, (n,) bool; O(distinct values + n)."""
        return self._spread(np.fromiter(map(test, self._numbers), np.bool_, len(self._numbers)))

    def _spread(self, passes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give each position what its string got: (distinct values,) -> (n,)."""
        spread: NDArray[np.bool_] = np.append(passes, False).take(self._codes[: self._n])
        return spread  # code -1, no value, found the False at the end

    def _grow(self, n: int) -> None:
        self._codes = _extended(self._codes, n, fill=-1)

    def _store(self, positions: NDArray[np.int64], values: Sequence[str]) -> None:
        numbers = self._numbers
        self._codes[positions] = [numbers.setdefault(text, len(numbers)) for text in values]
        # Strings that were overwritten stay, until they are more than half of all.
        if len(numbers) > 2 * (self.count + len(positions)) + _SPARE_STRINGS:
            self._numbers, self._codes = _renumbered(numbers, self._codes)

    def _erase(self, positions: NDArray[np.int64]) -> None:
        self._codes[positions] = -1


@final
class ListColumn(_Column):
    """Lists of str: all their entries in one array, each with its position as its owner.

    A list that is overwritten leaves its entries behind: an entry counts if it does not come
    before the start of its owner's present list. They are swept out when the array is full.
    """

    def __init__(self) -> None:
        super().__init__("list")
        self._numbers: dict[str, int] = {}
        self._used = 0
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._owners: NDArray[np.int64] = np.zeros(0, np.int64)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)

    def containing(self, text: str) -> NDArray[np.bool_]:
        """Return where ``text`` is in the list, (n,) bool; O(entries)."""
        found = np.zeros(self._n, np.bool_)
        if text in self._numbers:
            entries = np.flatnonzero(self._codes[: self._used] == self._numbers[text])
            owners = self._owners[entries]
            found[owners[entries >= self._starts[owners]]] = True
        return found

    def _grow(self, n: int) -> None:
        self._starts = _extended(self._starts, n, fill=_NOWHERE)

    def _store(self, positions: NDArray[np.int64], values: Sequence[list[str]]) -> None:
        numbers = self._numbers
        lengths = np.array([len(value) for value in values], np.int64)
        end = self._used + int(lengths.sum())
        if end > len(self._codes):
            end = self._make_room(end - self._used)
            numbers = self._numbers
        new = slice(self._used, end)
        self._codes[new] = [
            numbers.setdefault(text, len(numbers)) for value in values for text in value
        ]
        self._owners[new] = np.repeat(positions, lengths)  # (lists,) -> (entries,)
        self._starts[positions] = self._used + np.cumsum(lengths) - lengths
        self._used = end

    def _make_room(self, more: int) -> int:
        """Sweep out dead entries and leave room for as many again; return the new end."""
        codes, owners = self._codes[: self._used], self._owners[: self._used]
        live = np.arange(self._used) >= self._starts[owners]
        live_before = np.concatenate([[0], np.cumsum(live)])  # (entries,) -> (entries + 1,)
        held = np.flatnonzero(self._present)
        self._starts[held] = live_before[self._starts[held]]
        self._used = int(live_before[-1])
        self._numbers, codes = _renumbered(self._numbers, codes[live])
        end = self._used + more
        self._codes = _extended(codes, 2 * end, fill=-1)
        self._owners = _extended(owners[live], 2 * end, fill=0)
        return end

    def _erase(self, positions: NDArray[np.int64]) -> None:
        self._starts[positions] = _NOWHERE


Column: TypeAlias = NumberColumn | TextColumn | ListColumn
