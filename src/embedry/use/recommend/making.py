"""The parts of a recommender, made from what it is given, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from embedry.errors import InputError
from embedry.learn.taste.learner import TasteLearner
from embedry.metrics import EUCLIDEAN
from embedry.use.recommend.parts.content import ContentPart
from embedry.use.recommend.parts.popularity import PopularityPart
from embedry.use.recommend.parts.recency import Recency, RecencyPart
from embedry.use.recommend.parts.taste import TastePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from embedry.store.collection import Collection
    from embedry.use.recommend.parts.part import Part

__all__ = ["made_parts"]


def made_parts(
    collection: Collection,
    taste: TasteLearner | Mapping[str, TasteLearner] | None,
    content: str | Iterable[str] | None,
    popularity: bool | None,
    recency: Recency | None,
) -> list[Part]:
    """Return parts in the order of the arguments; see `embedry.Recommender`.

    Parameters
    ----------
    collection : Collection
    taste : TasteLearner, mapping of name to TasteLearner, or None
    content : str, iterable of str, or None
    popularity : bool or None
    recency : Recency or None

    Returns
    -------
    list of Part
        At least one, of different names.

    Raises
    ------
    InputError
        As `embedry.Recommender`.
    """
    learned = [TastePart(*pair) for pair in _learners(taste, collection).items()]
    parts: list[Part] = [*learned]
    for name, field in _fields(content, collection).items():
        parts.append(ContentPart(name, field, learned))
    if _wanted(popularity, learned):
        parts.append(PopularityPart(learned))
    if recency is not None:
        parts.append(RecencyPart(_as_recency(recency)))
    return _checked(parts)


def _learners(
    taste: TasteLearner | Mapping[str, TasteLearner] | None, collection: Collection
) -> Mapping[str, TasteLearner]:
    """Return fitted learners by name, or refuse them."""
    if taste is None:
        return {}
    named = taste if isinstance(taste, Mapping) else {"taste": taste}
    for name, learner in named.items():
        fitted = isinstance(learner, TasteLearner) and hasattr(learner, "interactions_")
        if not fitted or not isinstance(name, str):
            raise InputError(
                "taste must be a fitted learner such as ALS, or a mapping of name to such; got "
                f"{learner!r}. Call fit first."
            )
        if not any(id in collection for id in learner.interactions_.item_ids):
            raise InputError(
                "Taste must be learned from items of the collection; it shares no id with it. "
                'Upsert its items, or add_field(..., missing="create").'
            )
    return named


def _fields(content: str | Iterable[str] | None, collection: Collection) -> dict[str, str]:
    """Return the field of each part of content."""
    if content is None:
        return {}
    named = {"content": content} if isinstance(content, str) else {one: one for one in content}
    for field in named.values():
        if collection.field(field).vectors.metric is EUCLIDEAN:
            raise InputError(
                f"content must be a field of metric cosine or dot; {field!r} is euclidean, and a "
                "distance is no sum over past items. Add a field of another metric."
            )
    return named


def _wanted(popularity: object, taste: Sequence[TastePart]) -> bool:
    if popularity is not None and not isinstance(popularity, bool):
        raise InputError(f"popularity must be True or None; got {popularity!r}.")
    if popularity and not taste:
        raise InputError("Popularity counts the users of taste; there is none. Pass taste=.")
    return bool(popularity)


def _as_recency(recency: object) -> Recency:
    if not isinstance(recency, Recency):
        raise InputError(f"recency must be a Recency(key, half_life); got {recency!r}.")
    return recency


def _checked(parts: list[Part]) -> list[Part]:
    names = [part.name for part in parts]
    if not names:
        raise InputError("There must be something to recommend by; pass taste= or content=.")
    if len(set(names)) < len(names):
        raise InputError(
            f"The names of parts must differ; got {', '.join(names)}. Pass taste as a mapping of "
            "another name."
        )
    return parts
