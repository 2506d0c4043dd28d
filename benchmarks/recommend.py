"""ALS: seconds an epoch, loss and recall from the same start, beside implicit, one thread."""

from __future__ import annotations

import numpy as np

from benchmarks import bpr, evaluation, folding
from benchmarks.report import alternate, data, table
from embedry import Interactions, splits
from embedry.kernels.least_squares import check_csr, gram_matrix, loss, solve_rows
from embedry.kernels.simd import aligned

EPOCHS, SEEDS, K = 15, 5, 10
REGULARIZATION, ALPHA = 30.0, 2.0


def run() -> None:
    path = data("movielens-100k/u.data")
    if path is not None:
        used = Interactions.from_file(path)
        rows = [_compared(used, dims) for dims in (64, 128)]
        table(f"ALS on MovieLens-100K, {EPOCHS} epochs of conjugate gradient (3 steps)", rows)
        rows = [_recalled(used, dims) for dims in (64, 128)]
        table(f"The same, recall@{K} of a fifth held out, {SEEDS} splits and starts", rows)
    for part in (bpr, evaluation, folding):
        part.run()


def _compared(used: Interactions, dims: int) -> dict[str, object]:
    start = _start(used, dims, seed=0)
    results = {}

    def ours() -> None:
        results["ours"] = _embedry(used, *start)

    def theirs() -> None:
        results["theirs"] = _implicit(used, *start)

    ours()
    theirs()  # both have compiled and loaded what they need
    mine, other = alternate(ours, theirs, rounds=5)
    own, peer = (_loss(used, *results[name]) for name in ("ours", "theirs"))
    return {
        "dims": dims,
        "embedry s/epoch": f"{mine / EPOCHS:.4f}",
        "implicit s/epoch": f"{other / EPOCHS:.4f}",
        "ratio": f"{other / mine:.1f}",
        "embedry loss": f"{own:,.0f}",
        "implicit loss": f"{peer:,.0f}",
        "difference": f"{100 * (own / peer - 1):+.3f} %",
    }


def _recalled(used: Interactions, dims: int) -> dict[str, object]:
    """Return the recall of both from the same start, and how far apart they are."""
    pairs = []
    for seed in range(SEEDS):
        split = splits.random_split(used, 0.2, seed=seed)
        start = _start(split.train, dims, seed)
        both = (_embedry(split.train, *start), _implicit(split.train, *start))
        pairs.append([_recall(split.train, split.test, *factors) for factors in both])
    own, peer = np.array(pairs).T
    apart = own - peer
    error = apart.std(ddof=1) / SEEDS**0.5
    return {
        "dims": dims,
        "embedry": f"{own.mean():.4f}",
        "implicit": f"{peer.mean():.4f}",
        "difference": f"{apart.mean():+.5f} ({error:.5f} standard error)",
        "largest": f"{np.abs(apart).max():.5f}",
    }


def _start(used: Interactions, dims: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.random((n, dims), np.float32) * 0.01 for n in used.shape]


def _recall(train: Interactions, test: Interactions, users: np.ndarray, items: np.ndarray) -> float:
    """Return recall@K, the mean over users of the test, of items that they have not used."""
    rows = {user: row for row, user in enumerate(train.user_ids)}
    columns = {item: column for column, item in enumerate(train.item_ids)}
    found = []
    for user in test.user_ids:
        wanted = {columns[item] for item in test.history(user) if item in columns}
        if user in rows and wanted:
            scores = users[rows[user]] @ items.T
            start, stop = train.indptr[rows[user] : rows[user] + 2]
            scores[train.indices[start:stop]] = -np.inf
            best = np.argsort(-scores, kind="stable")[:K]
            found.append(len(wanted.intersection(best.tolist())) / len(wanted))
    return float(np.mean(found))


def _embedry(used: Interactions, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
    by_item, dims = used.transposed(), users.shape[1]
    for side in (used, by_item):
        check_csr(side.indptr, side.indices, side.values, *side.shape)
    found = [aligned(len(start), dims) for start in (users, items)]
    for rows, start in zip(found, (users, items), strict=True):
        rows[:, :dims] = start
    for _ in range(EPOCHS):
        _half(used, found[0], found[1])
        _half(by_item, found[1], found[0])
    return found


def _half(side: Interactions, targets: np.ndarray, fixed: np.ndarray) -> None:
    confidence = (1 + np.float32(ALPHA) * side.values).astype(np.float32)
    strength = np.full(len(targets), REGULARIZATION, np.float32)
    arrays = (side.indptr, side.indices, confidence, targets, fixed, gram_matrix(fixed), strength)
    solve_rows(*arrays, 0, len(targets), 3)


def _implicit(used: Interactions, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    # its confidence is alpha * value, ours 1 + alpha * value
    values = 1 + np.float32(ALPHA) * used.values
    matrix = csr_matrix((values, used.indices, used.indptr), shape=used.shape, copy=True)
    model = AlternatingLeastSquares(
        users.shape[1], regularization=REGULARIZATION, alpha=1.0, iterations=EPOCHS, num_threads=1
    )
    model.user_factors, model.item_factors = users.copy(), items.copy()
    model.fit(matrix, show_progress=False)
    return [model.user_factors, model.item_factors]


def _loss(side: Interactions, users: np.ndarray, items: np.ndarray) -> float:
    confidence = (1 + np.float32(ALPHA) * side.values).astype(np.float32)
    strengths = (np.full(len(rows), REGULARIZATION, np.float32) for rows in (users, items))
    return loss(side.indptr, side.indices, confidence, users, items, *strengths)
