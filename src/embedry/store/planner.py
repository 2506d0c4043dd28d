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
from embedry.store.encoding import encode
from embedry.store.metadata.filters import parse_filter
from embedry.store.metadata.rows import decode_metadata
from embedry.vectors import check_k

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from embedry.embeddings import Embeddings
    from embedry.ids import Id
    from embedry.store.disk.log import Log
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror
    from embedry.store.metadata.filters import Filter

__all__ = ["Mode", "Question", "answer"]

Mode = Literal["auto", "dense", "text", "hybrid"]
_MODES = get_args(Mode)

# of a hybrid score, by what made the space; the rest is BM25's: docs/decisions/0002
DENSE_SHARES = {"static": 0.5, "transformer": 0.8, "remote": 0.8}
DENSE_SHARE = 0.6  # of all others, such as word2vec
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
        if self.mode not in _MODES:
            raise InputError(f"mode must be one of {', '.join(_MODES)}; got {self.mode!r}.")
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
    """A query vector (dims,) in one field, ready to be searched; None where no word is known."""

    field: Field
    row: NDArray[np.float32] | None
    role: str
    relation: str = "same"
    unknown: tuple[str, ...] = ()
    itself: int | None = None


@dataclass(frozen=True)
class _Scope:
    """What the filter lets pass, of the moment for which the lock is held.

    Attributes
    ----------
    allowed : ndarray (positions,), bool, or None
        None without a filter.
    passed : int
    unknown_keys : tuple of str
        Keys of the filter that no item has.
    """

    allowed: NDArray[np.bool_] | None
    passed: int
    unknown_keys: tuple[str, ...] = ()


def answer(question: Question, mirror: Mirror, log: Log) -> Hits:
    """Answer a question from a collection; see `Collection.search`."""
    mirror.refresh()
    where = None if question.where is None else parse_filter(question.where)
    field = _field(question, mirror)
    mode = _mode(question, field)
    if mode == "text" or field is None:
        ranking, plan = _text(question, where, mirror)
        return _hits(question, ranking, plan, (), mirror, log)
    query = _query(question, field, mirror)
    run = _hybrid if mode == "hybrid" else _dense
    ranking, plan = run(question, where, query, mirror)
    return _hits(question, ranking, plan, query.unknown, mirror, log)


def _scope(where: Filter | None, mirror: Mirror) -> _Scope:
    if where is None:
        return _Scope(None, mirror.items.count)
    allowed = mirror.allowed(where)
    unknown = tuple(sorted(where.keys - set(mirror.columns().kinds)))
    return _Scope(allowed, int(np.count_nonzero(allowed)), unknown)


def _field(question: Question, mirror: Mirror) -> Field | None:
    """Return the field to search: the one named, or the only one that can answer."""
    fields = mirror.fields
    if question.field is not None:
        if not isinstance(question.field, str) or question.field not in fields:
            names = ", ".join(fields) or "none"
            raise InputError(f"field must be one of: {names}; got {question.field!r}.")
        return fields[question.field]
    if question.mode == "text":
        return None
    fits = [f for f in fields.values() if f.has_encoder or question.query is None]
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
    if question.query is not None:
        encoded = encode(field.encoder(), [question.query], "query")
        row = field.vectors.metric.prepare(encoded.vectors)[0] if encoded.placed[0] else None
        return _Query(field, row, "query", unknown=encoded.unknown)
    if question.vector is not None:
        row, relation = field.query_from(question.vector)
        return _Query(field, row, "item", relation)
    position, vectors = _asked_position(question, mirror), field.vectors
    if position >= len(vectors.slot_of) or vectors.slot_of[position] < 0:
        raise InputError(
            f"The item {question.id!r} has no vector in the field {field.name!r}. "
            "Search another field, or upsert one for it."
        )
    row = vectors.vectors_of(np.array([position]))[0]
    return _Query(field, row, "item", itself=position)


def _asked_position(question: Question, mirror: Mirror) -> int:
    id = check_id(question.id)
    position = mirror.items.position(id)
    if position is None:
        raise UnknownIdError(f"There is no item {id!r} in the collection.", ids=[id])
    return position


def _text(question: Question, where: Filter | None, mirror: Mirror) -> tuple[_Ranking, Plan]:
    with mirror.lock:
        text, scope = mirror.text(), _scope(where, mirror)  # up to date first, then narrowed
        positions, scores = text.search(str(question.query), question.k, scope.allowed)
    plan = Plan("text", None, "bm25", scope.passed, None, None, scope.unknown_keys)
    return _Ranking(positions, scores.astype(np.float64)), plan


def _dense(
    question: Question, where: Filter | None, query: _Query, mirror: Mirror
) -> tuple[_Ranking, Plan]:
    with mirror.lock:
        scope, vectors = _scope(where, mirror), query.field.vectors
    if query.row is None:
        nothing = _Ranking(np.empty(0, np.int64), np.empty(0))
        return nothing, _plan("dense", query, "no vector for the query", None, scope)
    found = vectors.search(query.row, question.k + (query.itself is not None), scope.allowed)
    positions, scores = found.positions, found.scores
    if query.itself is not None:
        others = positions != query.itself
        positions, scores = positions[others], scores[others]
        if question.include_self and (scope.allowed is None or scope.allowed[query.itself]):
            itself = np.array([query.itself])
            positions = np.concatenate([itself, positions])
            scores = np.concatenate([vectors.scores_of(query.row, itself), scores])
    ranking = _Ranking(positions[: question.k], scores[: question.k].astype(np.float64))
    return ranking, _plan("dense", query, found.method, found.effort, scope)


def _hybrid(
    question: Question, where: Filter | None, query: _Query, mirror: Mirror
) -> tuple[_Ranking, Plan]:
    """Let both sides bring candidates, fill in the missing parts exactly, and add them up."""
    depth, words = max(_HYBRID_DEPTH, 5 * question.k), str(question.query)
    with mirror.lock:
        text, scope = mirror.text(), _scope(where, mirror)  # up to date first, then narrowed
        vectors = query.field.vectors
        positions, bm25 = text.search(words, depth, scope.allowed)
        found = None if query.row is None else vectors.search(query.row, depth, scope.allowed)
        if found is not None:
            positions = np.union1d(positions, found.positions)
        by_text = text.scores(words, positions).astype(np.float64)
    share = DENSE_SHARES.get(query.field.card.kind, DENSE_SHARE)
    by_text *= (1 - share) / (float(bm25[0]) if len(bm25) else 1.0)
    by_field = np.zeros(len(positions))
    if query.row is not None:
        raw = vectors.scores_of(query.row, positions).astype(np.float64)
        by_field = share * query.field.background(query.role).calibrated(raw)
    scores = by_text + by_field
    order = np.lexsort((positions, -scores))[: question.k]
    name = query.field.name
    parts = tuple({name: float(by_field[i]), "text": float(by_text[i])} for i in order)
    method, effort = ("bm25", None) if found is None else (f"{found.method} + bm25", found.effort)
    plan = _plan("hybrid", query, method, effort, scope)
    return _Ranking(positions[order], scores[order], parts), plan


def _plan(mode: str, query: _Query, method: str, effort: int | None, scope: _Scope) -> Plan:
    name = query.field.name
    return Plan(mode, name, method, scope.passed, effort, query.relation, scope.unknown_keys)


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
