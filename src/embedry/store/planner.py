"""The planner: reads what was asked, decides how to answer, and answers.

Dense search runs over one field's vectors, text search over BM25, hybrid over both with
calibrated scores. What is decided here is told in the `Plan` of the hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from embedry.errors import InputError, UnknownIdError
from embedry.ids import check_id
from embedry.query import Hit, Hits, Plan
from embedry.store.filters import parse_filter
from embedry.store.metadata import decode_metadata
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from embedry.embeddings import Embeddings
    from embedry.ids import Id
    from embedry.store.fields import Field
    from embedry.store.filters import Filter
    from embedry.store.log import Log
    from embedry.store.mirror import Mirror
    from embedry.store.vector_index import Found, VectorSet

__all__ = ["Mode", "Question", "answer"]

Mode = Literal["auto", "dense", "text", "hybrid"]

DENSE_SHARE = 0.6  # of a hybrid score, the rest is BM25's: docs/decisions/0002
_HYBRID_DEPTH = 100  # candidates each side brings, at least
_NO_PARTS: dict[str, float] = {}


@dataclass(frozen=True)
class Question:
    """What was asked: exactly one of query, id and vector, and what narrows the answer."""

    query: str | None
    id: Id | None
    vector: Embeddings | ArrayLike | None
    field: str | None
    k: int
    where: Mapping[str, object] | None
    mode: Mode
    include_self: bool

    def __post_init__(self) -> None:
        given = [part is not None for part in (self.query, self.id, self.vector)]
        if sum(given) != 1:
            raise InputError("Pass exactly one of a query text, id= and vector=.")
        if self.mode not in get_args(Mode):
            raise InputError(f"mode must be one of {', '.join(get_args(Mode))}; got {self.mode!r}.")
        if self.query is None and self.mode in {"text", "hybrid"}:
            raise InputError(f"mode {self.mode!r} needs a query text; id= and vector= are dense.")
        if self.query is not None and not (isinstance(self.query, str) and self.query.strip()):
            raise InputError(f"A query must be a text that is not empty; got {self.query!r}.")
        check_k(self.k)

    @property
    def words(self) -> str:
        """The question in words."""
        if self.query is not None:
            return repr(self.query)
        return f"id {self.id!r}" if self.id is not None else "a vector"


@dataclass(frozen=True)
class _Ranking:
    """Positions with scores, best first, and what each part gave."""

    positions: NDArray[np.int64]
    scores: NDArray[np.float64]
    parts: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True)
class _Query:
    """A query vector in one field, ready to be searched."""

    field: Field
    vectors: VectorSet
    row: NDArray[np.float32] | None
    role: str
    relation: str = "same"
    unknown: tuple[str, ...] = ()


def answer(question: Question, mirror: Mirror, log: Log) -> Hits:
    """Answer a question from a collection; see `Collection.search`."""
    mirror.refresh()
    where = parse_filter(question.where) if question.where else None
    allowed = mirror.allowed(where)
    unknown_keys = _unknown_keys(where, mirror)
    passed = int(np.count_nonzero(allowed))
    field = _field(question, mirror)
    mode = _mode(question, field)
    narrowed = None if where is None else allowed
    if mode == "text" or field is None:
        ranking = _text(question, mirror, narrowed)
        plan = Plan("text", None, "bm25", passed, None, None, unknown_keys)
        return _hits(question, ranking, plan, (), mirror, log)
    query = _query(question, field, mirror)
    if mode == "hybrid":
        ranking, found = _hybrid(question, query, mirror, narrowed)
        method = "bm25" if found is None else f"{found.method} + bm25"
    else:
        ranking, found = _dense(question, query, mirror, narrowed)
        method = "no vector for the query" if found is None else found.method
    effort = None if found is None else found.effort
    plan = Plan(mode, field.name, method, passed, effort, query.relation, unknown_keys)
    return _hits(question, ranking, plan, query.unknown, mirror, log)


def _unknown_keys(where: Filter | None, mirror: Mirror) -> tuple[str, ...]:
    if where is None:
        return ()
    return tuple(sorted(where.keys - set(mirror.columns().kinds)))


def _field(question: Question, mirror: Mirror) -> Field | None:
    """Return the field to search: the one named, or the only one that can answer."""
    if question.field is not None:
        if question.field not in mirror.fields:
            names = ", ".join(mirror.fields) or "none"
            raise InputError(f"field must be one of: {names}; got {question.field!r}.")
        return mirror.fields[question.field]
    if question.mode == "text":
        return None
    fits = [f for f in mirror.fields.values() if f.has_encoder or question.query is None]
    if len(fits) > 1:
        names = ", ".join(field.name for field in fits)
        raise InputError(f"Several fields can answer; pass field=, one of: {names}.")
    if not fits and (question.query is None or question.mode in {"dense", "hybrid"}):
        raise InputError(
            "There is no field that can answer. Add one with add_field, or pass a query text "
            'with mode="text".'
        )
    return fits[0] if fits else None


def _mode(question: Question, field: Field | None) -> str:
    if question.mode != "auto":
        return question.mode
    if question.query is None:
        return "dense"
    return "hybrid" if field is not None and field.has_encoder else "text"


def _query(question: Question, field: Field, mirror: Mirror) -> _Query:
    vectors = field.vectors
    if question.query is not None:
        encoded = field.encoder().encode([question.query], role="query")
        row = vectors.metric.prepare(encoded.vectors)[0] if encoded.placed[0] else None
        return _Query(field, vectors, row, "query", unknown=encoded.unknown)
    if question.vector is not None:
        row, relation = field.query_from(question.vector)
        return _Query(field, vectors, row, "item", relation)
    position = _asked_position(question, mirror)
    if position >= len(vectors.slot_of) or vectors.slot_of[position] < 0:
        raise InputError(
            f"The item {question.id!r} has no vector in the field {field.name!r}. "
            "Search another field, or upsert one for it."
        )
    return _Query(field, vectors, vectors.vectors_of(np.array([position]))[0], "item")


def _asked_position(question: Question, mirror: Mirror) -> int:
    position = mirror.items.position(check_id(question.id))
    if position is None:
        raise UnknownIdError(
            f"There is no item {question.id!r} in the collection.",
            ids=[check_id(question.id)],
        )
    return position


def _text(question: Question, mirror: Mirror, allowed: NDArray[np.bool_] | None) -> _Ranking:
    with mirror.lock:
        positions, scores = mirror.text().search(str(question.query), question.k, allowed)
    return _Ranking(positions, scores.astype(np.float64))


def _dense(
    question: Question, query: _Query, mirror: Mirror, allowed: NDArray[np.bool_] | None
) -> tuple[_Ranking, Found | None]:
    if query.row is None:
        return _Ranking(np.empty(0, np.int64), np.empty(0)), None
    itself = None if question.id is None else _asked_position(question, mirror)
    found = query.vectors.search(query.row, question.k + (itself is not None), allowed)
    positions, scores = found.positions, found.scores
    if itself is not None:
        others = positions != itself
        order = np.flatnonzero(others)
        if question.include_self and not others.all():
            order = np.concatenate([np.flatnonzero(~others), order])
        positions, scores = positions[order], scores[order]
    return _Ranking(positions[: question.k], scores[: question.k].astype(np.float64)), found


def _hybrid(
    question: Question, query: _Query, mirror: Mirror, allowed: NDArray[np.bool_] | None
) -> tuple[_Ranking, Found | None]:
    """Let both sides bring candidates, fill in the missing parts exactly, and add them up."""
    depth = max(_HYBRID_DEPTH, 5 * question.k)
    with mirror.lock:
        text = mirror.text()
        near_text, bm25 = text.search(str(question.query), depth, allowed)
        found = None if query.row is None else query.vectors.search(query.row, depth, allowed)
        near_dense = near_text if found is None else found.positions
        positions = np.union1d(near_text, near_dense)
        words = text.scores(str(question.query), positions).astype(np.float64)
    best = float(bm25[0]) if len(bm25) else 1.0
    by_text = (1 - DENSE_SHARE) * words / best
    by_field = np.zeros(len(positions))
    if query.row is not None:
        raw = query.vectors.scores_of(query.row, positions).astype(np.float64)
        background = query.field.background(query.role)
        by_field = DENSE_SHARE * background.calibrated(raw)
    scores = by_text + by_field
    order = np.lexsort((positions, -scores))[: question.k]
    name = query.field.name
    parts = tuple({name: float(by_field[i]), "text": float(by_text[i])} for i in order)
    return _Ranking(positions[order], scores[order], parts), found


def _hits(
    question: Question,
    ranking: _Ranking,
    plan: Plan,
    unknown: tuple[str, ...],
    mirror: Mirror,
    log: Log,
) -> Hits:
    rows = mirror.items.rows[ranking.positions].tolist()
    stored = log.items(rows)
    parts = ranking.parts or (_NO_PARTS,) * len(rows)
    hits = tuple(
        Hit(item.id, score, item.document, decode_metadata(item.metadata), part)
        for row, score, part in zip(rows, ranking.scores.tolist(), parts, strict=True)
        if (item := stored.get(row)) is not None  # removed a moment ago by another process
    )
    return Hits(hits, question.words, plan, unknown)
