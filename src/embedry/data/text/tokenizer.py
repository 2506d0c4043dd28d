r"""Tokenizers for words: what a token is, in plain Python.

What it is: the two ways to split a text, `tokenize`, and what each byte of UTF-8 means to them,
`bytes_of`, for kernels that split ASCII by themselves. What it is not: a tokenizer for
transformers (see ``embedry.encode``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TokenBytes", "Tokenizer", "bytes_of", "tokenize", "tokenizer_of"]

Tokenizer = Literal["words", "whitespace"]

_WORDS = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    text = text.lower()
    return [text] if text.isalnum() else _WORDS.findall(text)


_TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"words": _words, "whitespace": str.split}


def tokenize(text: str, tokenizer: Tokenizer = "words") -> list[str]:
    r"""Split a text into tokens.

    Parameters
    ----------
    text : str
    tokenizer : {"words", "whitespace"}
        ``"words"``: runs of letters, digits and underscores of any script (``\w+``), lowercased.
        ``"whitespace"``: split at white space and nothing else.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If there is no such tokenizer.

    Examples
    --------
    >>> tokenize("The café, open!")
    ['the', 'café', 'open']
    """
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
    """

    inside: bytes
    joints: bytes
    lower: bool


def bytes_of(name: str) -> TokenBytes:
    """Ask a tokenizer what each ASCII byte means to it.

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
    return TokenBytes(inside, joints, lower=tokens("A") == ["a"])
