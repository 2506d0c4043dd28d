"""The vectors of one field in memory, and the graph that finds the near ones fast.

Vectors lie in slots, in the order they were written; a slot is never overwritten. A new vector
of an item takes a new slot and leaves the old one dead, so a search that is under way sees the
set as it was when it began: `VectorSet` is a frozen snapshot, and each change makes the next
one. Small sets are scanned exactly. Large ones get an HNSW graph (Malkov & Yashunin 2018) over
their first slots; what came since is scanned exactly beside it until the graph is grown.

Scores are always exact: the graph only picks candidates.

What it is not: durable. All of it can be rebuilt from the log; the graph is cached in a file
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.metrics import COSINE, EUCLIDEAN, Metric, candidates
from embedry.store.disk.cache import read_cache, write_cache

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Found", "VectorSet", "grown", "load_graph", "save_graph", "wants_graph"]

EXACT_BELOW = 8_000_000  # numbers; about 2 ms of scanning on one core
NEIGHBOURS = 16  # M of the graph
BUILD_EFFORT = 100  # efConstruction
_SPARE = 6  # candidates beyond k: what bf16 puts in the wrong order, exact scores put right
SEARCH_EFFORT = 64  # efSearch without a filter, at least
FEW_ROWS = 0.05  # a filter that passes less is answered by scoring what it passes
TAIL_SHARE, TAIL_ROWS = 0.1, 2_000  # how much may wait beside the graph before it is grown
DEAD_SHARE = 0.3  # how much of a graph may be dead before it is built anew
DEAD_SLOTS = 1_000  # how many may be dead, beside as many as live, in a set without a graph
_KIND = "vector-graph"


@dataclass(frozen=True, eq=False)
class Found:
    """Nearest positions and their exact scores, best first, ties by position; and how."""

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]
    method: str
    effort: int | None = None


@dataclass(slots=True, eq=False)
class _Buffer:
    """Memory behind the rows of several sets: each sees the first ones, none is written twice."""

    rows: NDArray[np.float32]
    used: int


@dataclass(frozen=True, eq=False)
class VectorSet:
    """A frozen snapshot of the vectors of a field.

    Attributes
    ----------
    metric : Metric
    rows : ndarray (slots, dims), float32
        Prepared for the metric (unit rows for cosine).
    position_of : ndarray (slots,), int64
        Which item a slot belongs to.
    change_of : ndarray (slots,), int64
        The change that wrote it.
    live : ndarray (slots,), bool
        Whether it still counts.
    slot_of : ndarray (positions,), int64
        The live slot of each item, -1 where it has no vector.
    graph : faiss index or None
        Over the first ``graph.ntotal`` slots.
    """

    metric: Metric
    rows: NDArray[np.float32]
    position_of: NDArray[np.int64]
    change_of: NDArray[np.int64]
    live: NDArray[np.bool_]
    slot_of: NDArray[np.int64]
    graph: Any = None
    live_count: int = 0
    _buffer: _Buffer | None = None

    @classmethod
    def empty(cls, metric: Metric, dims: int) -> VectorSet:
        """Return a set without vectors."""
        nothing = np.empty(0, np.int64)
        return cls(
            metric, np.empty((0, dims), np.float32), nothing, nothing, nothing.astype(bool), nothing
        )

    def __len__(self) -> int:
        return self.live_count

    @property
    def indexed(self) -> int:
        """How many slots the graph covers."""
        return 0 if self.graph is None else int(self.graph.ntotal)

    def changed(
        self,
        positions: NDArray[np.int64],
        vectors: NDArray[np.float32],
        changes: NDArray[np.int64],
        gone: NDArray[np.int64],
        item_count: int,
    ) -> VectorSet:
        """Return the set after some items got vectors and some lost theirs.

        Parameters
        ----------
        positions : ndarray (n,), int64
            The items that get a vector, each once.
        vectors : ndarray (n, dims), float32
        changes : ndarray (n,), int64
            The change that wrote each.
        gone : ndarray (m,), int64
            The items that lose theirs.
        item_count : int
            How many positions there are now.
        """
        slot_of = self.widened(item_count).slot_of
        live = np.concatenate([self.live, np.ones(len(positions), bool)])
        for lost in (positions, gone):
            old = slot_of[lost]
            live[old[old >= 0]] = False
        slot_of[gone] = -1
        slot_of[positions] = np.arange(len(self.live), len(live))
        buffer = self._with_room_for(len(positions))
        buffer.rows[len(self.rows) : len(live)] = self.metric.prepare(vectors)
        made = replace(
            self,
            rows=buffer.rows[: len(live)],
            _buffer=buffer,
            position_of=np.concatenate([self.position_of, positions]),
            change_of=np.concatenate([self.change_of, changes]),
            live=live,
            slot_of=slot_of,
            live_count=int(np.count_nonzero(live)),
        )
        return made.compacted() if made._mostly_dead() else made

    def _with_room_for(self, more: int) -> _Buffer:
        """Return a buffer that begins with these rows; it grows by a quarter: amortised."""
        used, total = len(self.rows), len(self.rows) + more
        buffer = self._buffer
        if buffer is None or buffer.used != used or len(buffer.rows) < total:
            buffer = _Buffer(np.empty((total * 5 // 4, self.rows.shape[1]), np.float32), used)
            buffer.rows[:used] = self.rows
        buffer.used = total
        return buffer

    def _mostly_dead(self) -> bool:
        """Say whether a set without much use for a graph should be compacted."""
        small = self.live_count * self.rows.shape[1] < EXACT_BELOW
        dead = len(self.live) - self.live_count
        return (small or self.graph is None) and dead > self.live_count + DEAD_SLOTS

    def widened(self, item_count: int) -> VectorSet:
        """Return the same set for more items, which have no vector."""
        slot_of = np.full(item_count, -1, np.int64)
        slot_of[: len(self.slot_of)] = self.slot_of
        return replace(self, slot_of=slot_of)

    def compacted(self) -> VectorSet:
        """Return the same set without its dead slots, and without a graph."""
        keep = np.flatnonzero(self.live)
        slot_of = np.full(len(self.slot_of), -1, np.int64)
        slot_of[self.position_of[keep]] = np.arange(len(keep))
        return VectorSet(
            self.metric,
            self.rows[keep],
            self.position_of[keep],
            self.change_of[keep],
            np.ones(len(keep), bool),
            slot_of,
            live_count=len(keep),
        )

    def scores_of(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the exact score of some items, NaN where they have no vector.

        Parameters
        ----------
        query : ndarray (dims,), float32, prepared
        positions : ndarray (n,), int64

        Returns
        -------
        ndarray (n,), float32
        """
        scores = np.full(len(positions), np.nan, np.float32)
        slots = self.slot_of[positions]
        has = slots >= 0
        scores[has] = self.metric.exact_scores(query, self.rows[slots[has]])
        return scores

    def vectors_of(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of items that have one, (n, dims)."""
        return self.rows[self.slot_of[positions]]

    def search(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> Found:
        """Return the k nearest items.

        Parameters
        ----------
        query : ndarray (dims,), float32, prepared
        k : int
        allowed : ndarray (positions,), bool, optional
            Which items may answer.

        Returns
        -------
        Found

        Notes
        -----
        Exact where the set is small, or few items are allowed; else the graph picks candidates
        (approximate) and they are scored exactly.
        """
        open_slots = self.live if allowed is None else self.live & allowed[self.position_of]
        passing = self.live_count if allowed is None else int(np.count_nonzero(open_slots))
        if self.graph is None or passing <= max(k, FEW_ROWS * self.live_count):
            return self._scan(query, k, open_slots, filtered=allowed is not None)
        return self._graph_search(query, k, open_slots, passing)

    def _scan(
        self, query: NDArray[np.float32], k: int, open_slots: NDArray[np.bool_], *, filtered: bool
    ) -> Found:
        whole = self.live_count == len(self.live) and not filtered
        slots = np.arange(len(self.live)) if whole else np.flatnonzero(open_slots)
        rows = self.rows if whole else self.rows[slots]
        if not len(slots):
            return self._ranked(query, slots, k, "exact scan")
        near = candidates(self.metric.scores(query[None], rows)[0], k)
        return self._ranked(
            query, slots[near], k, "exact on filtered" if filtered else "exact scan"
        )

    def _graph_search(
        self, query: NDArray[np.float32], k: int, open_slots: NDArray[np.bool_], passing: int
    ) -> Found:
        import faiss

        covered = self.indexed
        # a filter hides neighbours that the graph walks over: look at more of them
        share = max(passing / max(self.live_count, 1), FEW_ROWS)
        effort = int(max(SEARCH_EFFORT, 2 * k) / share**0.5)
        if passing == len(self.live):
            options = _options(effort)
        else:
            bits = np.packbits(open_slots[:covered], bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            options = faiss.SearchParametersHNSW(efSearch=effort, sel=selector)
        wanted = min(k + _SPARE, covered)
        slots = self.graph.search(query[None], wanted, params=options)[1][0]
        if slots[-1] < 0:  # fewer were found than wanted
            slots = slots[slots >= 0]
        method = "hnsw"
        if covered < len(self.live):
            method = "hnsw + exact tail"
            tail = covered + np.flatnonzero(open_slots[covered:])
            slots = np.concatenate([slots, tail])
        if len(slots) < min(k, passing):  # the graph was left before it had shown enough
            return self._scan(query, k, open_slots, filtered=passing < self.live_count)
        return self._ranked(query, slots, k, method, effort)

    def _ranked(
        self,
        query: NDArray[np.float32],
        slots: NDArray[np.int64],
        k: int,
        method: str,
        effort: int | None = None,
    ) -> Found:
        scores = self.metric.exact_scores(query, self.rows[slots])
        positions = self.position_of[slots]
        best = np.lexsort((positions, -scores))[:k]
        return Found(positions[best], scores[best], method, effort)


@lru_cache(maxsize=64)
def _options(effort: int) -> Any:
    """Return the options of a search without a filter; they are only read, by any thread."""
    import faiss

    return faiss.SearchParametersHNSW(efSearch=effort)


def wants_graph(vectors: VectorSet) -> bool:
    """Say whether a graph should be built or grown for a set."""
    if vectors.metric not in {COSINE, EUCLIDEAN}:
        return False  # a graph by inner product loses the long vectors: scanned instead
    if vectors.live_count * vectors.rows.shape[1] < EXACT_BELOW:
        return False
    waiting = len(vectors.live) - vectors.indexed
    dead = vectors.indexed - int(np.count_nonzero(vectors.live[: vectors.indexed]))
    too_many = max(TAIL_ROWS, TAIL_SHARE * vectors.indexed)
    return vectors.graph is None or waiting > too_many or dead > DEAD_SHARE * vectors.indexed


def grown(vectors: VectorSet) -> VectorSet:
    """Return the set with a graph over all its slots; the given one stays as it is.

    The graph is grown from a copy where most of it still counts, and else built anew over a
    compacted set. O(n log n) distance computations; releases the GIL.
    """
    import faiss

    live = int(np.count_nonzero(vectors.live[: vectors.indexed]))
    if vectors.graph is None or live < (1 - DEAD_SHARE) * vectors.indexed:
        vectors = vectors.compacted()
        kind = faiss.METRIC_L2 if vectors.metric is EUCLIDEAN else faiss.METRIC_INNER_PRODUCT
        dims = vectors.rows.shape[1]
        graph = faiss.IndexHNSWSQ(dims, faiss.ScalarQuantizer.QT_bf16, NEIGHBOURS, kind)
        graph.hnsw.efConstruction = BUILD_EFFORT
        graph.train(vectors.rows[:1])
    else:
        graph = faiss.clone_index(vectors.graph)
    graph.add(vectors.rows[graph.ntotal :])
    return replace(vectors, graph=graph)


def save_graph(path: Path, uid: str, vectors: VectorSet, rows: NDArray[np.int64]) -> None:
    """Cache the graph of a set in a file; where none can be written, nothing happens.

    Parameters
    ----------
    path : Path
    uid : str
        The collection and field it belongs to.
    vectors : VectorSet
        With a graph.
    rows : ndarray (positions,), int64
        The log's row of each position.
    """
    import faiss

    covered = vectors.indexed
    arrays: dict[str, NDArray[Any]] = {
        "graph": faiss.serialize_index(vectors.graph),
        "rows": rows[vectors.position_of[:covered]],
        "changes": vectors.change_of[:covered],
    }
    write_cache(path, _KIND, uid, arrays)


def load_graph(path: Path, uid: str, vectors: VectorSet, rows: NDArray[np.int64]) -> VectorSet:
    """Return the set with the cached graph, or as it is where the cache is missing or no use.

    Parameters
    ----------
    path, uid
        As given to `save_graph`.
    vectors : VectorSet
        Freshly read from the log: compact, without a graph.
    rows : ndarray (positions,), int64
        The log's row of each position, ascending.

    Returns
    -------
    VectorSet
        Its first slots are those of the graph; vectors that changed since are dead there.
    """
    import faiss

    file = read_cache(path, _KIND, uid)
    if file is None:
        return vectors
    try:
        graph = faiss.deserialize_index(file.arrays["graph"])
    except RuntimeError:
        return vectors  # written by another release of faiss
    return _behind_graph(graph, file.arrays["rows"], file.arrays["changes"], vectors, rows)


def _behind_graph(
    graph: Any,
    cached_rows: NDArray[np.int64],
    cached_changes: NDArray[np.int64],
    vectors: VectorSet,
    rows: NDArray[np.int64],
) -> VectorSet:
    """Put the slots of a graph first, dead where the log has moved on, and the rest behind."""
    places = np.searchsorted(rows, cached_rows)
    places[places == len(rows)] = 0
    positions = np.where(rows[places] == cached_rows, places, -1) if len(rows) else places - 1
    slots = np.where(positions >= 0, vectors.slot_of[positions], -1)
    valid = (slots >= 0) & (vectors.change_of[slots] == cached_changes)
    covered = np.zeros(len(vectors.live), bool)
    covered[slots[valid]] = True
    rest = np.flatnonzero(~covered)
    order = np.concatenate([np.where(valid, slots, 0), rest])
    live = np.concatenate([valid, np.ones(len(rest), bool)])
    position_of = np.where(live, vectors.position_of[order], 0)
    slot_of = np.full(len(vectors.slot_of), -1, np.int64)
    slot_of[position_of[live]] = np.flatnonzero(live)
    return replace(
        vectors,
        rows=vectors.rows[order],
        position_of=position_of,
        change_of=vectors.change_of[order],
        live=live,
        slot_of=slot_of,
        graph=graph,
        _buffer=None,
    )
