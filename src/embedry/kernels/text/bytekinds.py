"""What each byte is to a splitter of text, and where a text may be cut in two.

What it is: the table that ``tokens`` reads, and `last_break`, beside it the same in plain
Python. What it is not: a tokenizer; what belongs to a word is said by the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embedry.kernels.compiler import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ByteKinds", "byte_kinds", "last_break", "last_break_plain"]

# Joints separate, but capital sigma looks for letters across them.
LINE, BREAK, JOINT, INSIDE = 0, 1, 2, 3


class ByteKinds(NamedTuple):
    """What each byte is to a splitter; see `byte_kinds`.

    Attributes
    ----------
    kinds : ndarray (256,), uint8
        Whether a byte ends a line (0), separates runs (1), separates them but lets capital
        sigma look across it (2), or belongs to runs (3).
    ranges : ndarray (n, 2), uint8
        The bytes that belong to runs: the lowest of each range, and how many follow.
    lower : bool
        Whether ASCII capitals are made small.
    """

    kinds: NDArray[np.uint8]
    ranges: NDArray[np.uint8]
    lower: bool


def byte_kinds(inside: bytes, joints: bytes, *, lower: bool) -> ByteKinds:
    """Lay down what each byte is.

    Parameters
    ----------
    inside : bytes
        The ASCII bytes that runs are made of; no line end. All bytes from 0x80 on are added.
    joints : bytes
        Separators across which capital sigma looks for a letter to choose its small form.
    lower : bool
        Make ASCII capitals small.

    Returns
    -------
    ByteKinds

    Examples
    --------
    >>> found = byte_kinds(b"abcX", b"'", lower=True)
    >>> found.kinds[list(b"a'.")].tolist(), found.ranges.tolist()
    ([3, 2, 1], [[88, 0], [97, 2], [128, 127]])
    """
    kinds = np.full(256, BREAK, np.uint8)
    kinds[list(joints)] = JOINT
    kinds[list(inside)] = INSIDE
    kinds[128:] = INSIDE
    kinds[list(b"\n\r")] = LINE
    steps = np.diff(np.concatenate([[False], kinds == INSIDE, [False]]).astype(np.int8))
    first, behind = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    ranges = np.stack([first, behind - first - 1], axis=1).astype(np.uint8)
    return ByteKinds(kinds, ranges, lower)


def last_break(piece: bytes, kinds: ByteKinds) -> int:
    r"""Return behind which byte of a piece of text a block may end.

    Parameters
    ----------
    piece : bytes
    kinds : ByteKinds
        From `byte_kinds`.

    Returns
    -------
    int
        Where the last separator that is no joint ends; 0 where there is none. A ``\r`` at the
        very end does not count: a ``\n`` may follow.

    Examples
    --------
    >>> last_break(b"one two three", byte_kinds(b"ehnortw", b"", lower=False))
    8
    """
    return int(_last_break(np.frombuffer(piece, np.uint8), kinds.kinds))


@compiled
def _last_break(piece: Any, kinds: Any) -> Any:
    place = piece.size
    if place and piece[place - 1] == 13:
        place -= 1
    while place and kinds[piece[place - 1]] >= JOINT:
        place -= 1
    return place


def last_break_plain(piece: bytes, kinds: ByteKinds) -> int:
    """Do what `last_break` does in plain Python: the oracle of the tests."""
    found = kinds.kinds[list(piece.removesuffix(b"\r"))]
    return int(max(np.flatnonzero(found < JOINT), default=-1)) + 1
