"""What is known of items beside who used them: one or several spaces of content, each weighed.

What it is: content in the order of asked ids, and how alike items are by all of it together. Rows
have unit length within each space, so that a weight says how much a space counts. What it is
not: an encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.learner import real_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embedry.card import Card
    from embedry.ids import Id

__all__ = ["Content", "ContentRows", "as_content"]

_ONLY = "content"


@dataclass(frozen=True, eq=False)
class ContentRows:
    """Content of some items, in their order.

    Attributes
    ----------
    blocks : mapping of str to ndarray (n, dims), float32
        A space each: rows of unit length times the root of its weight; zeros for an item without.
    missing : mapping of str to int
        How many items each space lacks.
    """

    blocks: Mapping[str, NDArray[np.float32]]
    missing: Mapping[str, int]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which items any space knows, (n,) bool."""
        return np.asarray(np.any([rows.any(axis=1) for rows in self.blocks.values()], axis=0))

    def products(self, other: ContentRows) -> NDArray[np.float64]:
        """Return the products of all rows with those of others, over all spaces, (n, m)."""
        pairs = ((rows, other.blocks[name]) for name, rows in self.blocks.items())
        products = [rows @ others.T for rows, others in pairs]
        return np.asarray(np.sum(products, axis=0, dtype=np.float64))

    def squares(self) -> NDArray[np.float64]:
        """Return the squared length of each row over all spaces, (n,)."""
        blocks = self.blocks.values()
        lengths = [(rows.astype(np.float64) ** 2).sum(axis=1) for rows in blocks]
        return np.asarray(np.sum(lengths, axis=0))

    def subset(self, places: NDArray[np.int64]) -> ContentRows:
        """Return the content of some of the items."""
        blocks = {name: rows[places] for name, rows in self.blocks.items()}
        return ContentRows(blocks, dict.fromkeys(blocks, 0))


@dataclass(frozen=True, eq=False)
class Content:
    """Spaces of content by name, and what each counts.

    Attributes
    ----------
    spaces : mapping of str to Embeddings
    weights : mapping of str to float
        Above 0.
    """

    spaces: Mapping[str, Embeddings]
    weights: Mapping[str, float]

    @property
    def cards(self) -> dict[str, Card]:
        """The card of each space."""
        return {name: space.card for name, space in self.spaces.items()}

    def rows(self, ids: Sequence[Id]) -> ContentRows:
        """Return what is known of items, in their order."""
        blocks, missing = {}, {}
        for name, space in self.spaces.items():
            places = [place for place, id in enumerate(ids) if id in space]
            found = np.zeros((len(ids), space.dims), np.float32)
            if places:
                vectors = space.subset([ids[place] for place in places]).vectors
                lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
                scale = np.sqrt(self.weights[name]) / np.where(lengths > 0, lengths, 1)
                found[places] = vectors * scale
            blocks[name] = found
            missing[name] = len(ids) - int(np.count_nonzero(found.any(axis=1)))
        return ContentRows(blocks, missing)


def as_content(
    content: Embeddings | Mapping[str, Embeddings], weights: Mapping[str, float] | None = None
) -> Content:
    """Return content as named and weighed spaces.

    Parameters
    ----------
    content : Embeddings, or mapping of name to Embeddings
    weights : mapping of name to float, optional
        What a space counts, above 0 and at most 1e6; 1 for those left out.

    Returns
    -------
    Content

    Raises
    ------
    InputError
        If content is something else or none, or a weight is out of range or of no space.
    """
    spaces = {_ONLY: content} if isinstance(content, Embeddings) else content
    good = isinstance(spaces, Mapping) and all(
        isinstance(name, str) and isinstance(space, Embeddings) for name, space in spaces.items()
    )
    if not good or not spaces:
        raise InputError(
            f"content must be Embeddings, or a mapping of names to them; got {content!r:.60}. "
            "Pass Embeddings(ids, vectors) with the ids of items."
        )
    given = dict(weights or {})
    unknown = [name for name in given if name not in spaces]
    if unknown:
        raise InputError(
            f"weights must be of spaces of the content, {', '.join(spaces)}; got {unknown[0]!r}."
        )
    checked = {
        name: real_number(f"weights[{name!r}]", given.get(name, 1.0), 1e-6, 1e6) for name in spaces
    }
    return Content(dict(spaces), checked)
