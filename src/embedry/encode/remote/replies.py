"""What a server answers, read into vectors or refused.

References
----------
OpenAI, API reference, "Create embeddings" (``data[].index``, ``data[].embedding`` as numbers or as
base64 of little-endian float32, ``usage.total_tokens``).
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import RemoteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Reply", "read_reply"]


@dataclass(frozen=True, eq=False)
class Reply:
    """Vectors of one request.

    Attributes
    ----------
    vectors : ndarray (n, dims), float32
        In the order of the texts.
    tokens : int
        What the server says it has read; 0 where it says nothing.
    """

    vectors: NDArray[np.float32]
    tokens: int


def read_reply(body: object, texts: int) -> Reply:
    """Read the body of an answer.

    Parameters
    ----------
    body : object
        As JSON gives it.
    texts : int
        How many texts were sent.

    Returns
    -------
    Reply

    Raises
    ------
    RemoteError
        If there is not one vector a text, all of the same width, finite and not zero.
    """
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != texts:
        came = f"{len(data)} entries" if isinstance(data, list) else _shown(body)
        raise RemoteError(f"The server must answer with data of {texts} vectors; got {came}.")
    rows: list[NDArray[np.float32] | None] = [None] * texts
    for place, entry in enumerate(data):
        index = entry.get("index", place) if isinstance(entry, dict) else None
        if not isinstance(index, int) or not 0 <= index < texts or rows[index] is not None:
            raise RemoteError(
                f"Each vector must come with an index of its own below {texts}; got {index!r}."
            )
        rows[index] = _vector(entry.get("embedding"))
    whole = [row for row in rows if row is not None]
    widths = {len(row) for row in whole}
    if len(widths) != 1:
        raise RemoteError(f"Vectors must be of one width; got {sorted(widths)}.")
    return Reply(np.array(whole, np.float32), _tokens(body))


def _vector(value: object) -> NDArray[np.float32]:
    if isinstance(value, str):
        try:
            row = np.frombuffer(base64.b64decode(value, validate=True), "<f4")
        except (binascii.Error, ValueError) as error:
            raise RemoteError(f"A vector must be base64 of float32; {error}.") from error
    elif isinstance(value, list) and all(type(one) in {int, float} for one in value):
        row = _numbers(value)
    else:
        raise RemoteError(f"A vector must be numbers or base64; got {_shown(value)}.")
    if not row.size or not np.isfinite(row).all() or not row.any():
        raise RemoteError("A vector must be finite, and not zero or empty; it was not.")
    return row.astype(np.float32)


def _numbers(value: list[float]) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused
            return np.array(value, np.float64).astype(np.float32)
    except OverflowError:  # an int beyond float64
        return np.full(1, np.inf, np.float32)


def _tokens(body: object) -> int:
    usage = body.get("usage") if isinstance(body, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    if not isinstance(total, int | float) or isinstance(total, bool):
        return 0
    return int(total) if math.isfinite(total) and total > 0 else 0


def _shown(value: object) -> str:
    return repr(value)  # whoever tells it takes secrets out first, and then cuts it
