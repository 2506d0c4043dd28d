r"""Words of any script: runs of letters and digits, with the marks that belong to them.

A word begins with a letter, digit or underscore (``\w``). To it belong all that follow without a
gap: more of these; combining marks, which are vowels, tones and accents of many scripts; and the
zero width joiner and non-joiner where the word goes on behind them, for they choose the form of
a letter in Persian, Hindi and others. Text is lowercased and then brought to NFC, so that what
Unicode calls the same text gives the same words.

What it is not: a dictionary. Thai, Lao, Khmer, Burmese, Chinese and Japanese are written without
spaces; of these a whole run is one word.

References
----------
The Unicode Standard, Annex 29, "Unicode text segmentation", rules WB4 to WB10 (marks and joiners
go with what stands before them); Annex 15, "Unicode normalization forms".
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING
from unicodedata import category, normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["words_as_written", "words_of", "words_of_lines"]

_ASCII = re.compile(r"\w+")
_JOINERS = "\u200c\u200d"
_HOLD_MARKS = (  # blocks that have any: not ideographs and the like, which would take 10 ms more
    range(0x300, 0x3100),
    range(0xA000, 0xAC00),
    range(0xFB00, 0x12000),
    range(0x13000, 0x17000),
    range(0x1B000, 0x1F000),
    range(0xE0000, 0xE0200),
)
_BEYOND = "\U00010000-\U0010ffff"


def words_of(text: str) -> list[str]:
    r"""Return the words of a text, in lower case and in NFC.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Notes
    -----
    ASCII is split by a simpler pattern. The other is made at its first use, in some 6 ms.

    Examples
    --------
    >>> words_of("Cafe\u0301 हिन्दी, 5!") == ["caf\xe9", "हिन्दी", "5"]
    True
    """
    return words_as_written(text.lower())


def words_as_written(text: str) -> list[str]:
    """Return the words of a text in NFC, capitals left as they are.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> words_as_written("İstanbul, Türkiye")
    ['İstanbul', 'Türkiye']
    """
    if text.isascii():
        return _ASCII.findall(text)
    return _any_script()(normalize("NFC", text))  # which looks first whether it is


def words_of_lines(text: str) -> list[list[str]]:
    r"""Return the words of each line, fast where lines are single words.

    Parameters
    ----------
    text : str
        Lines are cut at ``\n`` and nothing else.

    Returns
    -------
    list of list of str
        What `words_of` makes of each line.

    Examples
    --------
    >>> words_of_lines("Été\n“a–b”\n—")
    [['été'], ['a', 'b'], []]
    """
    # lowercased together, since capital sigma looks no further than its line; normalised apart,
    # since it takes ten times as long where a single mark is in the text
    lines = [normalize("NFC", line) for line in text.lower().split("\n")]
    find = _any_script()
    return [[line] if line.isalnum() else find(line) for line in lines]


@cache
def _any_script() -> Callable[[str], list[str]]:
    r"""Return what finds the words of a text that is in NFC.

    Most words are over behind ``\w+``: whether a mark or joiner follows is asked first, in one
    look. Marks beyond the first plane stand apart, as ``re`` goes through them one by one.
    """
    marks = [code for codes in _HOLD_MARKS for code in codes if category(chr(code))[0] == "M"]
    plane = _character_class(code for code in marks if code < 0x10000)
    beyond = _character_class(code for code in marks if code >= 0x10000)
    more = rf"[{_JOINERS}]*[\w{plane}]+|[{_JOINERS}]*(?=[{_BEYOND}])[{beyond}]+\w*"
    return re.compile(rf"\w+(?:(?=[{_JOINERS}{plane}{_BEYOND}])(?:{more}))*").findall


def _character_class(codes: Iterable[int]) -> str:
    """Return ascending code points as the ranges of a character class."""
    runs = groupby(enumerate(codes), lambda placed: placed[1] - placed[0])
    held = [[code for _, code in run] for _, run in runs]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in held)
