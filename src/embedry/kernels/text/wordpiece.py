"""Texts cut into the pieces of a vocabulary, as BERT's tokenizer cuts them: WordPiece.

What it is: a `PieceCutter`, which normalises (controls out, Chinese set apart, accents stripped,
small letters), cuts at spaces and punctuation, and takes the longest piece again and again, for
many texts in one pass. What it is not: a reader of special tokens: ``[SEP]`` in a text is a
bracket, a word and a bracket; nothing is put before or behind. Beside it the same in plain Python:
``plainwordpiece``.

The work is done once a run. `tokens.Splitter` gives each distinct run of bytes between spaces a
code; only runs that it has not seen are read, and the pieces of all are laid out by their codes.

References
----------
M. Schuster, K. Nakajima, "Japanese and Korean voice search", 2012. J. Devlin, M. Chang, K. Lee,
K. Toutanova, "BERT", 2019.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled
from embedry.kernels.text.bytekinds import byte_kinds
from embedry.kernels.text.characters import characters
from embedry.kernels.text.pieces import LONGEST_WORD, piece_table, read
from embedry.kernels.text.tokens import Splitter
from embedry.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from embedry.kernels.text.characters import Characters
    from embedry.kernels.text.pieces import PieceTable

__all__ = ["Cut", "PieceCutter", "Spans"]

RUNS_AT_MOST = 1 << 17  # and more are forgotten
BLOCK = 1 << 20  # bytes of text that are split at once, and one text at least

_SPACES = b" \t\n\r"
_KINDS = byte_kinds(bytes(set(range(128)) - set(_SPACES)), b"", lower=True)
_NO_LINES = bytes.maketrans(b"\n\r", b"  ")


class Cut(NamedTuple):
    """The pieces of many texts.

    Attributes
    ----------
    pieces : ndarray (n,), int32
        Their numbers in the vocabulary, one text after the other.
    starts : ndarray (texts + 1,), int64
        The pieces of text i are ``pieces[starts[i]:starts[i + 1]]``.
    """

    pieces: NDArray[np.int32]
    starts: NDArray[np.int64]


class Spans(NamedTuple):
    """The pieces of one text, and where they stand in it.

    Attributes
    ----------
    pieces : ndarray (n,), int32
    begins, ends : ndarray (n,), int32
        Piece i was made of ``text[begins[i]:ends[i]]``, in characters of Python.
    """

    pieces: NDArray[np.int32]
    begins: NDArray[np.int32]
    ends: NDArray[np.int32]


class _Vocabulary(NamedTuple):
    """All that is the same for each text, as kernels take it."""

    characters: Characters
    pieces: PieceTable
    unknown: int
    longest: int

    def read(
        self, text: NDArray[np.uint8], starts: NDArray[np.int64], *, spans: bool
    ) -> tuple[Spans, NDArray[np.int64]]:
        """Cut runs of bytes into pieces; return these and where those of each run end."""
        pieces = np.empty(text.size, np.int32)  # no character becomes more than its bytes
        begins, ends = np.empty((2, text.size if spans else 0), np.int32)
        word = np.empty((4, LONGEST_WORD + 1), np.uint32)
        behind = np.empty(starts.size - 1, np.int64)
        read(
            text, starts, word, *self.characters, *self.pieces, self.unknown, self.longest,
            pieces, begins, ends, behind,
        )  # fmt: skip
        found = behind[-1] if behind.size else 0
        return Spans(pieces[:found], begins[:found], ends[:found]), behind


class PieceCutter:
    """Cuts texts into pieces of a vocabulary.

    Parameters
    ----------
    pieces : sequence of n str
        The vocabulary, in order of the numbers; each once, none empty. Those that continue a word
        begin with ``##``.
    unknown : int
        Which one stands for a word that cannot be cut, or is longer than 100 characters.

    Notes
    -----
    Some 20 ns a word that was seen before, 1 us a new one. Memory: some 10 MB a thread beside the
    vocabulary. Several threads may use it at once.

    Examples
    --------
    >>> cutter = PieceCutter(["[UNK]", "un", "##want", "##ed", ",", "run"], unknown=0)
    >>> cutter.cut(["UNwantéd, run", "", "lost"])
    Cut(pieces=array([1, 2, 3, 4, 5, 0], dtype=int32), starts=array([0, 5, 5, 6]))
    >>> cutter.spans("Unwanted").ends.tolist()
    [2, 6, 8]
    """

    def __init__(self, pieces: Sequence[str], unknown: int) -> None:
        table = piece_table(pieces)
        longest = int(np.diff(table.starts).max(initial=1))
        self._vocabulary = _Vocabulary(characters(), table, int(unknown), longest)
        self._free: list[_Seen] = []

    def cut(self, texts: Sequence[str], threads: int = 1) -> Cut:
        """Cut texts into pieces.

        Parameters
        ----------
        texts : sequence of str
            Lone surrogates are left out, as controls are.
        threads : int
            At least 1.

        Returns
        -------
        Cut
        """
        encoded = [_utf8(text) for text in texts]
        if threads == 1:
            return _joined(self._cut(encoded))
        shares = _shares([len(one) + 1 for one in encoded], threads)
        parts: list[list[Cut]] = [[] for _ in shares]

        def task(place: int, first: int, behind: int) -> Callable[[object], object]:
            return lambda _stop: parts[place].extend(self._cut(encoded[first:behind]))

        run_in_threads([task(place, *share) for place, share in enumerate(shares)])
        return _joined([one for part in parts for one in part])

    def _cut(self, encoded: Sequence[bytes]) -> list[Cut]:
        try:
            seen = self._free.pop()  # one thread gets it: pop and append are atomic
        except IndexError:
            seen = _Seen(self._vocabulary)
        sizes = [len(one) + 1 for one in encoded]
        shares = _shares(sizes, -(-sum(sizes) // BLOCK))
        cut = [seen.cut(encoded[first:behind]) for first, behind in shares]
        self._free.append(seen)
        return cut

    def spans(self, text: str) -> Spans:
        """Cut one text into pieces, and say where each stands in it.

        Parameters
        ----------
        text : str

        Returns
        -------
        Spans
            An unknown word has the span of the whole word.
        """
        data = np.frombuffer(bytearray(_utf8(text) + b" "), np.uint8)
        return self._vocabulary.read(data, np.array([0, data.size]), spans=True)[0]


class _Seen:
    """The runs that were seen, and what they were cut into; for one thread at a time."""

    def __init__(self, vocabulary: _Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._forget()

    def _forget(self) -> None:
        self._splitter = Splitter(_KINDS, forgets=False)
        self._pieces = np.empty(1024, np.int32)  # of all runs, in order of their codes
        self._behind = np.zeros(1024, np.int64)  # where those of a run end, behind a zero

    def cut(self, encoded: Sequence[bytes]) -> Cut:
        """Cut texts in UTF-8 into pieces."""
        if self._splitter.known > RUNS_AT_MOST:
            self._forget()
        block = b"\n".join([one.translate(_NO_LINES) for one in encoded])
        split = self._splitter.split(block + b"\n")
        if len(split.text):
            self._learn(split.known, np.frombuffer(bytearray(split.text), np.uint8), split.starts)
        starts = np.zeros(len(encoded) + 1, np.int64)
        pieces = np.empty(_lay(split.codes, split.ends, self._behind, starts), np.int32)
        _copy(split.codes, self._behind, self._pieces, pieces)
        return Cut(pieces, starts)

    def _learn(self, known: int, text: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Read new runs, and keep what they are cut into."""
        found, behind = self._vocabulary.read(text, starts, spans=False)
        first, now = self._behind[known], known + behind.size
        self._behind = _wide_enough(self._behind, now + 1)
        self._pieces = _wide_enough(self._pieces, first + len(found.pieces))
        self._behind[known + 1 : now + 1] = behind + first
        self._pieces[first : first + len(found.pieces)] = found.pieces


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _wide_enough(values: NDArray[Any], size: int) -> NDArray[Any]:
    if size <= values.size:
        return values
    wider = np.empty(max(size, 2 * values.size), values.dtype)
    wider[: values.size] = values
    return wider


def _shares(sizes: Sequence[int], threads: int) -> list[tuple[int, int]]:
    """Cut a list into at most so many parts of about the same size, none empty."""
    if threads <= 1 or len(sizes) <= 1:
        return [(0, len(sizes))] if sizes else []
    total = np.cumsum(sizes)
    bounds = np.searchsorted(total, np.arange(1, threads) * (total[-1] / threads))
    edges = sorted({0, *map(int, bounds), len(sizes)})
    return list(pairwise(edges))


def _joined(parts: Sequence[Cut]) -> Cut:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Cut(np.empty(0, np.int32), np.zeros(1, np.int64))
    before = np.cumsum([0, *(len(part.pieces) for part in parts)])
    starts = [part.starts[1:] + first for part, first in zip(parts, before, strict=False)]
    return Cut(np.concatenate([part.pieces for part in parts]), np.concatenate([[0], *starts]))


@compiled
def _lay(codes: Any, ends: Any, behind: Any, starts: Any) -> int:
    """Find where the pieces of each text begin; return how many there are of all."""
    run = found = 0
    for row in range(ends.size):
        while run < ends[row]:
            found += behind[codes[run] + 1] - behind[codes[run]]
            run += 1
        starts[row + 1] = found
    return found


@compiled
def _copy(codes: Any, behind: Any, kept: Any, pieces: Any) -> None:
    """Lay out the pieces of all runs."""
    found = 0
    for code in codes:
        for place in range(behind[code], behind[code + 1]):
            pieces[found] = kept[place]
            found += 1
