"""Model files: what `learner.save` writes and `embedry.load` reads.

One file: kind, settings, arrays, ids and card, in the format of `embedry.files`; never pickle.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from embedry.card import Card, fingerprint
from embedry.errors import FileFormatError, InputError
from embedry.files import ArrayFile, read_arrays, write_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["can_load", "describe", "load", "read_model", "write_model"]

_HOMES = {
    "als": ("embedry.learn.taste.als", "ALS"),
    "bpr": ("embedry.learn.taste.bpr", "BPR"),
    "deepwalk": ("embedry.learn.graph", "DeepWalk"),
    "ease": ("embedry.learn.taste.ease", "EASE"),
    "embeddings": ("embedry.embeddings", "Embeddings"),
    "itemknn": ("embedry.learn.taste.itemknn", "ItemKNN"),
    "itemvec": ("embedry.learn.taste.itemvec", "ItemVec"),
    "node2vec": ("embedry.learn.graph", "Node2Vec"),
    "remote": ("embedry.encode.remote.encoder", "RemoteEncoder"),
    "static": ("embedry.encode.text", "TextEncoder"),
    "tags": ("embedry.learn.tags", "TagEncoder"),
    "transformer": ("embedry.encode.text", "TextEncoder"),
    "popularity": ("embedry.learn.taste.popularity", "Popularity"),
    "word2vec": ("embedry.learn.word2vec", "Word2Vec"),
}


def load(path: str | Path) -> Any:
    """Read what a learner's ``save``, or `Embeddings.save`, wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Word2Vec, DeepWalk, Node2Vec, a learner of taste, or Embeddings
        Fitted, as it was when saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no such file, is damaged, or is of a newer format.
    """
    kind = read_arrays(path, mmap=True).header["kind"]
    if kind not in _HOMES:
        raise FileFormatError(
            f"{path} holds {kind}, which this Embedry does not know. "
            "Open it with the release that wrote it.",
            path=path,
        )
    module, name = _HOMES[kind]
    return getattr(import_module(module), name).load(path)


def can_load(path: str | Path) -> bool:
    """Say whether a file is one that `load` knows; `load` may still find it damaged."""
    try:
        return read_arrays(path, mmap=True).header["kind"] in _HOMES
    except (OSError, FileFormatError):
        return False


def describe(path: str | Path) -> dict[str, Any]:
    """Return what a file of Embedry is, without loading it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        kind, space, settings, and the shape of each array.

    Raises
    ------
    FileNotFoundError, FileFormatError
        As `load`.
    """
    file = read_arrays(path, mmap=True)
    facts: dict[str, Any] = {"kind": file.header["kind"]}
    try:
        if "card" in file.header:
            facts["space"] = str(Card.from_dict(file.header["card"]))
        settings = file.header.get("settings", {})
        facts.update((name, v) for name, v in settings.items() if not name.startswith("_"))
    except (AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
    shapes = {name: " x ".join(map(str, array.shape)) for name, array in file.arrays.items()}
    arrays = {name: shape for name, shape in shapes.items() if "." not in name}  # ids in pieces
    return {**facts, **arrays}


def write_model(
    path: str | Path,
    card: Card,
    settings: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write a fitted learner; its kind is that of the card.

    Parameters
    ----------
    path : str or Path
    card : Card
    settings : mapping
        The learner's constructor arguments, JSON-ready.
    arrays : mapping of str to ndarray
        What it learned.

    Raises
    ------
    OSError
        If it cannot be written; what was there stays.
    """
    header: dict[str, Any] = {
        "card": card.to_dict(),
        "settings": dict(settings),
    }
    header["checksum"] = _checksum(header, arrays)
    write_arrays(path, card.kind, header, arrays)


def read_model(path: str | Path, kind: str) -> tuple[Card, dict[str, Any], ArrayFile]:
    """Read a fitted learner's card, settings and file.

    Parameters
    ----------
    path : str or Path
    kind : str

    Returns
    -------
    tuple of (Card, dict, ArrayFile)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is of another kind or damaged.

    Notes
    -----
    A model is read whole anyway, so its arrays are held against their checksum at once.
    """
    file = read_arrays(path, kind)
    try:
        said = {name: file.header[name] for name in ("card", "settings")}
        if file.header["checksum"] != _checksum(said, file.arrays):
            raise InputError("settings or arrays are not those that were saved")
        return Card.from_dict(file.header["card"]), dict(file.header["settings"]), file
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {error}", path=path) from error


def _checksum(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    return fingerprint(
        dict(header), *(part for name in sorted(arrays) for part in (name, arrays[name]))
    )
