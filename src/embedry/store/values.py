"""What a collection gives back: items, and counts of what was done. Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedry.ids import Id

__all__ = ["Item", "Upserted"]


@dataclass(frozen=True)
class Item:
    """An item as it is kept: id, document (or None), metadata."""

    id: Id
    document: str | None
    metadata: Mapping[str, object]


@dataclass(frozen=True)
class Upserted:
    """What an upsert did.

    Attributes
    ----------
    inserted, updated : int
        Items that are new, and items that were there.
    unplaced : int
        Documents that yielded no vector in a field with an encoder, counted by field: they are
        kept and can be found by id or by their words.
    truncated : int
        Documents that were longer than an encoder reads.
    skipped : int
        Ids the collection lacks, with ``missing="skip"``.
    """

    inserted: int = 0
    updated: int = 0
    unplaced: int = 0
    truncated: int = 0
    skipped: int = 0
