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
from typing import TYPE_CHECKING

from embedry.data.text.glossary import Glossary, Lexicon
from embedry.data.text.tokenizer import bytes_of
from embedry.kernels.text.bytekinds import ByteKinds, byte_kinds, last_break
from embedry.kernels.text.tokens import Split, Splitter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from embedry.data.text.draft import Draft
    from embedry.data.text.tokenizer import Tokenizer

__all__ = ["add_pieces"]

_MARK = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")
_AHEAD = 2  # blocks that wait, so that no thread has to


def add_pieces(
    draft: Draft,
    pieces: Iterable[bytes],
    tokenizer: Tokenizer,
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
    In flight are at most ``threads + 2`` blocks, each with up to 2 bytes of codes a byte, in
    English two thirds. A block is as large as a piece, or as the longest stretch of text without
    a separator of ASCII or a mark of `embedry.data.text.tokenizer.bytes_of`.
    """
    inside, joints, lower, marks = bytes_of(tokenizer)
    kinds = byte_kinds(inside, joints, lower=lower)
    lexicon = Lexicon(kinds)
    blocks = _blocks(pieces, kinds, marks)
    with closing(_split(blocks, [Splitter(kinds) for _ in range(threads)])) as done:
        glossaries = [Glossary(lexicon, tokenizer) for _ in range(threads)]
        for block, glossary in zip(done, cycle(glossaries), strict=False):
            draft.add(*glossary.tokens(block))
            draft.undecodable += glossary.replaced_in(block)
            after_each()
    del done, glossaries  # what they know is no longer needed
    return lexicon.take()


def _blocks(pieces: Iterable[bytes], kinds: ByteKinds, marks: Sequence[bytes]) -> Iterator[bytes]:
    """Cut a text where neither a word nor a line end is cut, and end its last line."""
    held: list[bytes] = []
    last = b"\n"
    for piece in _without_mark(pieces):
        last = piece[-1:]
        cut = last_break(piece, kinds) or max(_behind_last(piece, mark) for mark in marks)
        if not cut:
            held.append(piece)
            continue
        yield b"".join([*held, piece[:cut]])
        held = [piece[cut:]]
    yield b"".join([*held, b"" if last in _LINE_ENDS else b"\n"])


def _behind_last(piece: bytes, mark: bytes) -> int:
    found = piece.rfind(mark)
    return 0 if found < 0 else found + len(mark)


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


def _split(blocks: Iterable[bytes], splitters: list[Splitter]) -> Generator[Split, None, None]:
    """Give the blocks to splitters in turn, a thread each, and yield what they made, in order."""
    if len(splitters) == 1:
        yield from map(splitters[0].split, blocks)
        return
    with ExitStack() as stack:
        threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in splitters]
        waiting: deque[Future[Split]] = deque()
        stack.callback(lambda: [future.cancel() for future in waiting])
        for block, thread, splitter in zip(blocks, cycle(threads), cycle(splitters), strict=False):
            waiting.append(thread.submit(splitter.split, block))
            if len(waiting) == len(splitters) + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
