"""Search of 100,000 x 384 with documents, beside bare faiss at the same effort, one thread."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np

from benchmarks.report import table
from embedry import Collection
from embedry.store.indexes import vector_index

ITEMS, DIMS, QUERIES, K = 100_000, 384, 1_000, 10


def vectors(count: int, seed: int = 7) -> np.ndarray:
    """Return unit rows like those of text encoders: clustered, of low intrinsic dimension."""
    generator = np.random.default_rng(seed)
    clusters, inner = 1_000, 48
    weights = 1 / np.arange(1, clusters + 1) ** 0.9
    centres = generator.standard_normal((clusters, inner)).astype(np.float32)
    spread = generator.uniform(0.5, 1.1, (clusters, 1)).astype(np.float32)
    falling = (1 / np.sqrt(1 + np.arange(inner) / 8)).astype(np.float32)
    outward = generator.standard_normal((inner, DIMS)).astype(np.float32) / DIMS**0.5
    label = generator.choice(clusters, count, p=weights / weights.sum())
    noise = generator.standard_normal((count, inner)).astype(np.float32)
    rows = ((centres[label] + spread[label] * noise) * falling) @ outward
    scale = 0.15 * np.linalg.norm(rows, axis=1).mean() / DIMS**0.5
    rows += scale * generator.standard_normal((count, DIMS)).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def run() -> None:
    everything = vectors(ITEMS + QUERIES)
    rows, queries = everything[:ITEMS], everything[ITEMS:]
    truth = np.argsort(-(queries @ rows.T), axis=1)[:, :K]
    with tempfile.TemporaryDirectory() as folder:
        items = Collection.open(Path(folder) / "bench.embedry")
        items.add_field("content", dims=DIMS)
        began = time.perf_counter()
        for first in range(0, ITEMS, 10_000):
            part = range(first, first + 10_000)
            documents = [f"document number {place} " * 10 for place in part]
            items.upsert(
                part, documents=documents, vectors={"content": rows[first : first + 10_000]}
            )
        ingested = time.perf_counter() - began
        items.wait_until_indexed()
        indexed = time.perf_counter() - began
        graph = items.field("content").vectors.graph
        effort = vector_index.SEARCH_EFFORT
        options = faiss.SearchParametersHNSW(efSearch=effort)
        # in turns, so that both see the same moods of the machine; with another query each, so
        # that none finds its way warm from the other's walk
        ours, theirs, found, bare = [], [], [], {}
        for place, query in enumerate(queries):
            other = (place + QUERIES // 2) % QUERIES
            began = time.perf_counter()
            _, near = graph.search(queries[other][None], K, params=options)
            theirs.append(time.perf_counter() - began)
            bare[other] = near[0]
            began = time.perf_counter()
            hits = items.search(vector=query, field="content", k=K)
            ours.append(time.perf_counter() - began)
            found.append(hits.ids)
        order = items.field("content").vectors.position_of
        items.close()
    rows_ = [
        _row("embedry, with documents", ours, found, truth, theirs),
        _row(
            "bare faiss, same graph",
            theirs,
            [order[bare[place]] for place in range(QUERIES)],
            truth,
            theirs,
        ),
    ]
    table(f"Search, {ITEMS:,} x {DIMS}, efSearch {effort}, k {K}", rows_)
    print(f"ingest {ingested:.0f} s, graph ready after {indexed:.0f} s\n")


def _row(name: str, seconds, found, truth, base) -> dict[str, object]:
    hits = [len(set(ids) & set(true.tolist())) for ids, true in zip(found, truth, strict=True)]
    p50 = statistics.median(seconds)
    return {
        "what": name,
        "p50 ms": f"{1000 * p50:.3f}",
        "p99 ms": f"{1000 * float(np.quantile(seconds, 0.99)):.3f}",
        "recall@10": f"{np.mean(hits) / K:.3f}",
        "p50 / faiss": f"{p50 / statistics.median(base):.2f}",
    }
