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

__all__ = ["describe", "load", "read_model", "write_model"]

_HOMES = {
    "als": ("embedry.learn.als", "ALS"),
    "embeddings": ("embedry.embeddings", "Embeddings"),
    "word2vec": ("embedry.learn.word2vec", "Word2Vec"),
}


def load(path: str | Path) -> Any:
    """Read what a learner's ``save``, or `Embeddings.save`, wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Word2Vec, ALS or Embeddings
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
        facts.update(file.header.get("settings", {}))
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
    arrays = {name: " x ".join(map(str, array.shape)) for name, array in file.arrays.items()}
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
    header = {
        "card": card.to_dict(),
        "settings": dict(settings),
        "checksum": _checksum(arrays),
    }
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
        if file.header["checksum"] != _checksum(file.arrays):
            raise InputError("the arrays are not those that were saved")
        return Card.from_dict(file.header["card"]), dict(file.header["settings"]), file
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {error}", path=path) from error


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    return fingerprint(*(part for name in sorted(arrays) for part in (name, arrays[name])))
