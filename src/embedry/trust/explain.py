"""Why two items are near: the same parts a search would add up, told for one pair.

For each field the score and where it lies among the scores of other pairs; for a field whose
encoder is a mean of words, what each word gives to the score, exactly; for taste, who used both.

What it is not: a guess at what a black box meant. What cannot be decomposed exactly is given
whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from embedry.data.text.words import words_as_written
from embedry.errors import EncoderMissingError, InputError, UnknownIdError
from embedry.ids import check_id
from embedry.learn.taste.learner import TasteLearner
from embedry.store.indexes.text_analysis import analyse, analyse_query
from embedry.store.memory.mirror import searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.ids import Id
    from embedry.store.collection import Collection, Item
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror

__all__ = ["Explanation", "FieldPart", "UsedBy", "explain"]

_WORDS = 5
_USERS = 5
_NAMES = {"cosine": "cosine", "dot": "dot product", "euclidean": "minus the distance,"}
_ROUNDING = 1e-3  # by how much shares may miss a score that they sum to


@runtime_checkable
class _MeanOfWords(Protocol):
    """An encoder whose vectors are sums over words."""

    def word_shares(self, text: str, query: NDArray[np.float32]) -> dict[str, float]:
        """Return what each word of a text gives to its dot product with a vector."""


@dataclass(frozen=True)
class FieldPart:
    """How near two items are in one field.

    Attributes
    ----------
    field : str
    score : float or None
        By the metric of the field; None where not both have a vector.
    calibrated : float or None
        The same on the common scale: 1 is nearer than 99.9 % of pairs.
    words : tuple of (str, float)
        Up to five words of the second item's document that bring the two nearest, each with its
        share of the score, largest first; shares below 0 are not named. Empty where the
        encoder is no mean of words or not at hand, or the vector is not that of the document.
    metric : str
        What the score is: ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    """

    field: str
    score: float | None
    calibrated: float | None
    words: tuple[tuple[str, float], ...] = ()
    metric: str = "cosine"


@dataclass(frozen=True)
class UsedBy:
    """Who used two items: how many each and both, and some who used both.

    Attributes
    ----------
    first, second, both : int
    examples : tuple of str or int
        Up to five who used both.
    similarity : float or None
        How alike taste holds the two, as its ``similar`` says; None where it does not know.
    """

    first: int
    second: int
    both: int
    examples: tuple[Id, ...]
    similarity: float | None = None


@dataclass(frozen=True)
class Explanation:
    """Why two items are near.

    Attributes
    ----------
    first, second : str or int
    parts : tuple of FieldPart
        One a field, in the order the fields were added.
    shared_words : tuple of str
        Words that both are found by, rarest first.
    used_by : UsedBy or None
        Where taste was given and knows both.
    """

    first: Id
    second: Id
    parts: tuple[FieldPart, ...]
    shared_words: tuple[str, ...] = ()
    used_by: UsedBy | None = None

    def __str__(self) -> str:
        lines = [f"{self.first} and {self.second}"]
        lines += [f"  {_sentence(part)}" for part in self.parts]
        if self.used_by is not None:
            lines.append(f"  {_used_sentence(self.used_by)}")
        if self.shared_words:
            lines.append(f"  both are found by: {', '.join(self.shared_words)}")
        return "\n".join(lines)


def _sentence(part: FieldPart) -> str:
    if part.score is None:
        return f"{part.field}: not both have a vector"
    words = ", ".join(f"{word} {share:+.2f}" for word, share in part.words)
    because = f", through {words}" if words else ""
    scale = f"{part.calibrated:.2f} on the common scale"
    return f"{part.field}: {_NAMES[part.metric]} {part.score:.2f}, {scale}{because}"


def _used_sentence(used: UsedBy) -> str:
    some = f", such as {', '.join(map(str, used.examples))}" if used.examples else ""
    alike = "" if used.similarity is None else f"; likeness in taste {used.similarity:.2f}"
    return f"used by {used.first} and {used.second}; by both: {used.both}{some}{alike}"


def explain(
    collection: Collection, first: Id, second: Id, *, taste: TasteLearner | None = None
) -> Explanation:
    """Explain why two items of a collection are near.

    Parameters
    ----------
    collection : Collection
    first, second : str or int
    taste : TasteLearner, optional
        Fitted, such as `embedry.ALS`; to say who used both, and how alike it holds them.

    Returns
    -------
    Explanation
        Print it for sentences.

    Raises
    ------
    UnknownIdError
        If an item is not in the collection.
    InputError
        If taste is not a fitted learner.

    Notes
    -----
    In a field of Word2Vec the shares of all words of a document sum to the score.
    """
    fitted = isinstance(taste, TasteLearner) and hasattr(taste, "interactions_")
    if taste is not None and not fitted:
        raise InputError(f"taste must be a fitted learner; got {taste!r}. Call fit first.")
    ids = [check_id(first), check_id(second)]
    items = {item.id: item for item in collection.get(ids)}
    missing = [id for id in ids if id not in items]
    if missing:
        raise UnknownIdError(
            f"There is no item {missing[0]!r} in the collection. Check the id, and whether it is "
            "a str or an int.",
            ids=missing,
        )
    pair = (items[ids[0]], items[ids[1]])
    used = None if taste is None else _used_by(taste, ids)
    parts = _parts(collection, pair)
    return Explanation(ids[0], ids[1], parts, _shared_words(collection, pair), used)


def _parts(collection: Collection, pair: Sequence[Item]) -> tuple[FieldPart, ...]:
    mirror = collection.mirror
    with mirror.lock:  # positions and vectors of one moment
        places = np.array([_position(mirror, item.id) for item in pair])
        return tuple(_part(field, places, pair[1]) for field in mirror.fields.values())


def _position(mirror: Mirror, id: Id) -> int:
    position = mirror.items.position(id)
    if position is None:
        raise UnknownIdError(f"The item {id!r} was removed a moment ago.", ids=[id])
    return position


def _part(field: Field, places: NDArray[np.int64], second: Item) -> FieldPart:
    vectors = field.vectors
    if (vectors.slot_of[places] < 0).any():
        return FieldPart(field.name, None, None, metric=vectors.metric.name)
    query = vectors.vectors_of(places[:1])[0]
    score = vectors.scores_of(query, places[1:])  # (dims,), (1, dims) -> (1,)
    calibrated = field.background("item").calibrated(score.astype(np.float64))
    words = _word_shares(field, query, second, float(score[0]))
    return FieldPart(field.name, float(score[0]), float(calibrated[0]), words, vectors.metric.name)


def _word_shares(
    field: Field, query: NDArray[np.float32], item: Item, score: float
) -> tuple[tuple[str, float], ...]:
    if not field.has_encoder or not item.document:
        return ()
    try:
        encoder = field.encoder()
    except EncoderMissingError:
        return ()  # the score stands without it
    if not isinstance(encoder, _MeanOfWords):
        return ()
    shares = encoder.word_shares(item.document, query)
    if abs(sum(shares.values()) - score) > _ROUNDING:
        return ()  # the vector was given, not made from the document
    near = [(word, share) for word, share in shares.items() if share > 0]
    return tuple(sorted(near, key=lambda pair: -pair[1])[:_WORDS])


def _shared_words(collection: Collection, pair: Sequence[Item]) -> tuple[str, ...]:
    """Return words of the second item that the first is found by too, rarest first."""
    first, second = (searchable(item.id, item.document) for item in pair)
    asked = set(analyse_query(first))
    word_of = {term: word for word in words_as_written(second) for term in analyse(word)}
    mirror = collection.mirror
    with mirror.lock:
        frequency = mirror.text().document_frequency
        shared = sorted(asked & set(word_of), key=lambda term: (frequency(term), term))
    return tuple(dict.fromkeys(word_of[term].lower() for term in shared))[:_WORDS]


def _used_by(taste: TasteLearner, ids: Sequence[Id]) -> UsedBy | None:
    used = taste.interactions_
    places = {id: place for place, id in enumerate(used.item_ids)}
    if any(id not in places for id in ids):
        return None
    first, second = (places[id] for id in ids)
    users = np.repeat(np.arange(len(used.user_ids)), np.diff(used.indptr))
    of = [set(users[used.indices == place].tolist()) for place in (first, second)]
    both = sorted(of[0] & of[1])
    examples = tuple(used.user_ids[user] for user in both[:_USERS])
    known = taste.known_items
    alike = float(taste.similarities(ids[0])[second]) if known[first] and known[second] else np.nan
    similarity = None if np.isnan(alike) else alike
    return UsedBy(len(of[0]), len(of[1]), len(both), examples, similarity)
