"""Text cut into runs of bytes, and the runs into codes: how a corpus is read.

What it is: one compiled pass over a block of bytes, `split`, that finds the runs between
separators and gives each distinct one a code; `expand`, which turns those codes into the codes
of words; `last_break`, where a block may end; beside each the same in plain Python. What it is
not: a tokenizer for every script. Only ASCII is looked into. A run that holds other bytes is
handed over as it is, for Python to cut into words: once, however often it occurs.

A run of up to seven bytes is its own key in the table, with its length in the eighth byte;
longer ones are hashed eight bytes at a time, and compared.

References
----------
D. Knuth, "The Art of Computer Programming", volume 3, 1998, section 6.4, algorithm L (linear
probing). G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014
(the mixing of SplitMix64). The Unicode Standard, section 3.13, table 3-17 (final sigma).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Split",
    "byte_table",
    "expand",
    "expand_plain",
    "last_break",
    "last_break_plain",
    "split",
    "split_plain",
]

# What a byte does, in the high byte of its entry in a table; the low byte is what it becomes.
LINE, BREAK, JOINT, INSIDE = 0, 1, 2, 3
_KIND = 8  # bits to shift by
_INSIDE = np.uint16(INSIDE << _KIND)
_JOINT = np.uint16(JOINT << _KIND)
_BREAK = np.uint16(BREAK << _KIND)

_SIGMA = b"\xce\xa3"
_FIRST_SLOTS = 1 << 15
_LONG = np.uint64(1 << 63)  # set in the keys of runs of eight bytes and more, and in no other
# What `_scan` keeps from call to call.
_STATE = ("place", "found", "lines", "distinct", "opaques", "top", "chunk", "chunk_found")
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Split(NamedTuple):
    """What a block of text was split into.

    Attributes
    ----------
    codes : ndarray (runs,), int32
        The code of each run, in the order of the text. Codes are given in order of first
        appearance in the block.
    ends : ndarray (line ends,), int64
        How many runs stand before each line end.
    text : bytes
        The distinct runs in order of their codes, a newline behind each.
    opaque : ndarray (n,), int32
        The codes of the runs that hold bytes from 0x80 on, in ascending order.
    counts : ndarray (distinct runs,), int32
        How often each occurs. A run may have none: see `split`.
    """

    codes: NDArray[np.int32]
    ends: NDArray[np.int64]
    text: bytes
    opaque: NDArray[np.int32]
    counts: NDArray[np.int32]


def byte_table(inside: bytes, joints: bytes, *, lower: bool) -> NDArray[np.uint16]:
    r"""Lay down what each byte does to `split`.

    Parameters
    ----------
    inside : bytes
        The ASCII bytes that runs are made of. All bytes from 0x80 on are added.
    joints : bytes
        Separators across which capital sigma looks for a neighbour to choose its small form.
    lower : bool
        Make small letters of ASCII capitals.

    Returns
    -------
    ndarray (256,), uint16
        The kind of each byte in the upper half, and in the lower what it becomes.

    """
    kinds = np.full(256, BREAK, np.uint16)
    kinds[list(b"\n\r")] = LINE
    kinds[list(joints)] = JOINT
    kinds[list(inside)] = INSIDE
    kinds[128:] = INSIDE
    every = bytes(range(256))
    becomes = np.frombuffer(every.lower() if lower else every, np.uint8)
    return np.asarray(kinds << _KIND | becomes, np.uint16)


def split(block: bytes, table: NDArray[np.uint16]) -> Split:
    r"""Cut a block of text into runs between separators, and give each distinct one a code.

    Parameters
    ----------
    block : bytes
        Lines end with ``\n``, ``\r`` or both. A line end must not be cut in two by the ends of
        blocks, and no run; see `last_break`.
    table : ndarray (256,), uint16
        From `byte_table`.

    Returns
    -------
    Split
        Where a capital sigma is found (the bytes CE A3), everything around it up to the next
        separators that are no joints is one run: how the letter is written small depends on
        it. The parts of that run that were found first then have a code and no count.

    Notes
    -----
    Some 4 ns a byte. About 4 bytes of memory a run, 8 a line end, and 25 to 50 a distinct run.

    Examples
    --------
    >>> table = byte_table(b"abcdefg", b"", lower=False)
    >>> split(b"bad cab\nbad\n", table)[:3]
    (array([0, 1, 0], dtype=int32), array([2, 3]), b'bad\ncab\n')
    """
    data = np.frombuffer(block, np.uint8)
    room, state = _Room.of(data.size), np.zeros(len(_STATE), np.int64)
    while not _scan(data, table, *room, state):
        room = room.doubled()
    _, found, lines, distinct, opaques, top, _, _ = state.tolist()
    return Split(
        codes=room.codes[:found],
        ends=room.ends[:lines],
        text=room.text[:top].tobytes(),
        opaque=room.opaque[:opaques],
        counts=room.counts[:distinct],
    )


class _Room(NamedTuple):
    """The arrays that `_scan` writes to; memory is taken only where it does."""

    codes: NDArray[np.int32]  # (runs,)
    ends: NDArray[np.int64]  # (line ends,)
    text: NDArray[np.uint8]
    slots: NDArray[np.int32]  # (a power of two,): the code of a run, or -1
    keys: NDArray[np.uint64]  # (distinct runs,)
    starts: NDArray[np.int64]  # (distinct runs + 1,), in text
    counts: NDArray[np.int32]  # (distinct runs,)
    opaque: NDArray[np.int32]

    @classmethod
    def of(cls, size: int) -> _Room:
        half = _FIRST_SLOTS // 2
        return cls(
            codes=np.empty(size // 2 + 1, np.int32),
            ends=np.empty(size, np.int64),
            text=np.empty(2 * size + 2, np.uint8),  # twice: for sigma `_scan` goes back
            slots=np.full(_FIRST_SLOTS, -1, np.int32),
            keys=np.empty(half, np.uint64),
            starts=np.zeros(half + 1, np.int64),
            counts=np.empty(half, np.int32),
            opaque=np.empty(half, np.int32),
        )

    def doubled(self) -> _Room:
        """Return room for twice as many distinct runs, with what is there."""
        slots = np.full(2 * self.slots.size, -1, np.int32)
        _place(self.keys, slots)
        return self._replace(
            slots=slots,
            keys=_twice(self.keys),
            starts=_twice(self.starts),
            counts=_twice(self.counts),
            opaque=_twice(self.opaque),
        )


def _twice(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values, np.empty_like(values)])


@compiled(inline=True)
def _mixed(bits: Any) -> Any:
    """Return bits of which each depends on all (SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))


@compiled(inline=True)
def _same(text: Any, left: int, right: int, length: int) -> Any:
    place = 0
    while place < length and text[left + place] == text[right + place]:
        place += 1
    return place == length


@compiled
def _place(keys: Any, slots: Any) -> None:
    """Lay the codes of all keys into empty slots."""
    last = np.uint64(slots.size - 1)
    for code in range(keys.size):
        slot = _mixed(keys[code]) & last
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & last
        slots[slot] = code


@compiled
def _scan(
    block: Any,
    table: Any,
    codes: Any,
    ends: Any,
    text: Any,
    slots: Any,
    keys: Any,
    starts: Any,
    counts: Any,
    opaque: Any,
    state: Any,
) -> Any:
    """Split until the block ends, and return True, or until there is no room for one more run.

    One long loop, because it hands a dozen numbers from step to step. It takes its arrays ready
    made: an array that is replaced inside a loop costs more than all the rest.
    """
    place, found, lines, distinct = state[0], state[1], state[2], state[3]
    opaques, top, chunk, chunk_found = state[4], state[5], state[6], state[7]
    last = np.uint64(slots.size - 1)
    while place < block.size and distinct < keys.size:
        entry = table[block[place]]
        if entry < _INSIDE:
            place += 1
            if entry < _JOINT:
                if entry < _BREAK:
                    if block[place - 1] == 13 and place < block.size and block[place] == 10:
                        place += 1
                    ends[lines] = found
                    lines += 1
                chunk, chunk_found = place, found
            continue
        start, least = place, _INSIDE
        while True:  # a second time only for sigma
            key = bits = seen = np.uint64(0)
            length = 0
            while place < block.size:
                entry = table[block[place]]
                if entry < least:
                    break
                byte = np.uint64(entry & np.uint16(255))
                text[top + length] = byte
                bits |= byte << np.uint64((length & 7) << 3)
                seen |= byte
                length += 1
                place += 1
                if length & 7 == 0:
                    key = _mixed(key ^ bits)
                    bits = np.uint64(0)
            if seen < np.uint64(128) or least == _JOINT:
                break
            sigma = False
            for behind in range(start + 1, place):
                sigma |= block[behind - 1] == 0xCE and block[behind] == 0xA3
            if not sigma:
                break
            while found > chunk_found:
                found -= 1
                counts[codes[found]] -= 1
            place = start = chunk
            least = _JOINT
        if length <= 7:
            key = bits | np.uint64(length) << np.uint64(56)
        else:
            key = _mixed(key ^ bits ^ np.uint64(length)) | _LONG
        slot = _mixed(key) & last
        code = slots[slot]
        while code >= 0:
            if keys[code] == key and (
                length <= 7
                or (
                    starts[code + 1] - starts[code] == length + 1
                    and _same(text, starts[code], top, length)
                )
            ):
                break
            slot = (slot + np.uint64(1)) & last
            code = slots[slot]
        if code < 0:
            code = np.int32(distinct)
            slots[slot] = code
            keys[code], counts[code] = key, 0
            if seen >= np.uint64(128):
                opaque[opaques] = code
                opaques += 1
            text[top + length] = 10
            top += length + 1
            distinct += 1
            starts[distinct] = top
        counts[code] += 1
        codes[found] = code
        found += 1
    state[0], state[1], state[2], state[3] = place, found, lines, distinct
    state[4], state[5], state[6], state[7] = opaques, top, chunk, chunk_found
    return place == block.size


def expand(
    split: Split, firsts: NDArray[np.int64], words: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put words in place of the runs of a block.

    Parameters
    ----------
    split : Split
    firsts : ndarray (distinct runs + 1,), int64
        The words of run ``code`` are ``words[firsts[code]:firsts[code + 1]]``.
    words : ndarray (n,), int32

    Returns
    -------
    tokens : ndarray (tokens,), int32
    ends : ndarray (line ends,), int64
        How many tokens stand before each line end.
    """
    total = int(split.counts @ np.diff(firsts))
    tokens, ends = np.empty(total, np.int32), np.empty_like(split.ends)
    _expand(split.codes, split.ends, firsts, words, tokens, ends)
    return tokens, ends


@compiled
def _expand(codes: Any, ends: Any, firsts: Any, words: Any, tokens: Any, new_ends: Any) -> None:
    place = made = 0
    for line in range(ends.size + 1):
        end = ends[line] if line < ends.size else codes.size
        while place < end:
            code = codes[place]
            place += 1
            for word in range(firsts[code], firsts[code + 1]):
                tokens[made] = words[word]
                made += 1
        if line < ends.size:
            new_ends[line] = made


def expand_plain(
    split: Split, firsts: NDArray[np.int64], words: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Do what `expand` does in plain NumPy: the oracle of the tests."""
    none = np.zeros(0, np.int32)
    parts = [words[firsts[code] : firsts[code + 1]] for code in split.codes.tolist()]
    before = np.cumsum([0, *map(len, parts)])
    return np.concatenate([none, *parts]), before[split.ends]


def last_break(piece: bytes, table: NDArray[np.uint16]) -> int:
    r"""Return behind which byte of a piece of text a block may end.

    Parameters
    ----------
    piece : bytes
    table : ndarray (256,), uint16
        From `byte_table`.

    Returns
    -------
    int
        Where the last separator that is no joint ends; 0 where there is none. A ``\r`` at the
        very end does not count: a ``\n`` may follow.

    Examples
    --------
    >>> last_break(b"one two three", byte_table(b"ehnortw", b"", lower=False))
    8
    """
    return int(_last_break(np.frombuffer(piece, np.uint8), table))


@compiled
def _last_break(piece: Any, table: Any) -> Any:
    place = piece.size
    if place and piece[place - 1] == 13:
        place -= 1
    while place and table[piece[place - 1]] >= _JOINT:
        place -= 1
    return place


def last_break_plain(piece: bytes, table: NDArray[np.uint16]) -> int:
    """Do what `last_break` does in plain Python: the oracle of the tests."""
    ended = piece.removesuffix(b"\r")
    kinds = (table >> _KIND)[list(ended)]
    return int(max(np.flatnonzero(kinds < JOINT), default=-1)) + 1


def split_plain(block: bytes, table: NDArray[np.uint16]) -> Split:
    """Do what `split` does in plain Python: the oracle of the tests."""
    known: dict[bytes, int] = {}
    codes: list[int] = []
    ends: list[int] = []
    for kind, chunk in _chunks(block.replace(b"\r\n", b"\n"), table):
        if kind == LINE:
            ends.append(len(codes))
        elif kind > BREAK:
            runs = _runs(chunk, table)
            sigma = next((place for place, run in enumerate(runs) if _SIGMA in run), len(runs))
            for run in runs[:sigma]:  # they have a code, whether or not they are counted
                known.setdefault(run, len(known))
            if sigma < len(runs):
                runs = [bytes(table[list(chunk)].astype(np.uint8))]
            codes += [known.setdefault(run, len(known)) for run in runs]
    return Split(
        codes=np.array(codes, np.int32),
        ends=np.array(ends, np.int64),
        text=b"".join(run + b"\n" for run in known),
        opaque=np.array([code for run, code in known.items() if not run.isascii()], np.int32),
        counts=np.bincount(codes, minlength=len(known)).astype(np.int32),
    )


def _chunks(block: bytes, table: NDArray[np.uint16]) -> list[tuple[int, bytes]]:
    """Cut at lines and breaks; these stand alone, a byte each."""
    kinds = (table >> _KIND).tolist()
    grouped = groupby(enumerate(block), lambda at: at[0] if kinds[at[1]] < JOINT else -1)
    pieces = [bytes(byte for _, byte in group) for _, group in grouped]
    return [(kinds[piece[0]], piece) for piece in pieces]


def _runs(chunk: bytes, table: NDArray[np.uint16]) -> list[bytes]:
    grouped = groupby(table[list(chunk)].tolist(), lambda entry: entry >= _INSIDE)
    return [bytes(entry & 255 for entry in run) for inside, run in grouped if inside]
