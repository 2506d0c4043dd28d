r"""Training text from Python sources: what people write there, and how they name things.

What it is: lines of words for a corpus. Docstrings, comments and strings that read like prose
give a line for each paragraph; code gives a line for each line of source, its names split at
case and underscore (``maxLineLength`` is ``max line length``). What it is not: a parser; one
regular expression tells strings and comments from code, some twenty times faster than
``tokenize``, and text that is not valid Python is read all the same.

References
----------
The Python Language Reference, sections 2.1.3 (comments) and 2.4.1 (string literals). Unrolled
loops for quoted strings: Friedl (2006), Mastering Regular Expressions, chapter 6.
"""

from __future__ import annotations

import keyword
import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["TextLines", "split_name"]

# A block of comments, or a string in one of four kinds of quotes. Each begins with a literal
# character and has but one way to match, so that the search for the next runs at the speed of
# memory. Groups are not possessive: Python 3.11 before 3.11.4 gives wrong groups for them.
_TEXTS = re.compile(
    r"""
      \# ( [^\n]*+ (?: \n[ \t]*+\# [^\n]*+ )* )
    | \"{3} ( [^"\\]*+ (?: (?: \\. | "(?!"") ) [^"\\]*+ )* ) \"{3}
    | \'{3} ( [^'\\]*+ (?: (?: \\. | '(?!'') ) [^'\\]*+ )* ) \'{3}
    | " ( [^"\\\n]*+ (?: \\. [^"\\\n]*+ )* ) "
    | ' ( [^'\\\n]*+ (?: \\. [^'\\\n]*+ )* ) '
    """,
    re.DOTALL | re.VERBOSE,
)
_PIECES = 1 + _TEXTS.groups  # what split() returns for each: the code before it, and its groups
_PARAGRAPHS = re.compile(r"\n[ \t#]*\n[ \t#]*")
# escapes for white space, rules drawn with punctuation, comment signs; and names in prose
_NOISE = re.compile(r"\\[nrt]|[-=~*#+.]{3,}|\n[ \t]*#+|_+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FEWEST_WORDS = 4
_FEWEST_LETTERS = 0.6

# A capital after a small letter, or before one and after another capital. It begins with a class
# of characters, so that the search jumps from capital to capital.
_HUMP = re.compile(r"[A-Z](?:(?<=[a-z0-9][A-Z])|(?<=[A-Z]{2})(?=[a-z]))")
_NOT_IN_WORDS = dict.fromkeys(map(ord, string.punctuation + string.digits), " ")
_NO_NAMES = frozenset(map(str.lower, keyword.kwlist)) | {"self", "cls", *string.ascii_lowercase}
_FEWEST_NAMES = 3


def split_name(name: str) -> str:
    """Return a name as the words it is made of, in lower case.

    It is split at underscores, dots, and where the case of ASCII letters says so.

    Parameters
    ----------
    name : str
        An identifier, dotted or not.

    Returns
    -------
    str

    Examples
    --------
    >>> split_name("collections.OrderedDict"), split_name("HTTPServer_v2")
    ('collections ordered dict', 'http server v2')
    """
    return " ".join(_split_humps(name).lower().replace("_", " ").replace(".", " ").split())


class TextLines:
    """Collects training text from one source after the other, up to a number of words.

    A line that was there before is counted and left out: licenses, and code that was copied,
    would otherwise be most of the text.

    Parameters
    ----------
    most : int
        Words to stop after, at least 1. The source that reaches it is still read to its end.

    Attributes
    ----------
    lines : list of str
        What has been collected; paragraphs with their punctuation, code in bare words.
    words : int
        How many words that is.
    repeated : int
        Lines left out because they were there before.

    Notes
    -----
    About 0.1 s per MB of source; memory for the lines and for each distinct line of code.
    """

    def __init__(self, most: int) -> None:
        self.lines: list[str] = []
        self.words = 0
        self.repeated = 0
        self._most = most
        self._seen: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether there are words enough."""
        return self.words >= self._most

    def add(self, source: str) -> None:
        """Collect the text of one source file; nothing when there are words enough.

        Parameters
        ----------
        source : str
            Python, or nearly so.
        """
        if self.full:
            return
        pieces = _TEXTS.split(source)
        code = "".join(pieces[::_PIECES])
        del pieces[::_PIECES]
        for line, words in _prose(pieces):
            if self._is_new(line):
                self._keep(line, words)
        statements = [line for line in map(str.strip, code.split("\n")) if line]
        new = [line for line in dict.fromkeys(statements) if line not in self._seen]
        self._seen.update(new)
        self.repeated += len(statements) - len(new)
        for names in _names("\n".join(new)):
            self._keep(" ".join(names), len(names))

    def _is_new(self, line: str) -> bool:
        if line in self._seen:
            self.repeated += 1
            return False
        self._seen.add(line)
        return True

    def _keep(self, line: str, words: int) -> None:
        self.lines.append(line)
        self.words += words


def _prose(texts: Iterable[str | None]) -> Iterator[tuple[str, int]]:
    """Yield each paragraph that reads like prose, on one line, and how many words it has."""
    for text in texts:
        # most strings of a program are a word or two: told apart here, they cost next to nothing
        if text is None or len(text.split(None, _FEWEST_WORDS - 1)) < _FEWEST_WORDS:
            continue
        for paragraph in _PARAGRAPHS.split(text):
            line = " ".join(_NOISE.sub(" ", paragraph).split())
            words = _WORD.findall(line)
            if len(words) >= _FEWEST_WORDS and sum(map(len, words)) >= _FEWEST_LETTERS * len(line):
                yield line, len(words)


def _names(code: str) -> Iterator[list[str]]:
    """Yield the words that the names of each line of code are made of, where there are some."""
    for line in _split_humps(code).lower().translate(_NOT_IN_WORDS).split("\n"):
        names = [word for word in line.split() if word not in _NO_NAMES]
        if len(names) >= _FEWEST_NAMES:
            yield names


def _split_humps(text: str) -> str:
    return _HUMP.sub(r" \g<0>", text)
