"""ALS: seconds an epoch and loss from the same start, beside implicit, one thread."""

from __future__ import annotations

import numpy as np

from benchmarks import bpr, evaluation
from benchmarks.report import alternate, data, table
from embedry import Interactions
from embedry.kernels.least_squares import check_csr, gram_matrix, loss, solve_rows
from embedry.kernels.simd import aligned

EPOCHS = 15
REGULARIZATION, ALPHA = 30.0, 2.0


def run() -> None:
    path = data("movielens-100k/u.data")
    if path is None:
        return
    used = Interactions.from_file(path)
    rows = [_compared(used, dims) for dims in (64, 128)]
    table(f"ALS on MovieLens-100K, {EPOCHS} epochs of conjugate gradient (3 steps)", rows)
    bpr.run()
    evaluation.run()


def _compared(used: Interactions, dims: int) -> dict[str, object]:
    generator = np.random.default_rng(0)
    users, items = (generator.random((n, dims), np.float32) * 0.01 for n in used.shape)
    by_user, by_item = used, used.transposed()
    for side in (by_user, by_item):
        check_csr(side.indptr, side.indices, side.values, *side.shape)
    results = {}

    def ours() -> None:
        found = [aligned(len(start), dims) for start in (users, items)]
        for table_, start in zip(found, (users, items), strict=True):
            table_[:, :dims] = start
        for _ in range(EPOCHS):
            _half(by_user, found[0], found[1])
            _half(by_item, found[1], found[0])
        results["ours"] = found

    def theirs() -> None:
        results["theirs"] = _implicit(used, users, items, dims)

    ours()
    theirs()  # both have compiled and loaded what they need
    mine, other = alternate(ours, theirs, rounds=5)
    own, peer = (_loss(by_user, *results[name]) for name in ("ours", "theirs"))
    return {
        "dims": dims,
        "embedry s/epoch": f"{mine / EPOCHS:.4f}",
        "implicit s/epoch": f"{other / EPOCHS:.4f}",
        "ratio": f"{other / mine:.1f}",
        "embedry loss": f"{own:,.0f}",
        "implicit loss": f"{peer:,.0f}",
        "difference": f"{100 * (own / peer - 1):+.3f} %",
    }


def _half(side: Interactions, targets: np.ndarray, fixed: np.ndarray) -> None:
    confidence = (1 + np.float32(ALPHA) * side.values).astype(np.float32)
    strength = np.full(len(targets), REGULARIZATION, np.float32)
    arrays = (side.indptr, side.indices, confidence, targets, fixed, gram_matrix(fixed), strength)
    solve_rows(*arrays, 0, len(targets), 3)


def _implicit(used: Interactions, users: np.ndarray, items: np.ndarray, dims: int):
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    # its confidence is alpha * value, ours 1 + alpha * value
    values = 1 + np.float32(ALPHA) * used.values
    matrix = csr_matrix((values, used.indices, used.indptr), shape=used.shape)
    model = AlternatingLeastSquares(
        dims, regularization=REGULARIZATION, alpha=1.0, iterations=EPOCHS, num_threads=1
    )
    model.user_factors, model.item_factors = users.copy(), items.copy()
    model.fit(matrix, show_progress=False)
    return model.user_factors, model.item_factors


def _loss(side: Interactions, users: np.ndarray, items: np.ndarray) -> float:
    confidence = (1 + np.float32(ALPHA) * side.values).astype(np.float32)
    strengths = (np.full(len(rows), REGULARIZATION, np.float32) for rows in (users, items))
    return loss(side.indptr, side.indices, confidence, users, items, *strengths)
