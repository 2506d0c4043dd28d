r"""Tokenizers for words: what a token is, in plain Python.

What it is: the two ways to split a text, `tokenize`, and what each byte of UTF-8 means to them,
`bytes_of`, for kernels that split ASCII by themselves. What it is not: a tokenizer for
transformers (see ``embedry.encode``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from embedry.data.text.words import words_of, words_of_lines
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "TokenBytes",
    "Tokenizer",
    "bytes_of",
    "rule_of",
    "ruled_by",
    "tokenize",
    "tokenize_lines",
    "tokenizer_of",
]

Tokenizer = Literal["words", "whitespace"]

_MARKS = "\u3000。、，\xa0।۔"  # white space, full stops and commas of scripts that use no others


def _parts_of_lines(text: str) -> list[list[str]]:
    return list(map(str.split, text.split("\n")))


_TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"words": words_of, "whitespace": str.split}
_OF_LINES: dict[str, Callable[[str], list[list[str]]]] = {
    "words": words_of_lines,
    "whitespace": _parts_of_lines,
}
# What files and fingerprints call them: by another name once the words become others.
_RULES: dict[Tokenizer, str] = {"words": "words-2", "whitespace": "whitespace"}


def tokenize(text: str, tokenizer: Tokenizer = "words") -> list[str]:
    """Split a text into tokens.

    Parameters
    ----------
    text : str
    tokenizer : {"words", "whitespace"}
        ``"words"``: runs of letters, digits and underscores of any script with their marks,
        lowercased and in NFC; see `embedry.data.text.words`.
        ``"whitespace"``: split at white space and nothing else; tokens stay as they are written.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If ``text`` is no str, or there is no such tokenizer.

    Examples
    --------
    >>> tokenize("The café, open!")
    ['the', 'café', 'open']
    """
    if not isinstance(text, str):
        raise InputError(
            f"text must be a str; got {text!r:.60} of type {type(text).__name__}. Pass one text."
        )
    return tokenizer_of(tokenizer)(text)


def tokenizer_of(name: str) -> Callable[[str], list[str]]:
    """Return the function that splits a text.

    Parameters
    ----------
    name : {"words", "whitespace"}
        See `tokenize`.

    Returns
    -------
    callable
        From str to a list of str.

    Raises
    ------
    InputError
        If there is no such tokenizer.
    """
    if not isinstance(name, str) or name not in _TOKENIZERS:
        raise InputError(f"tokenizer must be one of {', '.join(_TOKENIZERS)}; got {name!r}.")
    return _TOKENIZERS[name]


def rule_of(name: Tokenizer) -> str:
    """Return the rule that a tokenizer splits by, for files and fingerprints.

    Parameters
    ----------
    name : {"words", "whitespace"}
        See `tokenize`.

    Returns
    -------
    str
        Another one in a release that makes other words of the same text.

    Raises
    ------
    InputError
        If there is no such tokenizer.
    """
    tokenizer_of(name)
    return _RULES[name]


def ruled_by(rule: str) -> Tokenizer | None:
    """Return the tokenizer that splits by a rule; None where none does any more, or yet.

    Parameters
    ----------
    rule : str
        From `rule_of`, of this release or another.

    Returns
    -------
    {"words", "whitespace"} or None

    Examples
    --------
    >>> ruled_by(rule_of("words")), ruled_by("words")
    ('words', None)
    """
    return next((name for name, own in _RULES.items() if own == rule), None)


def tokenize_lines(text: str, tokenizer: Tokenizer = "words") -> list[list[str]]:
    r"""Split each line of a text into tokens, fast where lines are single words.

    Parameters
    ----------
    text : str
        Lines are cut at ``\n`` and nothing else.
    tokenizer : {"words", "whitespace"}
        See `tokenize`.

    Returns
    -------
    list of list of str
        What `tokenize` makes of each line.

    Raises
    ------
    InputError
        If there is no such tokenizer.

    Examples
    --------
    >>> tokenize_lines("Été\n“a–b”\n—")
    [['été'], ['a', 'b'], []]
    """
    tokenizer_of(tokenizer)
    return _OF_LINES[tokenizer](text)


class TokenBytes(NamedTuple):
    """What the ASCII bytes mean to a tokenizer.

    Attributes
    ----------
    inside : bytes
        Those that are part of a token; the others separate tokens.
    joints : bytes
        The separators through which capital sigma looks for a letter: whether it becomes the
        sigma of a word's end depends on what follows, and an apostrophe or a full stop does not
        count. Empty for tokenizers that leave capitals alone.
    lower : bool
        Whether capitals become small.
    marks : tuple of bytes
        Some separators of other scripts in UTF-8: there, too, a text may be cut in two.
    """

    inside: bytes
    joints: bytes
    lower: bool
    marks: tuple[bytes, ...]


def bytes_of(name: str) -> TokenBytes:
    """Ask a tokenizer what each ASCII byte, and a few marks, mean to it.

    Parameters
    ----------
    name : {"words", "whitespace"}
        See `tokenize`.

    Returns
    -------
    TokenBytes

    Raises
    ------
    InputError
        If there is no such tokenizer.

    Examples
    --------
    >>> bytes_of("words").joints
    b"'.:^`"
    """
    tokens = tokenizer_of(name)
    inside = bytes(byte for byte in range(128) if tokens(chr(byte)))
    joints = bytes(
        byte
        for byte in range(128)
        if byte not in inside and tokens(f"ΑΣ{chr(byte)}Α")[0] != tokens("ΑΣ Α")[0]
    )
    marks = tuple(
        mark.encode() for mark in _MARKS if tokens(f"ΑΣ{mark}Α") == [*tokens("ΑΣ"), *tokens("Α")]
    )
    return TokenBytes(inside, joints, tokens("A") == ["a"], marks)
