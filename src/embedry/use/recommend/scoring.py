"""What all parts say together: of every item, for who asks, for many, and of likeness."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError, UnknownIdError
from embedry.use.recommend.hits import Weighed
from embedry.use.recommend.parts.content import ContentPart, positions_of
from embedry.use.recommend.parts.taste import TastePart
from embedry.use.recommend.questions import question_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.data.interactions import Interactions
    from embedry.ids import Id
    from embedry.store.memory.mirror import Mirror
    from embedry.use.recommend.parts.part import Asker, Part

__all__ = ["alike", "score_rows", "taught"]


def taught(taste: Sequence[TastePart], mirror: Mirror) -> Interactions:
    """Return what learners of taste were learned from, and behind it all items of a collection.

    Raises
    ------
    InputError
        If there is no taste.
    """
    if not taste:
        raise InputError("There must be taste to know what was used; pass taste=.")
    used = taste[0].learner.interactions_
    for part in taste[1:]:
        used = used.joined(part.learner.interactions_)
    known = set(used.item_ids)
    with mirror.lock:
        alive = [mirror.items.ids[place] for place in np.flatnonzero(mirror.items.alive)]
    return replace(used, item_ids=(*used.item_ids, *(id for id in alive if id not in known)))


def score_rows(
    parts: Sequence[Part],
    weights: Mapping[str, float],
    askers: Iterable[Asker],
    items: Sequence[Id],
    mirror: Mirror,
) -> NDArray[np.float32]:
    """Return the scores of items for many, (askers, items) float32; minus infinity for the gone."""
    with mirror.lock:
        totals = [
            Weighed({part: part.answer(question) for part in parts}, weights).total
            for question in (question_of(asker, mirror, parts) for asker in askers)
        ]
        positions = positions_of(items, mirror)
    scores = [np.append(total, -np.inf)[positions] for total in totals]  # -1 finds the last
    return np.array(scores, np.float32).reshape(len(totals), len(positions))


def alike(parts: Sequence[Part], weights: Mapping[str, float], item: Id, mirror: Mirror) -> Weighed:
    """Return how alike all items are to one; hold the lock.

    Raises
    ------
    InputError
        If neither taste nor content weighs anything.
    UnknownIdError
        If neither knows the item.
    """
    counted: list[Part] = [
        part
        for part in parts
        if isinstance(part, TastePart | ContentPart) and weights[part.name] > 0
    ]
    if not counted:
        raise InputError("Likeness needs taste or content that weighs something; pass either.")
    told = {part: part.likeness(item, mirror) for part in counted}
    answers = {part: answer for part, answer in told.items() if answer is not None}
    if not answers:
        raise UnknownIdError(
            f"An item must be known to taste or have a vector; {item!r} is not. Check the id, "
            "and whether it is a str or an int.",
            ids=[item],
        )
    whole = sum(weights[part.name] for part in counted)
    return Weighed(answers, {part.name: weights[part.name] / whole for part in counted})
