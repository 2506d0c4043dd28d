"""What is suspicious about interactions, counted, in words.

What it is: things that are no error and often a mistake: bots, times in milliseconds, names that
differ by a blank. What it is not: a change; nothing is altered or left out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id

__all__ = ["Finding", "Report", "report_of"]

_SHOWN = 3
_FEW_ITEMS = 20  # of which anybody may have used most
_TIMES = 1e8, 2e12  # from 1973 in seconds to 2033 in milliseconds
_YEAR_2200 = 7_258_118_400


@dataclass(frozen=True)
class Finding:
    """One thing that is suspicious.

    Attributes
    ----------
    kind : str
        A short name, the same in each report: ``"busy users"``.
    count : int
        How many there are.
    text : str
        What it may mean, and what to do.
    examples : tuple
        Up to three: ids, or groups of ids.
    """

    kind: str
    count: int
    text: str
    examples: tuple[object, ...] = ()

    def __str__(self) -> str:
        """Write it in a line."""
        shown = ", ".join(map(repr, self.examples))
        return f"{self.kind}: {self.count:,}{f', such as {shown}' if shown else ''}. {self.text}"


@dataclass(frozen=True)
class Report:
    """What interactions are, and what is suspicious about them; ``str`` of it is to be read.

    Attributes
    ----------
    summary : str
        How many users, items and pairs, and how full the table is.
    findings : tuple of Finding
        None where nothing is suspicious.
    reading : tuple of str
        How a file was read, where that was found out from its first lines.
    """

    summary: str
    findings: tuple[Finding, ...]
    reading: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind of finding."""
        return {finding.kind: finding.count for finding in self.findings}

    def __len__(self) -> int:
        """Return how many findings there are."""
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        """Go through the findings."""
        return iter(self.findings)

    def __str__(self) -> str:
        """Write a line for the whole, for what was found out on reading, and for each finding."""
        lines = [f"- {finding}" for finding in self.findings] or ["Nothing is suspicious."]
        return "\n".join([self.summary, *self.reading, *lines])


def report_of(used: Interactions, busy: float) -> Report:
    """Look for what is suspicious; see `Interactions.report`.

    Parameters
    ----------
    used : Interactions
    busy : float
        Users with more than this share of all items are busy.

    Returns
    -------
    Report
    """
    users, items = used.shape
    full = len(used) / max(users * items, 1)
    summary = f"{used!r}, {100 * full:.3g} % of the table"
    found = [
        *_reading(used),
        *_few(used),
        *_busy(used, busy),
        *_values(used),
        *_times(used),
        *_names("user", used.user_ids),
        *_names("item", used.item_ids),
    ]
    return Report(summary, tuple(found), used.reading)


def _reading(used: Interactions) -> Iterator[Finding]:
    """Find what was merged or left out on the way in."""
    if used.merged:
        yield Finding("merged pairs", used.merged, "They came again and became one pair each.")
    for reason, count in used.dropped.items():
        yield Finding(f"left out: {reason}", count, "It is not among the pairs.")


def _few(used: Interactions) -> Iterator[Finding]:
    """Find users and items of one pair or none."""
    sides: list[tuple[str, Sequence[Id], NDArray[np.int64]]] = [
        ("users", used.user_ids, np.diff(used.indptr)),
        ("items", used.item_ids, used.item_counts),
    ]
    for side, ids, counts in sides:
        for number, words in ((0, "without pairs"), (1, "with one pair")):
            places = np.flatnonzero(counts == number)
            if places.size:
                advice = "Nothing can be learned of them." if number == 0 else "Little is known."
                yield Finding(f"{side} {words}", places.size, advice, _named(ids, places))


def _busy(used: Interactions, share: float) -> Iterator[Finding]:
    """Find users who used a large share of all items."""
    counts, items = np.diff(used.indptr), len(used.item_ids)
    places = np.flatnonzero(counts > share * items)
    if places.size and items >= _FEW_ITEMS:
        places = places[np.argsort(-counts[places], kind="stable")]
        text = (
            f"Each used more than {100 * share:g} % of all items, the first {counts[places[0]]:,} "
            "of them. Bots do; without(users=[...]) leaves them out."
        )
        yield Finding("busy users", places.size, text, _named(used.user_ids, places))


def _values(used: Interactions) -> Iterator[Finding]:
    """Find values that say nothing."""
    if len(used) > 1 and used.values[0] != 1 and (used.values == used.values[0]).all():
        text = f"All are {used.values[0]:g}: they tell no pair from another."
        yield Finding("equal values", len(used), text)
    if len(used) and (used.values >= _TIMES[0]).all() and (used.values <= _TIMES[1]).all():
        text = (
            "All look like times, in seconds or finer; pass columns= and time= to tell them apart."
        )
        yield Finding("values like times", len(used), text, tuple(used.values[:_SHOWN].tolist()))


def _times(used: Interactions) -> Iterator[Finding]:
    """Find times that are none."""
    if used.times is None or not len(used):
        return
    if len(used) > 1 and (used.times == used.times[0]).all():
        text = f"All are {used.times[0]}: nothing can be told of before and after."
        yield Finding("equal times", len(used), text)
    for kind, wrong, text in (
        ("times not above 0", used.times <= 0, "They are of 1970 or before."),
        ("times beyond 2200", used.times > _YEAR_2200, "Seconds are meant: pass times // 1000."),
    ):
        if wrong.any():
            examples = tuple(used.times[wrong][:_SHOWN].tolist())
            yield Finding(kind, int(np.count_nonzero(wrong)), text, examples)


def _names(side: str, ids: Iterable[Id]) -> Iterator[Finding]:
    """Find names that differ by case, by blanks, or as a number and its text."""
    groups: defaultdict[str, list[Id]] = defaultdict(list)
    for id in ids:
        groups["".join(str(id).split()).casefold()].append(id)
    alike = [tuple(group) for group in groups.values() if len(group) > 1]
    if alike:
        text = "They differ by case, blanks or type alone; if they are one, rename them."
        yield Finding(f"{side} ids alike", len(alike), text, tuple(alike[:_SHOWN]))


def _named(ids: Sequence[Id], places: NDArray[np.int64]) -> tuple[Id, ...]:
    return tuple(ids[place] for place in places[:_SHOWN].tolist())
