"""What `--taste` means, and what a recommender of the command line goes by.

What it is: the reading of a model of taste and of options, and the choice of content where none is
named. What it is not: the recommending (see ``embedry.use.recommend``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embedry.errors import InputError

if TYPE_CHECKING:
    from embedry.ids import Id
    from embedry.learn.taste.learner import TasteLearner
    from embedry.store.collection import Collection

__all__ = ["KnownItems", "Taste", "as_weights", "content_field", "open_taste", "taste_beside"]

Taste = Annotated[
    Path | None,
    typer.Option(
        help="What embedry fit als and the like wrote; else taste.embedry-model beside COLLECTION."
    ),
]

_BESIDE = "taste.embedry-model"


def open_taste(path: Path) -> TasteLearner:
    """Read a model of taste.

    Parameters
    ----------
    path : Path

    Returns
    -------
    TasteLearner

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is none of Embedry's, or damaged.
    InputError
        If the model is of another kind.
    """
    from embedry.learn.modelfile import load
    from embedry.learn.taste.learner import TasteLearner

    model = load(path)
    if not isinstance(model, TasteLearner):
        raise InputError(
            f"{path} must hold a model of taste; it holds {type(model).__name__}. Make one with "
            "embedry fit als, bpr, ease, itemvec, itemknn or popularity."
        )
    return model


def taste_beside(collection: Path) -> Path:
    """Return where a model of taste is looked for, if none is named: beside the collection."""
    return collection.parent / _BESIDE


def content_field(items: Collection, taste: TasteLearner, named: str | None) -> str | None:
    """Return the field that says what items are about.

    Parameters
    ----------
    items : Collection
    taste : TasteLearner
    named : str or None
        Which was asked for; None takes the only field with an encoder.

    Returns
    -------
    str or None
        None where no field has an encoder: then there is taste alone.

    Raises
    ------
    InputError
        If several fields have an encoder, or the one named is the space of taste itself.
    """
    fields = items.info().fields
    encoded = [name for name, field in fields.items() if field.encoder]
    if named is None and len(encoded) > 1:
        raise InputError(
            f"Content must be one field; {len(encoded)} have an encoder. Pass --content, one of: "
            f"{', '.join(encoded)}."
        )
    if named is not None and named in fields and _is_space_of(taste, items, named):
        raise InputError(
            f"Content must say something else than taste; the field {named!r} holds the vectors "
            "of --taste, which would count twice. Name another field, or leave --content out."
        )
    return named or next(iter(encoded), None)


def _is_space_of(taste: TasteLearner, items: Collection, field: str) -> bool:
    from embedry.card import Relation
    from embedry.learn.taste.factors import FactorLearner

    if not isinstance(taste, FactorLearner):
        return False
    card = items.info().fields[field].card
    return taste.item_embeddings_.card.relation_to(card) is not Relation.FOREIGN


def as_weights(text: str | None) -> dict[str, float] | None:
    """Read the weights of parts from the command line.

    Parameters
    ----------
    text : str or None
        Such as ``"taste=0.7,content=0.3"``.

    Returns
    -------
    dict of str to float, or None
        None where nothing was passed.

    Raises
    ------
    InputError
        If it cannot be read so, or a part is there twice.
    """
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in text.split(",")]
    try:
        weights = {name.strip(): float(weight) for name, _, weight in pairs}
    except ValueError:
        weights = {}
    if len(weights) < len(pairs) or "" in weights:
        raise InputError(
            f"--weights must give parts their numbers, such as taste=0.7,content=0.3; got {text!r}."
        )
    return weights


class KnownItems:
    """The ids that a collection or a model of taste knows.

    Parameters
    ----------
    items : Collection
    taste : TasteLearner
    """

    def __init__(self, items: Collection, taste: TasteLearner) -> None:
        self._items = items
        self._learned: frozenset[Id] = frozenset(taste.interactions_.item_ids)

    def __contains__(self, id: object) -> bool:
        return id in self._learned or id in self._items
