"""Full-ranking evaluation of recommenders: seconds, and the same numbers, beside the peers.

All rank every item for every user from the same factors, one thread. implicit measures as it
ranks; ranx measures the lists that implicit ranked, which are counted in its time.
"""

from __future__ import annotations

import statistics
from importlib.util import find_spec

import numpy as np

from benchmarks.report import cpu_seconds, data, table
from embedry import ALS, Interactions
from embedry.trust.evaluate import recommend

ROUNDS = 5
K = 10
MEASURES = ("ndcg", "hit_rate", "recall", "precision", "mrr", "map")


def run() -> None:
    """Print a row for each width of the factors."""
    held, pairs = (
        data(f"movielens-1m/{name}") for name in ("ml-1m.test.rating.gz", "pairs.parquet")
    )
    if held is None or pairs is None:
        return
    test = Interactions.from_file(held, columns=(0, 1))
    training = _training(pairs, test)
    rows = (_compared(training, test, dims) for dims in (64, 128))
    table(f"Evaluation by full ranking, MovieLens-1M leave-one-out, measures at {K}", rows)


def _training(path, test: Interactions) -> Interactions:
    """Return all pairs but those of the test, under its names: numbers as they first appear."""
    from pyarrow.parquet import read_table

    users, movies = (column.to_pylist() for column in read_table(path).columns[:2])
    numbers: dict[str, int] = {}
    named = [
        (str(int(user) - 1), str(numbers.setdefault(movie, len(numbers))))
        for user, movie in zip(users, movies, strict=True)
    ]
    held = set(zip(*test.triples()[:2], strict=True))
    return Interactions.from_triples(*zip(*(p for p in named if p not in held), strict=True))


def _compared(training: Interactions, test: Interactions, dims: int) -> dict[str, object]:
    taste = ALS(dims, seed=1, threads=1).fit(training)
    peer = _Peer(taste, training, test)
    works = {"embedry": lambda: recommend(taste, test, k=K).measures[f"ndcg@{K}"].value}
    works["implicit"] = peer.implicit
    if find_spec("ranx") is not None:
        works["ranx"] = peer.ranx
    scores = {name: work() for name, work in works.items()}  # compiled and loaded
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            times[name].append(cpu_seconds(work)[1])
    seconds = {name: statistics.median(each) for name, each in times.items()}
    row: dict[str, object] = {"dims": dims}
    row |= {f"{name} s": f"{each:.3f}" for name, each in seconds.items()}
    fastest = min(each for name, each in seconds.items() if name != "embedry")
    row["ratio to the fastest"] = f"{fastest / seconds['embedry']:.1f}"
    return row | {f"{name} NDCG": f"{each:.5f}" for name, each in scores.items()}


class _Peer:
    """The same factors and pairs as the peers take them.

    Test items that nobody has used in training are no columns for them: they leave these users
    out, where Embedry counts misses.
    """

    def __init__(self, taste: ALS, training: Interactions, test: Interactions) -> None:
        from implicit.cpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix

        arrays = training.values, training.indices, training.indptr
        self._training = csr_matrix(arrays, shape=training.shape)
        rows = {user: row for row, user in enumerate(training.user_ids)}
        columns = {item: column for column, item in enumerate(training.item_ids)}
        users, items, _ = test.triples()[:3]
        pairs = [(rows[u], columns[i]) for u, i in zip(users, items, strict=True) if i in columns]
        ones = np.ones(len(pairs), np.float32)
        self._test = csr_matrix((ones, tuple(np.array(pairs).T)), shape=training.shape)
        self._model = AlternatingLeastSquares(taste.item_embeddings_.card.dims, num_threads=1)
        self._model.user_factors = taste.user_embeddings_.vectors.copy()
        self._model.item_factors = taste.item_embeddings_.vectors.copy()

    def implicit(self) -> float:
        from implicit.evaluation import ranking_metrics_at_k

        arguments = self._model, self._training, self._test, K
        return ranking_metrics_at_k(*arguments, show_progress=False, num_threads=1)["ndcg"]

    def ranx(self) -> float:
        from ranx import Qrels, Run, evaluate

        users = np.arange(self._training.shape[0])
        ranked, scores = self._model.recommend(users, self._training, N=K)
        lists = zip(ranked.tolist(), scores.tolist(), strict=True)
        run = {
            str(user): dict(zip(map(str, a), b, strict=True)) for user, (a, b) in enumerate(lists)
        }
        taken = {
            str(user): {str(item): 1 for item in items.indices.tolist()}
            for user, items in enumerate(self._test)
            if items.nnz
        }
        names = [f"{name}@{K}" for name in MEASURES]
        found = evaluate(Qrels(taken), Run(run), names, make_comparable=True)
        return float(found[names[0]])
