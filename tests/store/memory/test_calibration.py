"""Calibration: one scale for all parts, measured, stored, and measured again on doubling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import embedry as em
from embedry.metrics import as_metric
from embedry.store.memory.calibration import Background, measured, probe_queries, split_sample

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_measured_equals_the_quantiles_of_all_scores(metric):
    """High is the 99.9th percentile; low the metric's bound, or the 0.1th where it has none."""
    metric = as_metric(metric)
    queries, rows = (metric.prepare(np.float32(RANDOM.standard_normal((n, 5)))) for n in (30, 200))
    scores = np.concatenate([metric.exact_scores(query, rows) for query in queries])
    found = measured(metric, queries, rows, 230)
    low = metric.lowest if metric.name == "cosine" else np.quantile(scores, 0.001)
    assert found.items == 230
    np.testing.assert_allclose(
        [found.low, found.high], [low, np.quantile(scores, 0.999)], rtol=1e-4
    )


def test_background_maps_low_to_0_and_high_to_1():
    """Values above are kept, and what has no vector gives nothing."""
    background = Background(-1.0, 0.5, 10)
    scores = background.calibrated(np.array([-1, 0.5, 0.8, np.nan]))
    np.testing.assert_allclose(scores, [0, 1, 1.2, 0])
    assert Background.from_dict(background.to_dict()) == background


def test_background_of_equal_scores_is_finite():
    """A space in which all is one point calibrates without dividing by zero."""
    point = np.float32([[1, 0]])
    found = measured(as_metric("euclidean"), point, point, 2)
    assert np.isfinite(found.calibrated(np.array([0.0]))).all()


@settings(max_examples=40, deadline=None)
@given(count=st.integers(2, 5_000), seed=st.integers(0, 9))
def test_split_sample_never_asks_about_itself(count, seed):
    """Queries and items are different places, at most 256 and 1024, the same for a seed."""
    queries, items = split_sample(count, seed)
    assert not {*queries} & {*items}
    assert len(queries) == min(256, count // 2)
    assert len(items) == min(1_024, count - len(queries))
    assert {*queries, *items} <= set(range(count))
    assert all(map(np.array_equal, split_sample(count, seed), (queries, items)))


def test_probe_queries_are_short_runs_of_the_documents(word_sum):
    """Up to four words that follow each other; runs without a vector are left out."""
    asked = []

    class Listening(word_sum):
        def encode(self, items, role="document"):
            asked.append((list(items), role))
            return super().encode(items, role)

    documents = ["one two three four five six", "short", "qa qb", "   "]
    rows = probe_queries(Listening(), documents, as_metric("cosine"))
    ((queries, role),) = asked
    assert role == "query"
    assert queries[0] in documents[0]
    assert len(queries[0].split()) == 4
    assert queries[1:] == ["short", "qa qb", ""]
    assert rows.shape == (2, 6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)


def documents(n):
    names = ["fox", "wolf", "wood", "gold", "knight", "mountain", "rides", "red"]
    return [" ".join(np.random.default_rng(i).choice(names, 5)) for i in range(n)]


def background(collection):
    return dict(collection.field("content").row.background)


def test_background_is_stored_and_stays_until_the_items_doubled(word_sum, tmp_path):
    """It survives a reopening and small growth; doubling measures it anew, for both roles."""
    path = tmp_path / "c"
    with em.Collection.open(path) as collection:
        collection.add_field("content", encoder=word_sum())
        assert background(collection) == {}
        collection.upsert(range(40), documents(40))
        first = background(collection)
        assert {role: part["items"] for role, part in first.items()} == {"item": 40, "query": 40}
        assert first["item"] != first["query"]
    with em.Collection.open(path, encoders={"content": word_sum()}) as collection:
        assert background(collection) == first
        collection.upsert(range(40, 79), documents(79)[40:])
        assert background(collection) == first
        collection.upsert([79], documents(80)[79:])
        assert background(collection)["query"]["items"] == 80


def test_background_waits_for_the_encoder(word_sum, tmp_path):
    """Vectors may come while the encoder is away; queries are measured when it is back."""
    path, encoder = tmp_path / "c", word_sum()
    with em.Collection.open(path) as collection:
        collection.add_field("content", encoder=encoder)
    with em.Collection.open(path) as collection:
        texts = documents(10)
        vectors = em.Embeddings(range(10), encoder.encode(texts).vectors, card=encoder.card)
        done = collection.upsert(range(10), vectors={"content": vectors})
        assert done.inserted == 10
        assert background(collection) == {}
    with em.Collection.open(path, encoders={"content": encoder}) as collection:
        collection.upsert(range(10), texts)
        assert background(collection)["query"]["items"] == 10
