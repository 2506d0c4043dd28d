"""MovieLens-1M by the protocol of He 2017: each user's last movie among 99 they have not seen.

Learners by themselves, then ALS and EASE with content in one score. The weights of that score are
learned on one pair of each user drawn from the training pairs, with both learners fitted without
these; nothing was chosen on the test pairs. Published, as remembered: MF .729 / .452, NeuMF .730 /
.447, iALS .711 / .438.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from benchmarks.movies import content_of
from benchmarks.ncf import read_leave_one_out
from benchmarks.report import cpu_seconds, data, table
from embedry import ALS, BPR, EASE, Collection, ItemKNN, ItemVec, Popularity, Recommender
from embedry.data.splits import leave_one_out
from embedry.trust.evaluate import Sampled, compare_recommenders, recommend

if TYPE_CHECKING:
    from embedry import Embeddings, Interactions

HIT, NDCG = "hit_rate@10", "ndcg@10"
RARE = 20  # movies of fewer users
ALIKE = {"genre": 30.0, "cast": 20.0, "director": 20.0, "plot": 30.0, "year": 30.0}
LEARNERS = {
    "Popularity": (Popularity, {}),
    "ItemVec": (ItemVec, {"threads": 1}),
    "ItemKNN": (ItemKNN, {}),
    "BPR": (BPR, {"threads": 1}),
    "ALS": (ALS, {"threads": 1}),
    "ALS, dims 128, alpha 2": (ALS, {"dims": 128, "alpha": 2.0, "threads": 1}),
    "EASE": (EASE, {}),
}
ASKED = {"ALS, dims 128, alpha 2": ".720 / .447", "ALS + EASE with content": ".728 / .453"}


def run() -> None:
    if data("movielens-1m/pairs.parquet") is None:
        return
    known = read_leave_one_out(data("movielens-1m"))
    train, test = known.split.train, known.split.test
    sampled = Sampled(known.negatives)
    fitted = {}

    def rows():
        for name, (kind, settings) in LEARNERS.items():
            fitted[name], seconds = cpu_seconds(lambda k=kind, s=settings: k(**s).fit(train))
            yield _row(name, recommend(fitted[name], test, sampled=sampled), seconds)
        content = _content(train)
        ease = EASE()
        _, seconds = cpu_seconds(lambda: ease.fit(train, content=content, weights=ALIKE))
        yield _row("EASE with content", recommend(ease, test, sampled=sampled), seconds)
        with tempfile.TemporaryDirectory() as folder, Collection.open(folder) as movies:
            movies.upsert(list(train.item_ids))
            weights = _learned_weights(movies, train, content)
            taste = {"als": fitted["ALS, dims 128, alpha 2"], "ease": ease}
            fitted["both"] = Recommender(movies, taste=taste, weights=weights)
            score = recommend(fitted["both"], test, sampled=sampled)
            yield _row("ALS + EASE with content", score, None)
            _compare(fitted, test, sampled, train)

    table("MovieLens-1M, one item among 99 others, 6,040 users", rows())


def _row(name: str, score, seconds: float | None) -> dict[str, object]:
    hit, ndcg = score.measures[HIT], score.measures[NDCG]
    return {
        "what": name,
        "HR@10": f"{hit.value:.4f} ({hit.interval})",
        "NDCG@10": f"{ndcg.value:.4f} ({ndcg.interval})",
        "asked": ASKED.get(name, "-"),
        "fit s": "-" if seconds is None else f"{seconds:.1f}",
    }


def _content(train: Interactions) -> dict[str, Embeddings]:
    """Return genres, cast, directors, plots and years of the movies."""
    lines = data("movielens-1m/movies.dat").read_text("latin-1").splitlines()
    movies = {row[0]: row for row in (line.split("::") for line in lines)}
    titles = {movie: movies[movie][1] for movie in train.item_ids}
    genres = {movie: movies[movie][2] for movie in train.item_ids}
    return {name: space for name, space in content_of(titles, genres).items() if name in ALIKE}


def _learned_weights(movies: Collection, train: Interactions, content) -> dict[str, float]:
    """Learn what each learner weighs, from learners that have not seen the pairs asked for."""
    held = leave_one_out(train, "random", seed=1)
    als = ALS(128, alpha=2.0, threads=1).fit(held.train)
    ease = EASE().fit(held.train, content=content, weights=ALIKE)
    both = Recommender(movies, taste={"als": als, "ease": ease})
    print(f"\n{both.learn_weights(held.test, users=1000)}")
    return dict(both.weights)


def _compare(fitted, test: Interactions, sampled: Sampled, train: Interactions) -> None:
    """Print the paired differences of the blend to ALS alone, over all movies and rare ones."""
    counts = dict(zip(train.item_ids, train.item_counts.tolist(), strict=True))
    triples = zip(*test.triples()[:2], strict=True)
    rare = [(user, movie) for user, movie in triples if counts.get(movie, 0) < RARE]
    few = type(test).from_triples(*zip(*rare, strict=True))
    for what, asked in (("all users", test), (f"a movie of fewer than {RARE} users", few)):
        negatives = Sampled({user: sampled.negatives[user] for user in asked.user_ids})
        pair = fitted["both"], fitted["ALS, dims 128, alpha 2"]
        found = compare_recommenders(*pair, asked, sampled=negatives)
        print(f"\nALS + EASE with content less ALS, {what} ({len(asked):,}):")
        for measure in (HIT, NDCG):
            print(f"  {measure} {found.measures[measure]}")


if __name__ == "__main__":
    run()
