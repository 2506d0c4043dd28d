"""Documents and queries through a field's encoder, with what comes back checked.

An encoder may be anybody's object. What it gives goes into the log, so a wrong width or a NaN is
refused here, before anything is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.encode.encoder import Encoded
from embedry.errors import InputError
from embedry.progress import bar
from embedry.vectors import as_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedry.encode.encoder import Encoder

__all__ = ["encode", "encode_documents"]

_DOCUMENTS_AT_ONCE = 1_000


def encode(encoder: Encoder, items: Sequence[str], role: str) -> Encoded:
    """Encode a few items, and check what comes back.

    Parameters
    ----------
    encoder : Encoder
    items : sequence of n str
    role : str

    Returns
    -------
    Encoded
        Vectors (n, dims), float32, finite.

    Raises
    ------
    InputError
        If the encoder gives anything else.
    """
    encoded = encoder.encode(items, role=role)
    if not isinstance(encoded, Encoded):
        raise InputError(f"An encoder must return Encoded; got {type(encoded).__name__}.")
    what = f"vectors of the encoder ({encoder.card})"
    rows = as_rows(encoded.vectors, encoder.card.dims, what)
    if len(rows) != len(items):
        raise InputError(f"{what} must be one an item; got {len(rows)} for {len(items)} items.")
    return replace(encoded, vectors=rows)


def encode_documents(encoder: Encoder, documents: Sequence[str]) -> Encoded:
    """Encode documents in parts, with a progress bar.

    Parameters
    ----------
    encoder : Encoder
    documents : sequence of n str

    Returns
    -------
    Encoded
        Of all documents, in order; without the unknown words, which may be many.

    Raises
    ------
    InputError
        If the encoder gives vectors of another shape, or NaN.
    """
    if not documents:
        return Encoded(np.empty((0, encoder.card.dims), np.float32), encoder.card)
    parts = []
    with bar("Encoding documents", len(documents)) as advance:
        for first in range(0, len(documents), _DOCUMENTS_AT_ONCE):
            part = documents[first : first + _DOCUMENTS_AT_ONCE]
            parts.append(encode(encoder, part, "document"))
            advance(len(part))
    return Encoded(
        np.concatenate([part.vectors for part in parts]),
        encoder.card,
        truncated=sum(part.truncated for part in parts),
        empty=sum(part.empty for part in parts),
    )
