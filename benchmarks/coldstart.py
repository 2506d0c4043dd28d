"""Cold start: movies that nobody has seen, placed in taste by what they are about.

MovieLens-1M, 905 test movies, ranked against each other for each user who saw some of them; then
the curve: the same with 0 to 20 of their users told. Spaces of content count alike.
The settings of ALS were chosen on the 302 movies for validation.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.movies import content_of, read_items, read_pairs
from benchmarks.report import data, table
from embedry import ALS, Interactions

K, TOP = 10, 20
TOLD = (0, 1, 2, 5, 10, 20)
SETTINGS = {"alpha": 10.0, "regularization": 60.0, "frequency_scaling": 1.0, "threads": 1}


def run() -> None:
    if data("movielens-1m/coldstart/train_df.csv.gz") is None:
        return
    seen, test = read_pairs("train_df"), read_pairs("cold_test_df")
    content = content_of(*read_items())
    rows = []
    for dims in (64, 128):
        began = time.process_time()
        taste = ALS(dims, **SETTINGS).fit(Interactions.from_triples(seen[:, 0], seen[:, 1]))
        fitted = time.process_time()
        taste.learn_placement(content)
        placing = time.process_time() - fitted
        cold = np.unique(test[:, 1]).tolist()
        placed = taste.place(cold, content=content).embeddings
        ndcg, recall = _measured(taste, placed.vectors, test, cold)
        rows.append(_row(f"placed by content, dims {dims}", ndcg, recall, fitted - began, placing))
    table("Cold start: MovieLens-1M, 905 new movies, full ranking of these", rows)
    table("Cold start: the same movies with some of their users told", _curve(taste, content, test))


def _row(what, ndcg, recall, fit_s, place_s):
    return {
        "what": what,
        "NDCG@10": f"{ndcg.mean():.4f}",
        "recall@20": f"{recall.mean():.4f}",
        "asked": ".39, .175",
        "fit s": f"{fit_s:.1f}",
        "placing s": f"{place_s:.1f}",
    }


def _measured(taste, vectors, pairs, cold):
    """Return NDCG@10 and recall@20 of each user, of cold items ranked by their vectors."""
    users = np.unique(pairs[:, 0])
    known = [user for user in users.tolist() if user in taste.user_embeddings_]
    scores = taste.user_embeddings_.subset(known).vectors @ vectors.T  # (users, items)
    place = {item: column for column, item in enumerate(cold)}
    row = {user: place for place, user in enumerate(known)}
    liked = np.zeros(scores.shape, bool)
    for user, item in pairs.tolist():
        if user in row:
            liked[row[user], place[item]] = True
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    hits = np.take_along_axis(liked, best, axis=1)
    gains = 1 / np.log2(np.arange(2, K + 2))
    counts = liked.sum(axis=1)
    ideal = np.cumsum(gains)[np.minimum(counts, K) - 1]
    some = counts > 0
    return ((hits[:, :K] * gains).sum(axis=1) / ideal)[some], (hits.sum(axis=1) / counts)[some]


def _curve(taste, content, test):
    """Yield a row for each number of users told; what is told is no longer asked for."""
    generator = np.random.default_rng(0)
    test = test[generator.permutation(len(test))]
    order = np.argsort(test[:, 1], kind="stable")
    items, starts = np.unique(test[order, 1], return_index=True)
    rank = np.empty(len(test), np.int64)
    rank[order] = np.arange(len(test)) - np.repeat(starts, np.diff([*starts, len(test)]))
    cold = items[np.diff([*starts, len(test)]) >= TOLD[-1] + 5].tolist()
    test, rank = test[np.isin(test[:, 1], cold)], rank[np.isin(test[:, 1], cold)]
    for told in TOLD:
        given, asked = test[rank < told], test[rank >= TOLD[-1]]
        first = Interactions.from_triples(given[:, 0], given[:, 1]) if told else None
        both = taste.place(cold, content=content, interactions=first).embeddings.vectors
        alone = taste.place(cold, content=content).embeddings.vectors
        only = _by_users(taste, given, cold)
        measured = [_measured(taste, vectors, asked, cold)[0] for vectors in (both, alone, only)]
        yield {
            "users told": told,
            "content and users, NDCG@10": f"{measured[0].mean():.4f}",
            "content alone": f"{measured[1].mean():.4f}",
            "users alone": f"{measured[2].mean():.4f}",
            "less the better, 95 %": _interval(measured, generator),
        }


def _by_users(taste, given, cold):
    """Return where ALS would put items by these users alone."""
    users, told = taste.user_embeddings_, taste.get_params()
    everybody = users.vectors.astype(float)
    gram = everybody.T @ everybody + told["regularization"] * np.eye(users.dims)
    vectors = np.zeros((len(cold), users.dims))
    for place, item in enumerate(cold):
        mine = [user for user in given[given[:, 1] == item, 0].tolist() if user in users]
        if mine:
            rows = users.subset(mine).vectors.astype(float)
            system = gram + told["alpha"] * rows.T @ rows
            vectors[place] = np.linalg.solve(system, (1 + told["alpha"]) * rows.sum(axis=0))
    return vectors


def _interval(measured, generator):
    both, *others = measured
    better = max(others, key=np.mean)
    drawn = generator.integers(0, len(both), (1000, len(both)))
    low, high = np.quantile((both - better)[drawn].mean(axis=1), [0.025, 0.975])
    return f"{low:+.4f} .. {high:+.4f}"


if __name__ == "__main__":
    run()
