"""The values of a query: what was asked, how it was answered, and the answers.

Pure values; whoever answers makes them: `Embeddings.nearest`, a collection, a recommender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from embedry.ids import Id

__all__ = ["Hit", "Hits", "Plan"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Hit:
    """One answer.

    Attributes
    ----------
    id : str or int
    score : float
        Larger is nearer.
    document : str or None
        The text of the item, where it has one.
    metadata : mapping
        What is known of the item.
    parts : mapping of str to float
        What each part of a combined score gave; they sum to ``score``.
    because : tuple of (id, float)
        For a recommendation: the past items that caused it, largest share first.
    reason : str
        For a recommendation: why, in words.
    """

    id: Id
    score: float
    document: str | None = None
    metadata: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    parts: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    because: tuple[tuple[Id, float], ...] = ()
    reason: str = ""

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {value:.3f}" for name, value in self.parts.items())
        return f"Hit({self.id!r}, {self.score:.4f}{f', {parts}' if parts else ''})"


@dataclass(frozen=True)
class Plan:
    """How a query was answered.

    Attributes
    ----------
    mode : str
        ``"dense"``, ``"text"``, ``"hybrid"`` or ``"recommend"``.
    field : str or None
        The vector field that was searched.
    method : str
        ``"exact scan"``, ``"exact on filtered"``, ``"hnsw"``, ``"bm25"``, ``"mmr"``,
        ``"rerank"``, or several joined by ``" + "``.
    passed : int
        How many items the filter let pass (all, without one).
    effort : int or None
        For ``"hnsw"``: how many candidates the graph search kept (efSearch). For ``"mmr"``: how
        many of the best were reordered.
    relation : str or None
        How the query's space stands to the field's: ``"same"``, ``"equivalent"``, ...
    unknown_keys : tuple of str
        Keys of the filter that no item has.
    lacking : tuple of (str, int)
        For a recommendation: of how many candidates each part of the score knows nothing.
    diversity : float
        Above 0, hits were chosen to differ, and their scores need not fall.
    reranked : int
        How many of the best a reranker read.
    """

    mode: str
    field: str | None = None
    method: str = "exact scan"
    passed: int = 0
    effort: int | None = None
    relation: str | None = None
    unknown_keys: tuple[str, ...] = ()
    lacking: tuple[tuple[str, int], ...] = ()
    diversity: float = 0.0
    reranked: int = 0


@dataclass(frozen=True, repr=False)
class Hits(Sequence[Hit]):
    """Answers, best first, ties by insertion order; immutable.

    Attributes
    ----------
    hits : tuple of Hit
    asked : str
        What was asked, in words.
    plan : Plan or None
        How it was answered.
    unknown : tuple of str
        Words of the query that the encoder does not know.
    """

    hits: tuple[Hit, ...]
    asked: str = ""
    plan: Plan | None = None
    unknown: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[Id, ...]:
        """The ids, best first."""
        return tuple(hit.id for hit in self.hits)

    @property
    def scores(self) -> tuple[float, ...]:
        """The scores in that order: largest first, unless the plan says ``diversity``."""
        return tuple(hit.score for hit in self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __repr__(self) -> str:
        asked = f" for {self.asked}" if self.asked else ""
        lines = [f"{len(self)} hits{asked}", *(f"  {hit!r}" for hit in self.hits)]
        return "\n".join(lines)
