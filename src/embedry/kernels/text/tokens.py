"""Text cut into runs of bytes, and the runs into codes: how a corpus is read.

What it is: a `Splitter`, which finds the runs between separators in blocks of bytes and gives
each distinct one a code; beside it the same in plain Python, `PlainSplitter`. What it is not: a
tokenizer for every script. Only ASCII is looked into. A run that holds other bytes is handed
over as it is, for Python to cut into words: once, however often it occurs; see ``meanings``.

Blocks are marked first, a bit a byte: does it belong to a run, does it end a line. Then the
loop goes from run to run by counting zeros, not from byte to byte. A run of up to seven bytes
is its own key, with its length in the eighth byte; longer ones are hashed and compared.

References
----------
G. Langdale, D. Lemire, "Parsing gigabytes of JSON per second", 2019, section 3.1 (bits that
mark bytes). D. Knuth, "The Art of Computer Programming", volume 3, 1998, section 6.4, algorithm
L (linear probing). G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
generators", 2014 (the mixing of SplitMix64). The Unicode Standard, table 3-17 (final sigma).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.bits import ask_for, bytes_within, eight_bytes, shift_bytes, trailing_zeros
from embedry.kernels.compiler import compiled
from embedry.kernels.text.bytekinds import INSIDE, JOINT, LINE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.text.bytekinds import ByteKinds

__all__ = ["PlainSplitter", "Split", "Splitter"]

BATCH = 32  # runs
SIGMA = b"\xce\xa3"
FIRST_SLOTS = 1 << 14
# A splitter that has seen more than this forgets all of it.
TEXT_AT_MOST = 1 << 26
RUNS_AT_MOST = 1 << 21

_ALL = np.uint64(2**64 - 1)
_ONE = np.uint64(1)
_LAST = np.uint64(63)
_LONG = np.uint64(1 << 63)  # set in the keys of runs of eight bytes and more, and in no other
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Split(NamedTuple):
    """What a block of text was split into.

    Attributes
    ----------
    codes : ndarray (runs,), int32
        The code of each run, in the order of the text.
    ends : ndarray (line ends,), int64
        How many runs stand before each line end.
    known : int
        How many distinct runs the splitter knew before. The new ones have the codes from here
        on, in order of first appearance.
    text : bytes
        The new runs in order of their codes, a newline behind each.
    starts : ndarray (new runs + 1,), int64
        Where in ``text`` each begins, and the end of it all.
    opaque : ndarray (n,), int64
        Which of the new runs hold bytes from 0x80 on, counted from ``known``, ascending.
    """

    codes: NDArray[np.int32]
    ends: NDArray[np.int64]
    known: int
    text: bytes
    starts: NDArray[np.int64]
    opaque: NDArray[np.int64]


class Splitter:
    r"""Cuts blocks of text into runs between separators, and gives each distinct one a code.

    Where a capital sigma stands (the bytes CE A3), all around it up to the next separators that
    are no joints is one run: how the letter is written small depends on it.

    Parameters
    ----------
    kinds : ByteKinds
        From `embedry.kernels.text.bytekinds.byte_kinds`.
    forgets : bool, default True
        Whether to start anew with the next block once 2,097,152 distinct runs are known, or
        they take 64 MiB.

    Attributes
    ----------
    known : int
        How many distinct runs it knows.

    Notes
    -----
    Some 4 ns a byte. A distinct run takes 40 to 80 bytes and its own.

    Examples
    --------
    >>> from embedry.kernels.text.bytekinds import byte_kinds
    >>> splitter = Splitter(byte_kinds(b"abcdefg", b"", lower=False))
    >>> splitter.split(b"bad cab\nbad\n")[:4]
    (array([0, 1, 0], dtype=int32), array([2, 3]), 0, b'bad\ncab\n')
    >>> splitter.split(b"cab egg")[:4]
    (array([1, 2], dtype=int32), array([], dtype=int64), 2, b'egg\n')
    """

    def __init__(self, kinds: ByteKinds, *, forgets: bool = True) -> None:
        self._kinds = kinds
        self._forgets = forgets
        self._forget()

    def _forget(self) -> None:
        self._slots = np.zeros((FIRST_SLOTS, 2), np.uint64)  # the key of a run, its code plus 1
        self._text = np.zeros(0, np.uint8)
        self._starts = np.zeros(FIRST_SLOTS // 2 + 1, np.int64)  # in text, of each run
        self.known = 0

    def split(self, block: bytes) -> Split:
        r"""Split one block.

        Parameters
        ----------
        block : bytes
            Lines end with ``\n``, ``\r`` or both. Neither a line end nor a run may be cut in two
            by the ends of blocks; see ``bytekinds.last_break``.

        Returns
        -------
        Split
        """
        if self._forgets and (self.known > RUNS_AT_MOST or self._starts[self.known] > TEXT_AT_MOST):
            self._forget()
        known, top = self.known, int(self._starts[self.known])
        if self._text.size < top + len(block) + 1:
            self._text = _wider(self._text, top + 2 * len(block) + 1)
        codes, ends = self._scan(block, *self._marked(block))
        starts = self._starts[known : self.known + 1] - top
        text = self._text[top : top + starts[-1]]
        if not text.size:
            return Split(codes, ends, known, b"", starts, np.zeros(0, np.int64))
        opaque = np.flatnonzero(np.bitwise_or.reduceat(text, starts[:-1]) > 127)
        return Split(codes, ends, known, text.tobytes(), starts, opaque)

    def runs(self) -> list[str]:
        """Return the distinct runs in order of their codes, which must be valid UTF-8."""
        runs = str(self._text[: self._starts[self.known]].data, "utf-8").split("\n")
        runs.pop()
        return runs

    def _marked(self, block: bytes) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        words = len(block) // 64 + 1
        text, data = np.empty(64 * words + 8, np.uint8), np.frombuffer(block, np.uint8)
        text[: data.size], text[data.size :] = data, 32
        inside, lines = np.zeros(words + 1, np.uint64), np.empty(words, np.uint64)
        sigmas = np.empty(words, np.uint64)
        if _mark(text, self._kinds.ranges, self._kinds.lower, inside[:-1], lines, sigmas):
            _glue(data, self._kinds.kinds, sigmas, inside)
        return text, inside, lines

    def _scan(
        self, block: bytes, text: NDArray[Any], inside: NDArray[Any], lines: NDArray[Any]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        # memory is taken only where something is written
        codes, ends = np.empty(len(block) // 2 + 1, np.int32), np.empty(len(block), np.int64)
        state = np.array([0, 0, 0, self.known])
        while not _scan(
            text, inside, lines, codes, ends, self._slots, self._starts, self._text, state
        ):
            self._starts = _wider(self._starts, 2 * self._starts.size - 1)
            old, self._slots = self._slots, np.full((2 * len(self._slots), 2), 0, np.uint64)
            _place(old, self._slots)
        _, found, ended, self.known = state.tolist()
        return codes[:found], ends[:ended]


def _wider(values: NDArray[Any], size: int) -> NDArray[Any]:
    wider = np.empty(size, values.dtype)
    wider[: values.size] = values
    return wider


@compiled(inline=True)
def _mixed(bits: Any) -> Any:
    """Return bits of which each depends on all (SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))


@compiled
def _mark(text: Any, ranges: Any, lower: bool, inside: Any, lines: Any, sigmas: Any) -> Any:
    """Make capitals small; mark bytes of runs, ends of lines, and second bytes of sigmas."""
    found = before = np.uint64(0)
    for word in range(inside.size):
        place = word * 64
        bits = np.uint64(0)
        for row in range(len(ranges)):
            bits |= bytes_within(text, place, ranges[row, 0], ranges[row, 1])
        inside[word] = bits
        lines[word] = bytes_within(text, place, 10, 0) | bytes_within(text, place, 13, 0)
        first = bytes_within(text, place, 0xCE, 0)
        sigmas[word] = (first << _ONE | before) & bytes_within(text, place, 0xA3, 0)
        before = first >> _LAST
        found |= sigmas[word]
        if lower:
            shift_bytes(text, place, 65, 25, 32)
    return found != 0


@compiled
def _glue(block: Any, kinds: Any, sigmas: Any, inside: Any) -> None:
    """Make one run of all between two separators that are no joints, where a sigma is."""
    behind = 0
    for word in range(sigmas.size):
        bits = sigmas[word]
        while bits:
            place = word * 64 + trailing_zeros(bits)
            bits &= bits - _ONE
            if place < behind:
                continue
            while place > 0 and kinds[block[place - 1]] >= JOINT:
                place -= 1
            while place < block.size and kinds[block[place]] >= JOINT:
                inside[place >> 6] |= _ONE << np.uint64(place & 63)
                place += 1
            behind = place


@compiled
def _place(old: Any, slots: Any) -> None:
    """Lay all keys into a larger table."""
    last = np.uint64(len(slots) - 1)
    for run in range(len(old)):
        if old[run, 1]:
            slot = _mixed(old[run, 0]) & last
            while slots[slot, 1]:
                slot = (slot + _ONE) & last
            slots[slot, 0], slots[slot, 1] = old[run, 0], old[run, 1]


@compiled(inline=True)
def _key(text: Any, start: int, length: int) -> Any:
    """Return a short run and its length, or the hash of a long one."""
    if length < 8:
        bits = eight_bytes(text, start) & ((_ONE << np.uint64(8 * length)) - _ONE)
        return bits | np.uint64(length) << np.uint64(56)
    key = np.uint64(length)
    for place in range(start, start + length - 8, 8):
        key = _mixed(key ^ eight_bytes(text, place))
    return _mixed(key ^ eight_bytes(text, start + length - 8)) | _LONG


@compiled(inline=True)
def _same(text: Any, start: int, length: int, known: Any, first: int) -> Any:
    """Compare a run of eight bytes or more to a known one of the same length."""
    place = 0
    while place < length - 8 and (
        eight_bytes(text, start + place) == eight_bytes(known, first + place)
    ):
        place += 8
    return place >= length - 8 and (
        eight_bytes(text, start + length - 8) == eight_bytes(known, first + length - 8)
    )


@compiled(inline=True)
def _events(inside: Any, lines: Any, word: int) -> Any:
    """Return where in a word of 64 bytes runs begin and lines end."""
    before = inside[word - 1] >> _LAST if word else np.uint64(0)
    return inside[word] & ~(inside[word] << _ONE | before) | lines[word]


@compiled
def _scan(
    text: Any,
    inside: Any,
    lines: Any,
    codes: Any,
    ends: Any,
    slots: Any,
    starts: Any,
    known: Any,
    state: Any,
) -> Any:
    """Split until the block ends, and return True, or until there is no room for a batch.

    One long loop, because it hands a dozen numbers from step to step. It takes its arrays ready
    made: an array that is replaced inside a loop costs more than all the rest.
    """
    place, found, ended, distinct = state[0], state[1], state[2], state[3]
    last = np.uint64(len(slots) - 1)
    keys, places = np.empty(BATCH, np.uint64), np.empty(BATCH, np.uint64)
    begins, lengths = np.empty(BATCH, np.int64), np.empty(BATCH, np.int64)
    word = place >> 6
    events = _events(inside, lines, word) & (_ALL << np.uint64(place & 63))
    while True:
        if distinct + BATCH >= starts.size:
            state[0] = (word << 6) + trailing_zeros(events) if events else (word + 1) << 6
            state[1], state[2], state[3] = found, ended, distinct
            return False
        pending = 0
        while pending < BATCH:  # find runs, and ask for what the table holds in their place
            if not events:
                word += 1
                if word == lines.size:
                    break
                events = _events(inside, lines, word)
                continue
            bit = trailing_zeros(events)
            events &= events - _ONE
            start = (word << 6) + bit
            if lines[word] >> np.uint64(bit) & _ONE:
                if text[start] != 13 or text[start + 1] != 10:
                    ends[ended] = found + pending
                    ended += 1
                continue
            rest = ~inside[word] >> np.uint64(bit)
            if rest:
                length = trailing_zeros(rest)
            else:
                length = 64 - bit
                behind = word + 1
                while inside[behind] == _ALL:
                    length += 64
                    behind += 1
                length += trailing_zeros(~inside[behind])
            key = _key(text, start, length)
            slot = _mixed(key) & last
            ask_for(slots, np.int64(slot) * 2)
            keys[pending], places[pending] = key, slot
            begins[pending], lengths[pending] = start, length
            pending += 1
        for run in range(pending):
            key, slot, start, length = keys[run], places[run], begins[run], lengths[run]
            code = np.int64(slots[slot, 1]) - 1
            while code >= 0 and not (
                slots[slot, 0] == key
                and (
                    length < 8
                    or (
                        starts[code + 1] - starts[code] == length + 1
                        and _same(text, start, length, known, starts[code])
                    )
                )
            ):
                slot = (slot + _ONE) & last
                code = np.int64(slots[slot, 1]) - 1
            if code < 0:
                code = distinct
                slots[slot, 0], slots[slot, 1] = key, np.uint64(code + 1)
                top = starts[code]
                for offset in range(length):
                    known[top + offset] = text[start + offset]
                known[top + length] = 10
                distinct += 1
                starts[distinct] = top + length + 1
            codes[found] = code
            found += 1
        if word == lines.size:
            state[1], state[2], state[3] = found, ended, distinct
            return True


class PlainSplitter:
    """Does what `Splitter` does in plain Python, and forgets nothing: the oracle of the tests.

    Parameters
    ----------
    kinds : ByteKinds
    """

    def __init__(self, kinds: ByteKinds) -> None:
        self._kinds = kinds.kinds.tolist()
        self._lower = kinds.lower
        self._codes: dict[bytes, int] = {}

    def split(self, block: bytes) -> Split:
        """Split one block; see `Splitter.split`."""
        codes: list[int] = []
        ends: list[int] = []
        known = len(self._codes)
        for kind, chunk in self._chunks(block.replace(b"\r\n", b"\n")):
            if kind == LINE:
                ends.append(len(codes))
            elif kind >= JOINT:
                whole = chunk.lower() if self._lower else chunk
                runs = [whole] if SIGMA in chunk else self._runs(whole)
                codes += [self._codes.setdefault(run, len(self._codes)) for run in runs]
        new = list(self._codes)[known:]
        return Split(
            codes=np.array(codes, np.int32),
            ends=np.array(ends, np.int64),
            known=known,
            text=b"".join(run + b"\n" for run in new),
            starts=np.cumsum([0, *(len(run) + 1 for run in new)]),
            opaque=np.flatnonzero([not run.isascii() for run in new]),
        )

    def _chunks(self, block: bytes) -> list[tuple[int, bytes]]:
        """Cut at line ends and breaks; these stand alone, a byte each."""
        grouped = groupby(enumerate(block), lambda at: -1 if self._kinds[at[1]] >= JOINT else at[0])
        chunks = [bytes(byte for _, byte in group) for _, group in grouped]
        return [(self._kinds[chunk[0]], chunk) for chunk in chunks]

    def _runs(self, chunk: bytes) -> list[bytes]:
        grouped = groupby(chunk, lambda byte: self._kinds[byte] == INSIDE)
        return [bytes(run) for inside, run in grouped if inside]
