"""Scores of pairs: what transformers gives, pair by pair and in any batch."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.encode.transformer.made import MODELS, change_json, plain_model

import embedry as em
from embedry.encode.reranker import Reranker, _head
from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.plain import forward, pooled
from embedry.encode.transformer.model.weights import Weights
from embedry.encode.transformer.tokens import Tokens

RERANKERS = sorted(path.name for path in MODELS.iterdir() if path.name.startswith("reranker"))
DOCUMENTS = ["a loan of money", "", "the river bank, and boats on the lake " * 9, "我 don't"]


@pytest.fixture(scope="module", autouse=True)
def graph_cache(tmp_path_factory):
    """Keep compiled graphs for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDRY_CACHE", str(tmp_path_factory.mktemp("graphs")))
        yield


@pytest.fixture
def model(tmp_path):
    return plain_model(tmp_path / "model", "reranker-bert")


def parts_of(folder):
    """Return weights, head and config, the score without a sigmoid."""
    config = json.loads((folder / "config.json").read_text())
    architecture = Architecture.of(config)
    weights = Weights(Checkpoint(folder), architecture)
    config["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
    return weights, _head(weights.checkpoint, config, architecture.family)


@pytest.mark.parametrize("name", RERANKERS)
def test_plain_scores_are_those_of_transformers(name):
    """The head of every family that has one here."""
    weights, head = parts_of(MODELS / name)
    with np.load(MODELS / name / "expected.npz") as file:
        ids, mask, segments = file["ids"], file["mask"].astype(np.float32), file["segments"]
        wanted = file["scores"]
    rows = forward(weights, ids, mask, segments)[-1]
    found = pooled(rows, mask, head, weights.architecture.epsilon)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", RERANKERS)
def test_scores_are_those_of_the_plain_forward(tmp_path, name):
    """Pairs of any length in batches, against each pair alone by hand; a sigmoid at the end."""
    folder = plain_model(tmp_path / "model", name)
    weights, head = parts_of(folder)
    cut = Tokens(folder, weights.architecture.longest).cut([("the bank", d) for d in DOCUMENTS])
    wanted = []
    for ids, segments in zip(cut.ids, cut.segments, strict=True):
        mask = np.ones((1, len(ids)), np.float32)
        kinds = segments[None] if name == "reranker-bert" else None
        rows = forward(weights, ids[None], mask, kinds)[-1]
        wanted.append(pooled(rows, mask, head, weights.architecture.epsilon)[0, 0])
    found = Reranker(folder, "float32").score("the bank", DOCUMENTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array(wanted))), atol=1e-5)


@pytest.mark.parametrize("where", ["sentence_transformers", "sbert_ce_default_activation_function"])
def test_scores_end_as_the_model_says(model, where):
    """An identity leaves the sigmoid out; both places that name it are read."""
    squeezed = Reranker(model, "float32").score("the bank", DOCUMENTS)
    named = "torch.nn.modules.linear.Identity"
    change_json(model / "config.json", **{
        where: {"activation_fn": named} if where == "sentence_transformers" else named
    })  # fmt: skip
    bare = Reranker(model, "float32").score("the bank", DOCUMENTS)
    np.testing.assert_allclose(squeezed, 1 / (1 + np.exp(-bare)), atol=1e-5)


def test_rank_is_the_order_of_the_scores(model):
    """Best first; k at most; documents alike keep their order."""
    reranker = Reranker(model)
    documents = [*DOCUMENTS, DOCUMENTS[0]]
    scores = reranker.score("the bank", documents)
    ranked = reranker.rank("the bank", documents)
    assert sorted(place for place, _ in ranked) == list(range(5))
    assert [score for _, score in ranked] == sorted(map(float, scores), reverse=True)
    places = [place for place, _ in ranked]
    assert places.index(0) + 1 == places.index(4)
    assert reranker.rank("the bank", documents, k=2) == ranked[:2]
    assert reranker.rank("the bank", documents, k=99) == ranked
    assert reranker.rank("the bank", []) == []


def test_reranker_refuses_what_is_no_pair(model):
    """The message names which."""
    reranker = Reranker(model)
    with pytest.raises(em.InputError, match="query must be a text; got a list"):
        reranker.score(["the bank"], DOCUMENTS)
    with pytest.raises(em.InputError, match="documents must be a list of texts"):
        reranker.score("the bank", "a loan")
    with pytest.raises(em.InputError, match="Documents must be str; 1 is a NoneType"):
        reranker.score("the bank", ["a", None])
    for k in (0, True, 1.5):
        with pytest.raises(em.InputError, match="k must be None or an int of at least 1"):
            reranker.rank("the bank", DOCUMENTS, k=k)
    with pytest.raises(em.InputError, match="precision must be one of"):
        Reranker(model, "half")


def test_reranker_refuses_models_that_score_nothing(model, tmp_path):
    """An encoder has no classifier; another activation would be another score."""
    with pytest.raises(em.FileFormatError, match=r"must hold the tensor 'bert\.pooler"):
        Reranker(plain_model(tmp_path / "encoder"))
    change_json(model / "config.json", sentence_transformers={"activation_fn": "torch.nn.Mish"})
    with pytest.raises(em.InputError, match=r"activation of a score .*got 'torch\.nn\.Mish'"):
        Reranker(model)
