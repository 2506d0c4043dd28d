"""Bytes of UTF-8 into a draft at compiled speed: blocks split in threads, merged in order.

What it is: the fast way to read a text of any size, in the memory of a few blocks. The kernel
splits the ASCII of a block; runs that hold other characters are given to the Python tokenizer,
each distinct one once. What comes out equals what ``lines`` makes of the same text, whatever
the number of threads. What it is not: worth its start for small texts, since Numba takes a
third of a second to load.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from embedry.data.text.draft import Growing
from embedry.data.text.tokenizer import bytes_of, tokenizer_of
from embedry.kernels.bytekinds import ByteKinds, byte_kinds, last_break
from embedry.kernels.meanings import Meaning, expand
from embedry.kernels.tokens import Split, Splitter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from embedry.data.text.draft import Draft

__all__ = ["add_pieces"]

Item = TypeVar("Item")
Done = TypeVar("Done")

_MARK = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")
_AHEAD = 2  # blocks that wait, so that no thread has to


def add_pieces(
    draft: Draft,
    pieces: Iterable[bytes],
    tokenizer: str,
    *,
    threads: int,
    after_each: Callable[[], None],
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Add a text to a draft.

    Parameters
    ----------
    draft : Draft
    pieces : iterable of bytes
        The text in pieces of any size, a few megabytes for speed; the first has at least three
        bytes, or is all there is. Taken in the calling thread.
    tokenizer : {"words", "whitespace"}
        See `embedry.data.text.tokenizer.tokenize`.
    threads : int
        How many split blocks at the same time.
    after_each : callable
        Called without arguments as each block has been added.

    Returns
    -------
    words : tuple of str
        The distinct words, in order of their codes.
    counts : ndarray (words,), int64
        How often each occurs.

    Raises
    ------
    InputError
        If there is no such tokenizer.

    Notes
    -----
    In flight are at most ``threads + 2`` blocks with their codes, about 3 times their bytes in
    all. A block is as large as a piece, or as the longest stretch of text without an ASCII
    separator.
    """
    kinds = byte_kinds(**bytes_of(tokenizer)._asdict())
    lexicon = _Lexicon(kinds, tokenizer)
    _merge(
        draft,
        lexicon,
        _blocks(pieces, kinds),
        [Splitter(kinds) for _ in range(threads)],
        after_each,
    )
    return lexicon.take()


def _merge(
    draft: Draft,
    lexicon: _Lexicon,
    blocks: Iterable[bytes],
    splitters: list[Splitter],
    after_each: Callable[[], None],
) -> None:
    glossaries = [_Glossary(lexicon) for _ in splitters]
    done = _in_turn(blocks, [splitter.split for splitter in splitters])
    with closing(done):
        for block, glossary in zip(done, cycle(glossaries), strict=False):
            glossary.add(block, draft)
            after_each()


def _blocks(pieces: Iterable[bytes], kinds: ByteKinds) -> Iterator[bytes]:
    """Cut a text where neither a word nor a line end is cut, and end its last line."""
    held: list[bytes] = []
    last = b"\n"
    for piece in _without_mark(pieces):
        last = piece[-1:]
        cut = last_break(piece, kinds)
        if not cut:
            held.append(piece)
            continue
        yield b"".join([*held, piece[:cut]])
        held = [piece[cut:]]
    yield b"".join([*held, b"" if last in _LINE_ENDS else b"\n"])


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Skip the byte order mark; one that is cut short is no text either, as Python has it."""
    first = True
    for piece in pieces:
        rest = piece
        if first:
            rest = b"" if _MARK.startswith(piece) else piece.removeprefix(_MARK)
        first = False
        if rest:
            yield rest


def _in_turn(
    items: Iterable[Item], workers: Sequence[Callable[[Item], Done]]
) -> Generator[Done, None, None]:
    """Give the items to workers in turn, a thread each, and yield what they made, in order."""
    if len(workers) == 1:
        yield from map(workers[0], items)
        return
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in workers]
        waiting: deque[Future[Done]] = deque()
        stack.callback(lambda: [future.cancel() for future in waiting])
        for item, pool, worker in zip(items, cycle(pools), cycle(workers), strict=False):
            waiting.append(pool.submit(worker, item))
            if len(waiting) == len(workers) + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Lexicon:
    """All words, each with its code and how often it occurs."""

    def __init__(self, kinds: ByteKinds, tokenizer: str) -> None:
        # a word is a run itself, and stays one
        self._splitter = Splitter(kinds, forgets=False)
        self._counts = Growing(np.int64)
        self.tokenize = tokenizer_of(tokenizer)

    def codes_of(self, text: bytes) -> NDArray[np.int32]:
        """Return the codes of words, behind each of which stands a newline."""
        return self._splitter.split(text).codes

    def counts(self) -> NDArray[np.int64]:
        """Return a view to be added to; let go of it before the next word comes."""
        return self._counts.extend(self._splitter.known)

    def take(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        return tuple(self._splitter.runs()), self._counts.take()


class _Glossary:
    """What the runs of one splitter mean, learned from block to block."""

    def __init__(self, lexicon: _Lexicon) -> None:
        self._lexicon = lexicon
        self._forget()

    def _forget(self) -> None:
        self._single = Growing(np.int32)
        self._firsts = Growing(np.int64)
        self._firsts.append(np.zeros(1, np.int64))
        self._words = Growing(np.int32)
        self._replaced = Growing(np.int32)  # in runs that are not UTF-8
        self._broken = False

    def add(self, block: Split, draft: Draft) -> None:
        """Learn the new runs of a block, and add the block to the draft."""
        if not block.known:
            self._forget()
        text, sizes = self._words_of(block)
        codes = self._lexicon.codes_of(text)
        behind = np.cumsum(sizes)
        single = np.full(len(sizes), -1, np.int32)
        single[sizes == 1] = codes[behind[sizes == 1] - 1]
        self._single.append(single)
        self._firsts.append(self._words.size + behind)
        self._words.append(codes)
        meaning = Meaning(self._single.array(), self._firsts.array(), self._words.array())
        draft.add(*expand(block, meaning, self._lexicon.counts()))
        if self._broken:
            draft.undecodable += int(self._replaced.array()[block.codes].sum())

    def _words_of(self, block: Split) -> tuple[bytes, NDArray[np.int64]]:
        """Return the words of all new runs, a newline behind each, and how many each has."""
        sizes = np.ones(len(block.starts) - 1, np.int64)
        replaced = self._replaced.extend(block.known + len(sizes))[block.known :]
        firsts, ends = block.starts[block.opaque], block.starts[block.opaque + 1]
        parts: list[bytes] = []
        done = 0
        for run, first, end in np.stack([block.opaque, firsts, ends], axis=1).tolist():
            text, broken = _decoded(block.text[first : end - 1])
            if broken:
                replaced[run] = broken
                self._broken = True
            words = self._lexicon.tokenize(text)
            sizes[run] = len(words)
            parts.append(block.text[done:first])
            parts += [word.encode() + b"\n" for word in words]
            done = end
        parts.append(block.text[done:])
        return b"".join(parts), sizes


def _decoded(run: bytes) -> tuple[str, int]:
    """Decode with U+FFFD in place of what is not UTF-8, and say how many were put in."""
    try:
        return run.decode(), 0
    except UnicodeDecodeError:
        text = run.decode("utf-8", "replace")
        return text, text.count("\ufffd") - run.count("\ufffd".encode())
