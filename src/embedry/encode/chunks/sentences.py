"""Where sentences begin and end, by punctuation and line breaks.

What it is: a rule for all scripts that end sentences with marks, in one pass. What it is not: a
parser; after an unlisted abbreviation before a capital it sees an end where there is none.

References
----------
Unicode Standard Annex 29, section 5 (sentence boundaries; this is a simpler rule: a mark, perhaps
closing quotes or brackets, then a space and no small letter).
"""

from __future__ import annotations

import re

__all__ = ["sentences"]

_END = re.compile(
    r"""
    (?<![.!?…]) [.!?…]++ ['"’”»)\]]*+ (?=\s)  # marks that need a space behind them
    | [。！？｡։۔।॥]++ [」』）”’]*+                # marks that need none
    | \n\s*\n | \r\n\s*\r\n         # an empty line
    """,
    re.VERBOSE,
)
_LETTERS = re.compile(r"[\w.]*\w(?=\.['\"’”»)\]]*$)")
_SHORT = frozenset(  # in lines of text: abbreviations
    """
    mr mrs ms dr prof st vs etc fig figs eq eqs sec al cf ca approx dept inc ltd co corp
    jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e u.s u.k u.n a.m p.m ph.d
    vol pp ed eds nos rev gen col capt sgt mt
    """.split()  # noqa: SIM905  (forty quoted words would hide it)
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a text are, blanks around them left out.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of (int, int)
        Ascending and apart; together they hold every character that is no blank.

    Examples
    --------
    >>> text = "Dr. Who came. Why? Nobody knows."
    >>> [text[begin:end] for begin, end in sentences(text)]
    ['Dr. Who came.', 'Why?', 'Nobody knows.']
    """
    found, begin = [], 0
    for mark in _END.finditer(text):
        if _ends(text, begin, mark):
            found.append((begin, mark.end()))
            begin = mark.end()
    found.append((begin, len(text)))
    trimmed = (_trimmed(text, *one) for one in found)
    return [one for one in trimmed if one[0] < one[1]]


def _ends(text: str, begin: int, mark: re.Match[str]) -> bool:
    """Say whether a mark ends a sentence: no abbreviation, and no small letter behind it."""
    if mark[0].strip() == "" or mark[0][0] not in ".…":
        return True
    behind = text[mark.end() : mark.end() + 80].lstrip()
    if behind[:1].islower():
        return False
    if mark[0][0] != "." or mark[0].startswith(".."):
        return True
    before = _LETTERS.search(text[max(begin, mark.start() - 20) : mark.start() + 1])
    word = before[0].lower() if before else ""
    initial = len(word) == 1 and word.isalpha() and word not in "iax"
    return word not in _SHORT and not initial


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    part = text[begin:end]
    left = len(part) - len(part.lstrip())
    return begin + left, begin + left + len(part.strip())
