"""Somebody unknown: CPU milliseconds from a history to the ten best of 100,000 items, one thread.

The history changes at each call, as it does when somebody clicks. Learned from drawn pairs: what
is found does not matter here, how long it takes does not depend on it.
"""

from __future__ import annotations

import tempfile
import time

import numpy as np

from benchmarks.report import table
from embedry import ALS, BPR, Collection, Interactions, ItemVec, Recommender

ITEMS, USERS, PAIRS, PAST, CALLS = 100_000, 20_000, 600_000, 20, 300


def run() -> None:
    """Print a row for each learner and width, and one for a collection."""
    generator = np.random.default_rng(0)
    users, items = generator.integers(0, USERS, PAIRS), generator.zipf(1.2, PAIRS) % ITEMS
    known = Interactions.from_triples([*users, *range(ITEMS)], [*items, *range(ITEMS)])
    rows = []
    for kind, settings in (
        (ALS, {"iterations": 2}),
        (BPR, {"epochs": 2}),
        (ItemVec, {"epochs": 2}),
    ):
        for dims in (64, 128):
            taste = kind(dims, threads=1, **settings).fit(known)
            p50, p99 = _timed(lambda past, t=taste: t.recommend(history=past, k=10), generator)
            rows.append(_row(f"{kind.__name__}, {dims} dims", p50, p99, "2" if dims == 64 else "-"))
            if kind is ALS and dims == 64:
                rows.append(_in_collection(taste, generator))
    table(f"A history of {PAST} items, then the ten best of {ITEMS:,}", rows)


def _in_collection(taste: ALS, generator: np.random.Generator) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder, Collection.open(folder) as items:
        items.add_field("looks", dims=64)
        looks = generator.standard_normal((ITEMS, 64), np.float32)
        items.upsert(range(ITEMS), vectors={"looks": looks})
        both = Recommender(items, taste=taste, content="looks", popularity=True)
        p50, p99 = _timed(lambda past: both.recommend(history=past, k=10), generator)
    return _row("the same in a collection, with content and popularity", p50, p99, "-")


def _timed(ask, generator: np.random.Generator) -> tuple[float, float]:
    """Return the median and the 99th percentile of CPU milliseconds a call."""
    pasts = [generator.choice(ITEMS, PAST, replace=False).tolist() for _ in range(CALLS)]
    for past in pasts[:10]:
        ask(past)
    took = []
    for past in pasts:
        began = time.process_time()
        ask(past)
        took.append(time.process_time() - began)
    return tuple(1e3 * np.quantile(took, [0.5, 0.99]))


def _row(what: str, p50: float, p99: float, asked: str) -> dict[str, str]:
    return {"what": what, "p50 ms": f"{p50:.2f}", "p99 ms": f"{p99:.2f}", "asked ms": asked}


if __name__ == "__main__":
    run()
