"""Texts into the numbers of their tokens, as the model's own ``tokenizer.json`` cuts them.

What it is: the package `tokenizers`, with the model's length and without padding; what the file
says of either is not taken over (that of all-MiniLM-L6-v2 cuts at 128 and pads every text to it).
What it is not: a tokenizer for models without a ``tokenizer.json``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import fingerprint
from embedry.errors import FileFormatError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embedry.kernels.text.wordpiece import Spans

__all__ = ["Tokenized", "Tokens"]

_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Tokenized:
    """The tokens of texts.

    Attributes
    ----------
    ids : list of ndarray (length,), int32
        One a text, with the special tokens of the model.
    segments : list of ndarray (length,), int32
        0 for the tokens of the first text, and 1 for those of the second.
    truncated : ndarray (n,), bool
        Texts of which not all was taken.
    """

    ids: list[NDArray[np.int32]]
    segments: list[NDArray[np.int32]]
    truncated: NDArray[np.bool_]


class Tokens:
    """Cuts texts.

    Parameters
    ----------
    folder : Path
        With ``tokenizer.json``.
    longest : int
        The most tokens of a text, special ones included.
    lowercase : bool, default False
        Put texts in lower case before the tokenizer's own normalizer, as sentence-transformers
        does for ``do_lower_case``; offsets are of the text as it came.

    Raises
    ------
    FileNotFoundError
        If there is no ``tokenizer.json``.
    FileFormatError
        If it is damaged.
    MissingExtraError
        If tokenizers is not installed.

    Notes
    -----
    Half a surrogate pair, which is no character, is read as U+FFFD.
    """

    def __init__(self, folder: Path, longest: int, *, lowercase: bool = False) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no tokenizer.json in {folder}. Save the model's tokenizer with "
                "transformers' AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
            )
        content = path.read_bytes()
        self._path, self._lowercase = path, lowercase
        self._tokenizer = _tokenizer(path, content, lowercase)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(longest)
        self.longest = longest
        self.digest = _digest(path, content, lowercase)

    def cut(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> Tokenized:
        """Cut texts, or pairs of texts.

        Parameters
        ----------
        texts : sequence of str, or of pairs of str
            Of a pair that is too long, the longer text is cut.

        Returns
        -------
        Tokenized
        """
        encode, ids, segments, truncated = self._tokenizer.encode, [], [], []
        for text in texts:
            parts = (text,) if isinstance(text, str) else text
            found = encode(*map(_readable, parts))
            ids.append(np.array(found.ids, np.int32))
            segments.append(np.array(found.type_ids, np.int32))
            truncated.append(bool(found.overflowing))
        return Tokenized(ids, segments, np.array(truncated, np.bool_))

    def spans(self, text: str) -> Spans:
        """Return all pieces of one text, however long it is, and no special tokens.

        Parameters
        ----------
        text : str

        Returns
        -------
        Spans
        """
        from embedry.kernels.text.wordpiece import Spans

        found = self._whole.encode(_readable(text), add_special_tokens=False)
        begins, ends = np.array(found.offsets, np.int32).reshape(-1, 2).T
        return Spans(np.array(found.ids, np.int32), begins, ends)

    @cached_property
    def _whole(self) -> Any:
        """The same, cutting nothing off."""
        whole = _tokenizer(self._path, self._path.read_bytes(), self._lowercase)
        whole.no_padding()
        whole.no_truncation()
        return whole

    def encoding(self, text: str) -> Any:
        """Return the tokens of one text with their words and offsets, as `tokenizers` gives them.

        Parameters
        ----------
        text : str

        Returns
        -------
        tokenizers.Encoding
        """
        return self._tokenizer.encode(_readable(text))


def _readable(text: str) -> str:
    """Return a text of the same length that can be written as UTF-8."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _tokenizer(path: Path, content: bytes, lowercase: bool) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("A transformer", extra="text") from error
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:  # tokenizers raises nothing narrower
        raise FileFormatError(f"{path} is damaged: {error}. Fetch it again.", path=path) from error
    if lowercase:
        _lower_first(tokenizer)
    return tokenizer


def _lower_first(tokenizer: Any) -> None:
    from tokenizers.normalizers import Lowercase, Sequence

    own = tokenizer.normalizer
    tokenizer.normalizer = Lowercase() if own is None else Sequence([Lowercase(), own])


def _digest(path: Path, content: bytes, lowercase: bool) -> str:
    """Return a digest of how texts are cut, whatever length and padding the file names."""
    try:
        parts = {**json.loads(content), "truncation": None, "padding": None}
        return fingerprint(parts, "lowercase") if lowercase else fingerprint(parts)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {error}. Fetch it again.", path=path) from error
