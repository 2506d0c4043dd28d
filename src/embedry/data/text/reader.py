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
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from embedry.data.text.lines import repaired
from embedry.data.text.tokenizer import bytes_of, tokenizer_of
from embedry.kernels.tokens import Split, byte_table, expand, last_break, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from embedry.data.text.draft import Draft

__all__ = ["add_pieces"]

Item = TypeVar("Item")
Done = TypeVar("Done")

_MARK = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")
_RUNS_REMEMBERED = 2**16
_LONGEST_REMEMBERED = 64  # characters
_AHEAD = 2  # blocks that wait, so that no thread has to


def add_pieces(
    draft: Draft,
    pieces: Iterable[bytes],
    tokenizer: str,
    *,
    threads: int,
    after_each: Callable[[], None],
) -> None:
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
    table = byte_table(**bytes_of(tokenizer)._asdict())
    merger = _Merger(draft, tokenizer)

    def merge(done: Split) -> None:
        merger.add(done)
        after_each()

    _in_order(_blocks(pieces, table), partial(split, table=table), merge, threads)


def _blocks(pieces: Iterable[bytes], table: NDArray[np.uint16]) -> Iterator[bytes]:
    """Cut a text where neither a word nor a line end is cut, and end its last line."""
    held: list[bytes] = []
    last = b"\n"
    for piece in _without_mark(pieces):
        last = piece[-1:]
        cut = last_break(piece, table)
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


def _in_order(
    items: Iterable[Item], work: Callable[[Item], Done], then: Callable[[Done], None], threads: int
) -> None:
    """Work on items in threads, and go on with the results in order, in this thread."""
    if threads == 1:
        for item in items:
            then(work(item))
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Done]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= threads + _AHEAD:
                    then(waiting.popleft().result())
            while waiting:
                then(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()


class _Merger:
    """Turns the codes of blocks, one after the other, into the codes of words."""

    def __init__(self, draft: Draft, tokenizer: str) -> None:
        self._draft = draft
        self._tokenize = tokenizer_of(tokenizer)
        self._remember = lru_cache(_RUNS_REMEMBERED)(self._words_of_run)

    def add(self, block: Split) -> None:
        words, sizes = self._words(block)
        codes = self._draft.codes_of(words)
        firsts = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes, out=firsts[1:])
        self._draft.add(*expand(block, firsts, codes))
        self._draft.count(codes, np.repeat(block.counts, sizes))

    def _words(self, block: Split) -> tuple[list[str], NDArray[np.int64]]:
        """Return the words of all distinct runs, one after the other, and how many each has."""
        runs = block.text.decode("utf-8", "surrogateescape").split("\n")[:-1]
        sizes = np.ones(len(runs), np.int64)
        words: list[str] = []
        done = 0
        for code in block.opaque.tolist():
            run = runs[code]
            short = len(run) <= _LONGEST_REMEMBERED
            own, replaced = (self._remember if short else self._words_of_run)(run)
            if replaced:
                self._draft.undecodable += replaced * int(block.counts[code])
            sizes[code] = len(own)
            words += runs[done:code]
            words += own
            done = code + 1
        words += runs[done:]
        return words, sizes

    def _words_of_run(self, run: str) -> tuple[list[str], int]:
        whole, replaced = repaired(run)
        return self._tokenize(whole), replaced
