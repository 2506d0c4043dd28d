"""Questions: who asks, a user or anybody by what they have used, and which items may answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from embedry.data.history import check_history
from embedry.errors import InputError, UnknownIdError
from embedry.ids import check_id
from embedry.use.recommend.parts.content import positions_of
from embedry.use.recommend.parts.part import Asker, Question
from embedry.use.recommend.parts.taste import TastePart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.collection import Collection
    from embedry.store.memory.mirror import Mirror
    from embedry.store.metadata.filters import Filter
    from embedry.use.recommend.parts.part import Part

__all__ = ["asker_of", "candidates_of", "question_of", "unknown_keys"]


def asker_of(
    user: Id | None,
    history: Mapping[Id, float] | Iterable[Id] | None,
    parts: Sequence[Part],
    collection: Collection,
) -> Asker:
    """Return who asks, with what they have used.

    Parameters
    ----------
    user : str or int, or None
    history : iterable of ids, or mapping of id to value, or None
        One of the two.
    parts : sequence of Part
        Of the recommender.
    collection : Collection

    Returns
    -------
    Asker

    Raises
    ------
    InputError
        If not exactly one of the two is given, the user has used nothing, or the history
        repeats an item, holds a value out of range, or is empty where no part does without.
    UnknownIdError
        If no learner knows the user, or nobody an item of the history.
    """
    taste = [part for part in parts if isinstance(part, TastePart)]
    if user is not None and history is None:
        return _of_user(check_id(user), taste)
    if user is not None or history is None:
        raise InputError("Pass exactly one of a user id and history=.")
    if isinstance(history, Iterable) and not isinstance(history, Mapping | str):
        history = list(history)
    if history in ([], {}) and not all(part.NEEDS_PAST for part in parts):
        return Asker("a visitor", None, (), np.empty(0))
    return _of_history(check_history(history), taste, collection)


def _of_user(user: Id, taste: Sequence[TastePart]) -> Asker:
    if not taste:
        raise InputError("A user is known by taste, and there is none. Pass history=[...] instead.")
    used: dict[Id, float] = {}
    for part in taste:  # where several learners know a pair, the first one's value counts
        used = {**part.history(user), **used}
    if used:
        return Asker(f"user {user!r}", user, tuple(used), np.array(list(used.values())))
    for part in taste:
        if user in part.learner.interactions_.user_ids:
            raise InputError(
                f"A user must have used something; {user!r} has not. Pass history=[...] instead."
            )
    raise UnknownIdError(
        f"The user {user!r} was not learned. Pass history=[...] instead.", ids=[user]
    )


def _of_history(used: dict[Id, float], taste: Sequence[TastePart], collection: Collection) -> Asker:
    mirror = collection.mirror
    with mirror.lock:
        known = [id in collection or any(one.knows(id, mirror) for one in taste) for id in used]
    unknown = [id for id, is_known in zip(used, known, strict=True) if not is_known]
    if not any(known):
        raise UnknownIdError(
            f"A history must hold an item that taste or the collection knows; none of "
            f"{len(used)} is known, such as {unknown[0]!r}. Check the ids, and whether they are "
            "str or int.",
            ids=unknown,
        )
    kept = {pair[0]: pair[1] for pair, known in zip(used.items(), known, strict=True) if known}
    values = np.array(list(kept.values()), np.float64)
    return Asker("a history", None, tuple(kept), values, tuple(map(str, unknown)))


def question_of(
    asker: Asker, mirror: Mirror, parts: Iterable[Part], asked: Filter | None = None
) -> Question:
    """Return a question to a collection as it is now; hold the lock.

    Parameters
    ----------
    asker : Asker
    mirror : Mirror
    parts : iterable of Part
        Which will answer.
    asked : Filter, optional
        Of the items that may answer.
    """
    if asked is not None or any(part.READS_METADATA for part in parts):
        mirror.columns()  # catches up with what others wrote: before positions are taken
    return Question(asker, positions_of(asker.ids, mirror), mirror)


def candidates_of(
    mirror: Mirror, allowed: NDArray[np.bool_], seen: NDArray[np.int64], left_out: Sequence[Id]
) -> NDArray[np.int64]:
    """Return the positions that may answer, ascending.

    Parameters
    ----------
    mirror : Mirror
    allowed : ndarray (positions,), bool
    seen : ndarray (n,), int64
        Positions that may not answer; -1 stands for none.
    left_out : sequence of ids
        Items that may not answer.
    """
    mine = allowed.copy()
    for positions in (seen, positions_of(left_out, mirror)):
        mine[positions[positions >= 0]] = False
    return np.flatnonzero(mine)


def unknown_keys(asked: Filter | None, mirror: Mirror) -> tuple[str, ...]:
    """Return the keys of a filter that no item has, sorted."""
    return () if asked is None else tuple(sorted(asked.keys - set(mirror.columns().kinds)))
