"""What runs of bytes mean: from the codes of splitters to the codes of words.

What it is: a `Lexicon`, which holds every word of a text once, and a `Glossary` for each
splitter, which learns from block to block which words its runs are. Runs of ASCII are words as
they stand; others go through the Python tokenizer, each distinct one once. What it is not: a
tokenizer; see ``tokenizer``.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.text.draft import Growing
from embedry.data.text.tokenizer import tokenize_lines
from embedry.kernels.text.meanings import Meaning, expand
from embedry.kernels.text.tokens import Splitter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.data.text.tokenizer import Tokenizer
    from embedry.kernels.text.bytekinds import ByteKinds
    from embedry.kernels.text.tokens import Split

__all__ = ["Glossary", "Lexicon"]

_REPLACEMENT = "\ufffd".encode()


class Lexicon:
    """All words, each with its code and how often it occurs.

    Parameters
    ----------
    kinds : ByteKinds
        Those of the tokenizer: a word is a run itself, and stays one.
    """

    def __init__(self, kinds: ByteKinds) -> None:
        self._splitter = Splitter(kinds, forgets=False)
        self._counts = Growing(np.int64)

    def codes_of(self, text: bytes) -> NDArray[np.int32]:
        """Return the codes of words, behind each of which stands a newline; new ones are added."""
        return self._splitter.split(text).codes

    def counts(self) -> NDArray[np.int64]:
        """Return a view to be added to; let go of it before the next word comes."""
        return self._counts.extend(self._splitter.known)

    def take(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Hand over the words in order of their codes, and their counts."""
        return tuple(self._splitter.runs()), self._counts.take()


class Glossary:
    """What the runs of one splitter mean, learned from block to block.

    Parameters
    ----------
    lexicon : Lexicon
        Words are added to it; glossaries may share one.
    tokenizer : {"words", "whitespace"}
        See `embedry.data.text.tokenizer.tokenize`.
    """

    def __init__(self, lexicon: Lexicon, tokenizer: Tokenizer) -> None:
        self._lexicon = lexicon
        self._tokenizer = tokenizer
        self._forget()

    def _forget(self) -> None:
        self._single = Growing(np.int32)
        self._firsts = Growing(np.int64)
        self._firsts.append(np.zeros(1, np.int64))
        self._words = Growing(np.int32)  # of all runs, one after the other
        self._replaced = Growing(np.int32)  # in each run
        self._all_valid = True

    def tokens(self, block: Split) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Learn the new runs of a block, count its words, and return their codes.

        Parameters
        ----------
        block : Split
            Blocks come in the order in which the splitter made them.

        Returns
        -------
        tokens : ndarray (tokens,), int32
        ends : ndarray (line ends,), int64
            How many tokens stand before each line end.
        """
        if not block.known:
            self._forget()
        self._learn(*self._words_of(block))
        meaning = Meaning(self._single.array(), self._firsts.array(), self._words.array())
        return expand(block, meaning, self._lexicon.counts())

    def replaced_in(self, block: Split) -> int:
        """Return for how many byte sequences of a learned block U+FFFD stands in its words."""
        return 0 if self._all_valid else int(self._replaced.array()[block.codes].sum())

    def _learn(self, text: bytes, sizes: NDArray[np.int64]) -> None:
        codes = self._lexicon.codes_of(text)
        behind = np.cumsum(sizes)
        single = np.full(len(sizes), -1, np.int32)
        single[sizes == 1] = codes[behind[sizes == 1] - 1]
        self._single.append(single)
        self._firsts.append(self._words.size + behind)
        self._words.append(codes)
        self._replaced.extend(self._single.size)

    def _words_of(self, block: Split) -> tuple[bytes, NDArray[np.int64]]:
        """Return the words of all new runs, a newline behind each, and how many each has."""
        sizes = np.ones(len(block.starts) - 1, np.int64)
        opaque = block.opaque
        if not len(opaque):
            return block.text, sizes
        words = tokenize_lines(self._decoded(block), self._tokenizer)
        sizes[opaque] = np.fromiter(map(len, words), np.int64, len(words))
        # neighbours are put in place together
        groups = np.flatnonzero(np.diff(opaque, prepend=-2, append=len(sizes) + 1) > 1)
        firsts = block.starts[opaque[groups[:-1]]].tolist()
        ends = block.starts[opaque[groups[1:] - 1] + 1].tolist()
        parts: list[bytes] = []
        done = 0
        for group, first, end in zip(pairwise(groups.tolist()), firsts, ends, strict=True):
            own = chain.from_iterable(words[slice(*group)])
            parts += [block.text[done:first], "".join([f"{word}\n" for word in own]).encode()]
            done = end
        return b"".join([*parts, block.text[done:]]), sizes

    def _decoded(self, block: Split) -> str:
        """Return the opaque runs as lines, with U+FFFD in place of what is not UTF-8."""
        chosen = np.zeros(len(block.starts) - 1, bool)
        chosen[block.opaque] = True
        inside = np.repeat(chosen, np.diff(block.starts))
        data: bytes = np.frombuffer(block.text, np.uint8)[inside][:-1].tobytes()
        text = data.decode("utf-8", "replace")
        if text.count("\ufffd") > data.count(_REPLACEMENT):
            now = [line.count("\ufffd") for line in text.split("\n")]
            before = [line.count(_REPLACEMENT) for line in data.split(b"\n")]
            replaced = self._replaced.extend(block.known + len(chosen))
            replaced[block.known + block.opaque] = np.subtract(now, before)
            self._all_valid = False
        return text
