"""What a collection holds, told in a frozen value."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedry.card import Card
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror

__all__ = ["CollectionInfo", "FieldInfo", "info_of"]


@dataclass(frozen=True)
class FieldInfo:
    """What a field is.

    Attributes
    ----------
    name : str
    card : Card
    vectors : int
        How many items have a vector in it.
    encoder : str or None
        The kind of its encoder, where it was made with one.
    in_graph : int
        How many vectors its graph has taken in; 0 where it is scanned.
    """

    name: str
    card: Card
    vectors: int
    encoder: str | None
    in_graph: int


@dataclass(frozen=True)
class CollectionInfo:
    """What a collection holds.

    Attributes
    ----------
    path : Path
    items : int
    fields : mapping of str to FieldInfo
    columns : mapping of str to str
        The kind of each metadata key.
    change : int
        How many writes there were.
    bytes_on_disk : int
    """

    path: Path
    items: int
    fields: Mapping[str, FieldInfo]
    columns: Mapping[str, str]
    change: int
    bytes_on_disk: int


def info_of(folder: Path, mirror: Mirror) -> CollectionInfo:
    """Return what a collection holds.

    Parameters
    ----------
    folder : Path
        The collection's directory.
    mirror : Mirror
        Up to date.

    Returns
    -------
    CollectionInfo
        As of one moment.
    """
    with mirror.lock:
        columns = dict(mirror.columns().kinds)
        fields = {name: _field_info(field) for name, field in mirror.fields.items()}
        return CollectionInfo(
            path=folder,
            items=mirror.items.count,
            fields=MappingProxyType(fields),
            columns=MappingProxyType(columns),
            change=mirror.items.seen,
            bytes_on_disk=_bytes_in(folder),
        )


def _field_info(field: Field) -> FieldInfo:
    encoder = field.row.encoder["kind"] if field.row.encoder is not None else None
    return FieldInfo(field.name, field.card, len(field.vectors), encoder, field.vectors.indexed)


def _bytes_in(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a file that was written aside and renamed meanwhile
            size += file.stat().st_size if file.is_file() else 0
    return size
