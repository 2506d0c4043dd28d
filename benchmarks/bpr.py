"""BPR: million pairs a second beside implicit, one thread, and how well each then ranks.

implicit's settings are the best of a dozen on a validation part of MovieLens-100K (its defaults but
for the epochs); ours are the defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import alternate, data, table
from embedry import BPR, Interactions
from embedry.data.splits import random_split

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMED = 10  # epochs that are timed; quality is that of all
THEIRS = {"learning_rate": 0.01, "regularization": 0.01, "iterations": 60}


def run() -> None:
    """Print a row for each data set and width."""
    table("BPR, million pairs a second; Recall@20 / NDCG@10 of a fifth held back", _rows())


def _rows() -> Iterator[dict[str, object]]:
    for name, used in _sets():
        split = random_split(used, 0.2)
        for dims in (64, 128):
            yield {"data": name, "dims": dims, **_bpr(split.train, split.test, dims)}


def _sets() -> Iterator[tuple[str, Interactions]]:
    small, large = data("movielens-100k/u.data"), data("movielens-1m/pairs.parquet")
    if small is not None:
        yield "MovieLens-100K", Interactions.from_file(small)
    if large is not None:
        yield "MovieLens-1M", Interactions.from_parquet(large, user="userID", item="movieID")


def _bpr(train: Interactions, test: Interactions, dims: int) -> dict[str, object]:
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from scipy.sparse import csr_matrix

    ones = np.ones(len(train), np.float32)
    rows = (train.indices.copy(), train.indptr.copy())  # implicit takes no arrays to read only
    matrix = csr_matrix((ones, *rows), shape=train.shape)

    def ours(epochs: int) -> BPR:
        return BPR(dims, epochs=epochs, threads=1).fit(train)

    def theirs(epochs: int) -> BayesianPersonalizedRanking:
        settings = THEIRS | {"iterations": epochs, "num_threads": 1, "random_state": 0}
        model = BayesianPersonalizedRanking(dims, **settings)
        model.fit(matrix, show_progress=False)
        return model

    mine, other = ours(BPR().epochs), theirs(THEIRS["iterations"])
    own, peer = alternate(lambda: ours(TIMED), lambda: theirs(TIMED), rounds=3)
    quality = (
        (mine.user_embeddings_.vectors, mine.item_embeddings_.vectors),
        (other.user_factors, other.item_factors),
    )
    return {
        "embedry": f"{TIMED * len(train) / own / 1e6:.1f}",
        "implicit": f"{TIMED * len(train) / peer / 1e6:.1f}",
        "ratio": f"{peer / own:.1f}",
        "embedry ranking": _ranking(train, test, *quality[0]),
        "implicit ranking": _ranking(train, test, *quality[1]),
    }


def _ranking(train: Interactions, test: Interactions, users: np.ndarray, items: np.ndarray) -> str:
    """Return Recall@20 (of min(20, held back)) and NDCG@10, what was used left out."""
    columns = {item: column for column, item in enumerate(train.item_ids)}
    recalls, gains = [], []
    discounts = 1 / np.log2(np.arange(2, 12))
    for user, scores in zip(train.user_ids, users @ items.T, strict=True):
        held = [columns[item] for item in test.history(user)] if user in test.user_ids else []
        if held:
            scores[[columns[item] for item in train.history(user)]] = -np.inf
            hits = np.isin(np.argsort(-scores, kind="stable")[:20], held)
            recalls.append(hits.sum() / min(20, len(held)))
            gains.append(hits[:10] @ discounts / discounts[: len(held)].sum())
    return f"{np.mean(recalls):.3f} / {np.mean(gains):.3f}"
