"""Where the columns of a text table stand, and whether its first line names them.

What it is: what can be told from the first two lines, with words for what was guessed, so that
nothing is guessed in silence. What it is not: a reader of the other lines (see ``reader``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Form", "Layout", "find_layout", "is_number", "is_time", "letters_of"]

_DEFAULT = (0, 1, 2)
_MISSING = frozenset({"na", "n/a", "nan", "null", "nil", "none", "missing", "inf", "infinity"})
_NO_WORD_BEGINS = frozenset("0123456789+-.,{[")
_TIMES = frozenset({
    "timestamp", "time", "date", "datetime", "ts", "when", "unixtime", "unixreviewtime",
    "timestampms", "timestamps", "reviewtime", "eventtime", "createdat", "updatedat", "watchedat",
    "ratedat", "visitedat", "purchasedat", "playedat",
})  # fmt: skip


@dataclass(frozen=True)
class Form:
    """What a table is to hold, and how messages call it.

    Attributes
    ----------
    names : two of str
        What the two columns of names are: ``("user", "item")``.
    value : str
        What the third is.
    must : str
        What a value must be, in words.
    smallest, largest : float
        And in numbers: 0, or in [smallest, largest].
    advice : str
        What to do about a number that is none of these.
    text_advice : str
        And about text.
    are_headings : callable
        Says of the first two fields of the first line whether they are well-known names of
        columns.
    one_kind : bool
        Whether both columns name the same things, which then share their numbers.
    timed : bool
        Whether the form has times.
    """

    names: tuple[str, str]
    value: str
    must: str
    smallest: float
    largest: float
    advice: str
    text_advice: str
    are_headings: Callable[[Sequence[str]], bool]
    one_kind: bool = False
    timed: bool = False

    def fits(self, values: NDArray[np.float64]) -> bool:
        """Say whether all values are what they must be."""
        return bool(((values == 0) | ((values >= self.smallest) & (values <= self.largest))).all())


@dataclass(frozen=True)
class Layout:
    """Where in a row things stand; None for what is not there.

    Attributes
    ----------
    names : pair of int
    value, time : int or None
    width : int
        How many columns there are.
    header : bool
        Whether the first line names them.
    told : tuple of str
        What was guessed, in words.
    untaken_times : bool
        Whether the third column is headed as a time and was not taken for anything.
    """

    names: tuple[int, int]
    value: int | None
    time: int | None
    width: int
    header: bool
    told: tuple[str, ...] = ()
    untaken_times: bool = False

    @property
    def numbers(self) -> list[int]:
        """The columns of numbers."""
        return [place for place in (self.value, self.time) if place is not None]


def find_layout(
    path: Path,
    form: Form,
    head: list[list[str]],
    *,
    columns: Sequence[str | int],
    time: str | int | None,
    header: bool | None,
) -> Layout:
    """Find out where the columns stand.

    Parameters
    ----------
    path : Path
        For messages.
    form : Form
    head : one or two lists of str
        The first rows.
    columns, time, header
        As `Interactions.from_file` takes them.

    Returns
    -------
    Layout

    Raises
    ------
    InputError
        If a column is missing, two are the same, or an option is of another kind.
    """
    _check_asked(form, columns, header)
    third = _third(head, columns, time, header)
    names, value, when = _places(path, form, head[0], (0, 1) if third else columns, time)
    untaken = third == "headed" and time is None
    if untaken and form.timed and len(head) > 1 and len(head[1]) > 2 and is_time(head[1][2]):
        when, untaken = 2, False
    layout = Layout(names, value, when, len(head[0]), bool(header), untaken_times=untaken)
    if header is not None:
        return layout
    named = any(isinstance(column, str) for column in (*columns, time))
    guessed = named or third == "headed" or _is_header(head, layout, form)
    told = () if named else _told(head[0], layout, guessed, third == "headed")
    return Layout(names, value, when, layout.width, guessed, told, untaken)


def _check_asked(form: Form, columns: object, header: object) -> None:
    is_list = hasattr(columns, "__len__") and not isinstance(columns, (str, bytes))
    if not is_list or len(columns) not in {2, 3}:  # type: ignore[arg-type]
        raise InputError(
            f"columns must name {form.names[0]}, {form.names[1]} and perhaps {form.value}; "
            f"got {columns!r}."
        )
    if header not in {None, True, False}:
        raise InputError(f"header must be True, False or None, which finds it out; got {header!r}.")


def _third(
    head: list[list[str]],
    columns: Sequence[str | int],
    time: str | int | None,
    header: bool | None,
) -> str:
    """Say why a third column is no value where none was named: none there, the time, headed so."""
    first = head[0]
    if tuple(columns) != _DEFAULT or len(first) < 2:
        return ""
    if len(first) == 2:
        return "none"
    if time == 2 or (isinstance(time, str) and first[2] == time):
        return "time"
    return "headed" if header is not False and letters_of(first[2]) in _TIMES else ""


def _places(
    path: Path,
    form: Form,
    first: list[str],
    columns: Sequence[str | int],
    time: str | int | None,
) -> tuple[tuple[int, int], int | None, int | None]:
    asked = [*columns] if time is None else [*columns, time]
    places = [_place(path, first, column) for column in asked]
    if len(set(places)) < len(places):
        raise InputError(
            f"{form.names[0]}, {form.names[1]}, {form.value} and time must be columns of their "
            f"own; got columns={columns!r}, time={time!r}. Pass another one."
        )
    when = None if time is None else places[-1]
    return (places[0], places[1]), places[2] if len(columns) > 2 else None, when


def _place(path: Path, first: list[str], column: str | int) -> int:
    if isinstance(column, str) and column in first:
        return first.index(column)
    if (
        isinstance(column, (int, np.integer))
        and not isinstance(column, bool)
        and 0 <= column < len(first)
    ):
        return int(column)
    advice = " Pass delimiter= if it is parted otherwise." if len(first) == 1 else ""
    raise InputError(f"{path} must have a column {column!r}; its first line is {first}.{advice}")


def _is_header(rows: list[list[str]], layout: Layout, form: Form) -> bool:
    """Say whether the first line names columns: words above numbers, or well-known names."""
    wanted = [*layout.names, *layout.numbers]
    whole = len(rows) > 1 and len(rows[1]) > max(wanted)
    first, second = ([row[place] for place in wanted] for row in (rows[0], rows[int(whole)]))
    known = form.are_headings(first[:2])
    if layout.numbers:
        return _is_word(first[2]) and (known or not whole or not _is_word(second[2]))
    words = first[0] != first[1] and all(map(_is_word, first))
    return known or (words and all(map(is_number, second)))


def _told(first: list[str], layout: Layout, header: bool, headed: bool) -> tuple[str, ...]:
    """Put what was guessed into words."""
    shown = ", ".join(repr(name) for name in first if name)
    told = [f"first line taken as {'a header' if header else 'data'}: {shown:.80}"]
    if headed and layout.value is None:
        as_what = "as the time" if layout.time == 2 else "for nothing, as no value"
        told.append(f"column {first[2]!r} taken {as_what}")
    read = {*layout.names, *layout.numbers}
    unread = (i for i in range(len(first)) if i not in read)
    rest = [repr(first[i]) if header else str(i) for i in unread if first[i] or not header]
    if rest:
        told.append(f"columns not read: {', '.join(rest):.80}")
    return tuple(told)


def letters_of(name: str) -> str:
    """Return the letters of the name of a column alone, in lower case."""
    return "".join(filter(str.isalpha, name)).lower()


def _is_word(text: str) -> bool:
    """Say whether a field may name a column of numbers, rather than be a number gone wrong."""
    begins = text[:1] not in _NO_WORD_BEGINS and any(map(str.isalpha, text))
    return begins and text.lower() not in _MISSING and not is_number(text)


def is_time(text: str) -> bool:
    """Say whether a field is a whole number of 64 bits."""
    try:
        return -(2**63) <= int(text) < 2**63
    except ValueError:
        return False


def is_number(text: str) -> bool:
    """Say whether a field is a number, finite or not."""
    try:
        float(text)
    except ValueError:
        return False
    return True
