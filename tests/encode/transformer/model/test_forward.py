"""The two forwards: NumPy's held to transformers', the graph held to NumPy's, layer by layer.

The models in ``tests/encode/transformer/models`` are tiny and random, made by
``tools/tiny_transformers.py`` with what transformers gives.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embedry.encode.transformer.model.architecture import FAMILIES, Architecture
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.embedding import buckets, embed
from embedry.encode.transformer.model.graph import Graph, rounded_rows
from embedry.encode.transformer.model.head import Dense, Head
from embedry.encode.transformer.model.plain import forward, pooled
from embedry.encode.transformer.model.runtime import compiled
from embedry.encode.transformer.model.weights import Weights

MODELS = Path(__file__).parent.parent / "models"
NAMES = sorted(path.name for path in MODELS.iterdir())


def weights_of(name):
    """Return the weights of a tiny model."""
    folder = MODELS / name
    config = json.loads((folder / "config.json").read_text())
    return Weights(Checkpoint(folder), Architecture.of(config))


def expected_of(name):
    """Return what transformers gave: ids, mask, segments, states."""
    with np.load(MODELS / name / "expected.npz") as file:
        arrays = {key: file[key] for key in file}
    arrays["mask"] = arrays["mask"].astype(np.float32)
    return arrays


def run(graph, outputs, rows, mask):
    """Compile a graph uncached, and return what it gives."""
    runtime = compiled(lambda: (graph.model(outputs), graph.kept), "", "float32", 1)
    found = []
    runtime.run([(rows, mask)], lambda _number, some: found.extend(map(np.copy, some)))
    return found


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """Compile every graph anew."""
    monkeypatch.setattr("embedry.encode.transformer.model.runtime.cache_dir", lambda _name: None)


def test_models_are_of_every_family():
    """A family without a model would not be held to anything."""
    families = {weights_of(name).architecture.family for name in NAMES}
    assert families == set(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_plain_gives_what_transformers_gives(name):
    """Every layer, wherever a token is: float64 here against float32 there."""
    expected = expected_of(name)
    states = forward(weights_of(name), expected["ids"], expected["mask"], expected["segments"])
    real = expected["mask"] > 0
    assert len(states) == len(expected["states"])
    for state, wanted in zip(states, expected["states"], strict=True):
        np.testing.assert_allclose(state[real], wanted[real], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_graph_gives_what_plain_gives(name):
    """Every layer, wherever a token is."""
    weights, expected = weights_of(name), expected_of(name)
    states = forward(weights, expected["ids"], expected["mask"], expected["segments"])
    graph = Graph(weights)
    rows = embed(weights, expected["ids"], expected["segments"])
    found = run(graph, graph.states, rows, expected["mask"])
    real = expected["mask"] > 0
    for state, ours in zip(states, found, strict=True):
        np.testing.assert_allclose(ours[real], state[real], atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "xlm-roberta", "mpnet", "modernbert"])
def test_padding_changes_nothing(name):
    """A text alone, and beside longer ones: the same rows."""
    weights, expected = weights_of(name), expected_of(name)
    ids, mask = expected["ids"], expected["mask"]
    together = forward(weights, ids, mask)[-1]
    for text, length in enumerate(mask.sum(axis=1).astype(int)):
        alone = forward(weights, ids[[text], :length], mask[[text], :length])[-1]
        np.testing.assert_allclose(together[text, :length], alone[0], atol=1e-9)


RNG = np.random.default_rng(3)
HEADS = {
    "mean": Head(("mean",), (None,), 16),
    "cls": Head(("cls",), (None,), 16),
    "max": Head(("max",), (), 16),
    "root": Head(("mean_sqrt_len_tokens",), (), 16),
    "two": Head(("cls", "max"), (), 32),
    "dense": Head(
        ("mean",),
        (
            Dense(
                RNG.normal(size=(8, 16)).astype(np.float32),
                RNG.normal(size=8).astype(np.float32),
                "tanh",
            ),
            Dense(RNG.normal(size=(5, 8)).astype(np.float32), None, "identity"),
            None,
        ),
        5,
    ),
}


@pytest.mark.parametrize("way", HEADS)
def test_graph_pools_as_plain_does(way):
    """Every way of pooling and what follows it; the rows of padding take no part."""
    weights, expected, head = weights_of("bert"), expected_of("bert"), HEADS[way]
    mask = expected["mask"]
    wanted = pooled(forward(weights, expected["ids"], mask)[-1], mask, head)
    graph = Graph(weights)
    (found,) = run(graph, [graph.pooled(head)], embed(weights, expected["ids"]), mask)
    assert found.shape == (len(mask), head.dims)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_graph_of_whole_numbers_is_near(name):
    """Every linear map of a layer is rounded, which moves its rows a little."""
    weights, expected = weights_of(name), expected_of(name)
    real = expected["mask"] > 0
    graph = Graph(weights, whole_numbers=True)
    (found,) = run(graph, [graph.states[-1]], embed(weights, expected["ids"]), expected["mask"])
    wanted = forward(weights, expected["ids"], expected["mask"])[-1]
    assert 1e-4 < abs(found - wanted)[real].max() < 0.3


@given(arrays(np.float32, (3, 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_rounded_rows_are_off_by_half_a_scale(weight):
    """Rows of zeros stay so."""
    rounded, scales = rounded_rows(weight)
    assert rounded.dtype == np.int8
    assert (abs(weight - rounded * scales) <= 0.5001 * scales).all()
    assert not rounded[~weight.any(axis=1)].any()


def test_pooling_by_hand():
    """Two texts of two dims, the second with one token."""
    rows = np.array([[[1.0, 4.0], [3.0, 0.0]], [[2.0, -1.0], [9.0, 9.0]]])
    mask = np.array([[1, 1], [1, 0]], np.float32)
    wanted = {
        "cls": [[1, 4], [2, -1]],
        "max": [[3, 4], [2, -1]],
        "mean": [[2, 2], [2, -1]],
        "mean_sqrt_len_tokens": [[4 / 2**0.5, 4 / 2**0.5], [2, -1]],
    }
    for way, vectors in wanted.items():
        np.testing.assert_allclose(pooled(rows, mask, Head((way,), (), 2)), vectors)
    unit = pooled(rows, mask, Head(("cls",), (None,), 2))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1)


def test_buckets_by_hand():
    """Near tokens have buckets of their own, those ahead in the upper half; far ones share one."""
    from embedry.encode.transformer.model.architecture import Relative

    table = buckets(300, Relative(32))
    assert table[100, 100] == 0
    assert table[100, 97] == 3
    assert table[100, 103] == 16 + 3
    assert table[299, 0] == table[299, 150] == 15
    assert table[0, 299] == 31
    behind = table[299, ::-1]
    assert (np.diff(behind) >= 0).all()


def test_segments_matter_where_a_model_has_them():
    """The second text of a pair begins with another row."""
    weights, expected = weights_of("bert"), expected_of("bert")
    ids = expected["ids"]
    one, two = embed(weights, ids), embed(weights, ids, expected["segments"])
    assert (one != two).any(axis=2).tolist() == (expected["segments"] > 0).tolist()
