"""Calibrated scores: parts of different kinds on one scale, so that they can be added.

A score says little by itself: a cosine of 0.4 is high in one space and low in another. A
calibrated score is (s - low) / (high - low): ``low`` is the metric's bound (for a metric without
one, a low quantile), ``high`` the 99.9th percentile of a background, a stored sample of scores
of queries with items that were not chosen for them. For BM25 low is 0 and high the best score
of the query. Values above 1 are kept.

References
----------
Bruch, Gai, Ingber 2023, An Analysis of Fusion Functions for Hybrid Retrieval (the theoretical
minimum as low, and convex combination).
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import EncoderMissingError
from embedry.store.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embedry.encode.encoder import Encoder
    from embedry.metrics import Metric
    from embedry.store.disk.log import Log
    from embedry.store.memory.fields import Field
    from embedry.store.memory.mirror import Mirror

__all__ = ["Background", "calibrate", "measured", "probe_queries", "split_sample"]

_LOG = logging.getLogger("embedry")
QUERIES, ITEMS = 256, 1024
HIGH, LOW = 0.999, 0.001
_WORDS_IN_A_QUERY = 4


@dataclass(frozen=True)
class Background:
    """How scores of one role are spread in one field.

    Attributes
    ----------
    low, high : float
        What becomes 0 and what becomes 1.
    items : int
        How many items the field had when it was measured.
    """

    low: float
    high: float
    items: int

    @property
    def spread(self) -> float:
        """How far apart low and high are."""
        return max(self.high - self.low, 1e-12)

    def calibrated(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores on the common scale, (n,) float64; NaN (no vector) becomes 0."""
        scaled = np.asarray((scores - self.low) / self.spread)
        scaled[np.isnan(scaled)] = 0.0
        return scaled

    def to_dict(self) -> dict[str, float]:
        """Return it JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Background:
        """Read what `to_dict` gave."""
        return cls(float(values["low"]), float(values["high"]), int(values["items"]))


def measured(
    metric: Metric, queries: NDArray[np.float32], rows: NDArray[np.float32], items: int
) -> Background:
    """Measure how the scores of queries with items are spread.

    Parameters
    ----------
    metric : Metric
    queries : ndarray (q, dims), float32, prepared
    rows : ndarray (n, dims), float32, prepared
        Items none of which is one of the queries.
    items : int
        How many items the field has.

    Returns
    -------
    Background
    """
    scores = metric.scores(queries, rows).astype(np.float64)  # (q, dims) @ (dims, n) -> (q, n)
    bounded = bool(np.isfinite(metric.lowest))
    low = metric.lowest if bounded else float(np.quantile(scores, LOW))
    return Background(low, max(float(np.quantile(scores, HIGH)), low + 1e-6), items)


def split_sample(count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw places of queries and of items, none in both.

    Parameters
    ----------
    count : int
        At least 2.
    seed : int

    Returns
    -------
    queries, items : ndarray, int64
        At most 256 and 1024 places in [0, count).
    """
    order = np.random.default_rng(seed).permutation(count)
    cut = min(QUERIES, count // 2)
    return np.sort(order[:cut]), np.sort(order[cut : cut + ITEMS])


def probe_queries(
    encoder: Encoder, documents: Sequence[str], metric: Metric, seed: int = 0
) -> NDArray[np.float32]:
    """Encode short runs of words out of documents, as stand-ins for the queries of users.

    Parameters
    ----------
    encoder : Encoder
    documents : sequence of str
    metric : Metric
    seed : int

    Returns
    -------
    ndarray (q, dims), float32, prepared
        Runs that yield no vector are left out.

    Raises
    ------
    InputError
        If the encoder gives vectors of another shape, or NaN.
    """
    generator = np.random.default_rng(seed)
    queries = []
    for words in map(str.split, documents):
        start = int(generator.integers(0, max(1, len(words) - _WORDS_IN_A_QUERY + 1)))
        queries.append(" ".join(words[start : start + _WORDS_IN_A_QUERY]))
    encoded = encode(encoder, queries, "query")
    return metric.prepare(encoded.vectors[encoded.placed])


def calibrate(mirror: Mirror, log: Log) -> None:
    """Measure and store the backgrounds of the fields that changed much since the last time.

    That is: as many vectors were written since as there were then, so at each doubling, too.

    Parameters
    ----------
    mirror : Mirror
        Up to date; it is again afterwards.
    log : Log

    Notes
    -----
    Comes after a write that is acknowledged, so an encoder that cannot answer does not fail it:
    the field stays due, and the next write tries again.
    """
    for field in mirror.fields.values():
        if len(field.vectors) >= 2 and field.written_since_measured >= field.measured_items:
            try:
                backgrounds = _backgrounds(field, mirror, log)
            except EncoderMissingError:
                continue
            except Exception as error:  # noqa: BLE001  (whatever an encoder of the user raises)
                _LOG.warning("The field %r is not calibrated yet: %s", field.name, error)
                continue
            with log.write() as writer:
                writer.put_background(field.row.field, backgrounds)
    mirror.refresh()


def _backgrounds(field: Field, mirror: Mirror, log: Log) -> dict[str, dict[str, float]]:
    vectors = field.vectors
    live = np.flatnonzero(vectors.live)
    asking, answering = split_sample(len(live))
    rows, metric = vectors.rows[live[answering]], vectors.metric
    asked = vectors.rows[live[asking]]
    found = {"item": measured(metric, asked, rows, len(live)).to_dict()}
    found["item"]["change"] = mirror.items.seen
    if field.has_encoder:
        encoder = field.encoder()
        positions = vectors.position_of[live[asking]]
        stored = log.items(mirror.items.rows[positions].tolist())
        documents = [item.document for item in stored.values() if item.document]
        queries = probe_queries(encoder, documents, metric) if documents else asked[:0]
        if len(queries):
            found["query"] = measured(metric, queries, rows, len(live)).to_dict()
    return found
