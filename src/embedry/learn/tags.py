"""Tags: categories, people and keywords of items as vectors, rare ones weighing more.

What it is: one column a tag, weighed by how few items have it, and rows of unit length; so the
cosine of two items is what they share. It is what recommenders take as content of items. What it
is not: a small space; it has as many dims as there are tags.

References
----------
Spärck Jones 1972, A Statistical Interpretation of Term Specificity and Its Application in
Retrieval (the weight). Salton, Buckley 1988, Term-Weighting Approaches in Automatic Text Retrieval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.card import Card, fingerprint
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoded
from embedry.errors import FileFormatError, InputError
from embedry.ids import Id, check_ids, pack_ids, unpack_ids
from embedry.learn.learner import Learner, whole_number
from embedry.learn.modelfile import read_model, write_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TagEncoder"]

_KIND = "tags"


class TagEncoder(Learner):
    """Turn lists of tags into vectors.

    Parameters
    ----------
    min_count : int
        Leave out tags that fewer items have: a tag of one item says nothing of others.

    Attributes
    ----------
    tags_ : tuple of str
        Most frequent first, ties in order of first appearance; a column each.
    weights_ : ndarray (tags,), float32
        1 + ln((1 + n) / (1 + items with the tag)) of n items.
    left_out_ : int
        How many tags were rarer than ``min_count``.

    Examples
    --------
    >>> from embedry import TagEncoder
    >>> genres = {"alien": ["horror", "space"], "solaris": ["space"], "psycho": ["horror"]}
    >>> encoder = TagEncoder().fit(genres.values())
    >>> encoder.embeddings(genres).nearest(id="solaris", k=1).ids
    ('alien',)
    """

    tags_: tuple[str, ...]
    weights_: NDArray[np.float32]
    left_out_: int

    def __init__(self, *, min_count: int = 1) -> None:
        self.min_count = min_count

    def check_settings(self) -> None:
        """Refuse settings out of range; see `Learner.check_settings`."""
        whole_number("min_count", self.min_count, 1)

    def fit(self, items: Iterable[Iterable[str]], y: object = None) -> Self:  # noqa: ARG002
        """Learn which tags there are, and how rare each is.

        Parameters
        ----------
        items : iterable of iterables of str
            The tags of each item; a tag that comes twice counts once.
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        TagEncoder
            Itself.

        Raises
        ------
        InputError
            If tags are not lists of str, ``min_count`` is below 1, or no tag is left.
        """
        self.check_settings()
        given = _checked(items)
        counts = Counter(tag for tags in given for tag in dict.fromkeys(tags))
        kept = [(tag, count) for tag, count in counts.most_common() if count >= self.min_count]
        if not kept:
            raise InputError(
                f"Some tag must come in {self.min_count} items; of {len(counts)} tags none does. "
                "Lower min_count, or pass items with tags."
            )
        self.tags_ = tuple(tag for tag, _ in kept)
        having = np.array([count for _, count in kept])
        self.weights_ = (1 + np.log((1 + len(given)) / (1 + having))).astype(np.float32)
        self.left_out_ = len(counts) - len(kept)
        self._fitted_with = self._plain_settings()
        self._make_card()
        return self

    def _make_card(self) -> None:
        content = fingerprint(_KIND, list(self.tags_), self.weights_)
        roles, settings = ("document", "query"), tuple(self._fitted_with.items())
        self._card = Card(_KIND, len(self.tags_), "cosine", content, roles, settings=settings)
        self._columns = {tag: column for column, tag in enumerate(self.tags_)}

    @property
    def card(self) -> Card:
        """The space; NotFittedError before ``fit``."""
        self._check_fitted("tags_")
        return self._card

    def encode(self, items: Iterable[Iterable[str]], role: str = "document") -> Encoded:
        """Return the vectors of items.

        Parameters
        ----------
        items : iterable of iterables of str
            The tags of each item; a tag that comes twice counts once.
        role : {"document", "query"}
            Both are alike.

        Returns
        -------
        Encoded
            Rows of unit length; zeros for an item without a known tag. Unknown tags are named.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If tags are not lists of str, or the role is another.

        Notes
        -----
        Memory: 4 bytes an item and tag.
        """
        if role not in self.card.roles:
            raise InputError(f"role must be one of {', '.join(self.card.roles)}; got {role!r}.")
        given = _checked(items)
        vectors = np.zeros((len(given), len(self.tags_)), np.float32)
        unknown: dict[str, None] = {}
        for row, tags in enumerate(given):
            columns = [self._columns[tag] for tag in tags if tag in self._columns]
            vectors[row, columns] = self.weights_[columns]
            unknown.update(dict.fromkeys(tag for tag in tags if tag not in self._columns))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        empty = sum(not tags for tags in given)
        return Encoded(vectors, self.card, empty=empty, unknown=tuple(unknown))

    def embeddings(self, items: Mapping[Id, Iterable[str]]) -> Embeddings:
        """Return the vectors of named items, those without a known tag left out.

        Parameters
        ----------
        items : mapping of id to iterable of str

        Returns
        -------
        Embeddings

        Raises
        ------
        NotFittedError, InputError
            As `encode`; and InputError if no item has a known tag.
        """
        if not isinstance(items, Mapping):
            raise InputError(f"items must be a mapping of id to tags; got {type(items).__name__}.")
        encoded = self.encode(items.values())
        if not encoded.placed.any():
            raise InputError(f"An item must have a known tag; none of {len(items)} has.")
        ids = [id for id, known in zip(check_ids(items), encoded.placed, strict=True) if known]
        return Embeddings(ids, encoded.vectors[encoded.placed], self.card)

    def save(self, path: str | Path) -> None:
        """Write the encoder into one file that `embedry.load` reads.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        OSError
            If it cannot be written; what was there stays.
        """
        card = self.card
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights_, **pack_ids(self.tags_, "tags")}
        write_model(path, card, {**self._fitted_with, "_left_out": self.left_out_}, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        TagEncoder
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        _, settings, file = read_model(path, _KIND)
        try:
            left_out = int(settings.pop("_left_out"))
            encoder = cls(**settings)
            encoder.tags_ = tuple(map(str, unpack_ids(file.arrays, "tags")))
            encoder.weights_, encoder.left_out_ = file.arrays["weights"], left_out
            encoder._fitted_with = settings
            encoder._make_card()
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return encoder


def _checked(items: Iterable[Iterable[str]]) -> list[Sequence[str]]:
    """Return the tags of each item, or refuse what are none."""
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable):
        raise InputError(
            f"Tags must be a list of lists of str, one an item; got {items!r:.60}. Pass "
            "[['drama', 'war'], ...], or .values() of a mapping."
        )
    given: list[Sequence[str]] = []
    for place, tags in enumerate(items):
        if isinstance(tags, (str, bytes)) or not isinstance(tags, Iterable):
            raise InputError(f"The tags of item {place} must be a list of str; got {tags!r:.60}.")
        mine = tuple(tags)
        wrong = [tag for tag in mine if not isinstance(tag, str)]
        if wrong:
            raise InputError(f"A tag must be a str; got {wrong[0]!r:.60} in item {place}.")
        given.append(mine)
    return given
