"""What a fine-tuned model comes from: a file beside its weights, in words that a card repeats.

What it is: ``embedry.json`` in the model's folder; sentence-transformers does not mind it. What it
is not: part of the fingerprint. The weights tell what the space is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from embedry.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedry.card import Card

__all__ = ["Lineage", "read_lineage", "write_lineage"]

_FILE = "embedry.json"
_FORMAT = 1


@dataclass(frozen=True)
class Lineage:
    """What a model was derived from.

    Attributes
    ----------
    parent : str or None
        The fingerprint of the model that it was tuned from; None where it comes from nowhere.
    generation : int
        How many times it was tuned.
    fidelity : float or None
        The share of the parent's neighbourhoods that were kept, among texts of the task.
    """

    parent: str | None = None
    generation: int = 0
    fidelity: float | None = None

    def told(self, card: Card) -> Card:
        """Return a card that says so.

        Parameters
        ----------
        card : Card

        Returns
        -------
        Card
        """
        if self.parent is None:
            return card
        return replace(card, parent=self.parent, generation=self.generation, fidelity=self.fidelity)


def read_lineage(folder: Path) -> Lineage:
    """Read what `write_lineage` wrote.

    Parameters
    ----------
    folder : Path
        Of a model.

    Returns
    -------
    Lineage
        Without a parent where there is no such file.

    Raises
    ------
    FileFormatError
        If the file is damaged, or of a newer format.
    """
    path = folder / _FILE
    if not path.is_file():
        return Lineage()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != _FORMAT:
            raise FileFormatError(
                f"{path} must be of format {_FORMAT}; it is {values['format']}. Read it with the "
                "release of Embedry that wrote it.",
                path=path,
            )
        fidelity = values["fidelity"]
        known = None if fidelity is None else float(fidelity)
        return Lineage(str(values["parent"]), int(values["generation"]), known)
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged: {error!r}.", path=path) from error


def write_lineage(folder: Path, lineage: Lineage, told: Mapping[str, Any]) -> None:
    """Write where a model comes from into its folder.

    Parameters
    ----------
    folder : Path
    lineage : Lineage
    told : mapping
        What else is to be kept, for people: settings and measures, as JSON can hold them.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    values = {
        "format": _FORMAT,
        "parent": lineage.parent,
        "generation": lineage.generation,
        "fidelity": lineage.fidelity,
        **told,
    }
    text = json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / _FILE).write_text(text + "\n", encoding="utf-8")
