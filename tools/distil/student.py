"""The student: a vector for each piece, taught so that their sum lies as the teacher's vector does.

SciPy and NumPy alone. The loss of a batch is 1 minus the cosine to the teacher's vector, and
0.3 of the divergence of how similar the texts of the batch are to each other from how similar the
teacher finds them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.kernels.text.wordpiece import Cut

BATCH = 1_024
_TEMPERATURE = 0.1
_DIVERGENCE = 0.3
_DECAYS = 0.9, 0.999


class Lesson(NamedTuple):
    """What is taught: texts as counts of pieces, and the teacher's vectors of unit length."""

    counts: sp.csr_matrix
    vectors: NDArray[np.float32]


def counts_of(cut: Cut, pieces: int) -> sp.csr_matrix:
    """Return how often each piece stands in each text, (texts, pieces)."""
    ones = np.ones(len(cut.pieces), np.float32)
    shape = (len(cut.starts) - 1, pieces)
    counts = sp.csr_matrix((ones, cut.pieces, cut.starts), shape)
    counts.sum_duplicates()
    return counts


def first_vectors(
    alone: NDArray[np.float32], shares: NDArray[np.float64], smoothing: float = 1e-4
) -> NDArray[np.float32]:
    """Return where to start: what the teacher makes of each piece, frequent ones weighed down."""
    weights = smoothing / (smoothing + shares)
    return np.asarray((alone - alone.mean(axis=0)) * weights[:, None], np.float32)


def taught(
    vectors: NDArray[np.float32],
    lesson: Lesson,
    texts: int,
    rate: float = 0.0015,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Go through the lesson until so many texts were read; the rate falls linearly to 0."""
    rng = np.random.default_rng(seed)
    vectors = vectors.copy()
    first, second = np.zeros_like(vectors), np.zeros_like(vectors)
    steps = texts // BATCH
    order = np.empty(0, np.int64)
    started = time.process_time()
    for step in range(1, steps + 1):
        if len(order) < BATCH:
            order = rng.permutation(lesson.counts.shape[0])
        rows, order = order[:BATCH], order[BATCH:]
        touched, gradient, cosine = _gradient(vectors, lesson.counts[rows], lesson.vectors[rows])
        now = rate * min(1, step / 50) * (1 - step / steps)
        first[touched] = moved = first[touched] * _DECAYS[0] + (1 - _DECAYS[0]) * gradient
        second[touched] = spread = second[touched] * _DECAYS[1] + (1 - _DECAYS[1]) * gradient**2
        size = np.sqrt(spread / (1 - _DECAYS[1] ** step)) + 1e-8
        vectors[touched] -= now * (moved / (1 - _DECAYS[0] ** step)) / size
        if step % 200 == 0 or step == steps:
            spent = time.process_time() - started
            print(f"step {step} of {steps}: cosine {cosine:.4f}, {spent:.0f} s", flush=True)
    return vectors


def _gradient(
    vectors: NDArray[np.float32], counts: sp.csr_matrix, wanted: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
    """Return which vectors a batch touches, the gradient of each, and the mean cosine."""
    touched, places = np.unique(counts.indices, return_inverse=True)
    shape = (counts.shape[0], len(touched))
    counts = sp.csr_matrix((counts.data, places.astype(np.int32), counts.indptr), shape)
    sums = counts @ vectors[touched]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
    got = sums / lengths
    shift = _similarities(got) - _similarities(wanted)
    shift *= _DIVERGENCE / _TEMPERATURE
    slope = shift @ got + shift.T @ got - wanted
    slope = (slope - (slope * got).sum(1, keepdims=True) * got) / lengths
    return touched, counts.T @ slope, float((got * wanted).sum(1).mean())


def _similarities(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return to which share each text finds each other similar, (n, n)."""
    similar = np.exp((vectors @ vectors.T - 1) / _TEMPERATURE)
    np.fill_diagonal(similar, 0)
    return similar / (similar.sum(axis=1, keepdims=True) + 1e-20)
