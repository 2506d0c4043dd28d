"""Scores of pairs: what transformers gives, pair by pair and in any batch."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.encode.transformer.made import MODELS, change_json, plain_model, write_json

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
    return weights, _head(weights.checkpoint, config, architecture.family, "identity")


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
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array(wanted))), atol=1e-5)


@pytest.mark.parametrize("where", ["sentence_transformers", "sbert_ce_default_activation_function"])
def test_scores_end_as_the_model_says(model, where):
    """An identity leaves the sigmoid out; both places that name it are read."""
    squeezed = Reranker(model, "float32").score("the bank", DOCUMENTS)
    named = "torch.nn.modules.linear.Identity"
    change_json(model / "config.json", **{
        where: {"activation_fn": named} if where == "sentence_transformers" else named
    })  # fmt: skip
    bare = np.asarray(Reranker(model, "float32").score("the bank", DOCUMENTS))
    np.testing.assert_allclose(squeezed, 1 / (1 + np.exp(-bare)), atol=1e-5)


def saved_by_sentence_transformers(folder, **whole):
    """Write beside the model what sentence-transformers 6.2 writes when it saves a reranker."""
    module = {"idx": 0, "name": "0", "path": ""}
    module["type"] = "sentence_transformers.base.modules.transformer.Transformer"
    write_json(folder / "modules.json", [module])
    write_json(
        folder / "config_sentence_transformers.json", {"model_type": "CrossEncoder", **whole}
    )
    task = {"transformer_task": "sequence-classification", "module_output_name": "scores"}
    write_json(folder / "sentence_bert_config.json", task)
    return folder


def test_newest_place_of_the_activation_goes_first(model):
    """sentence-transformers 6 names it in its own file alone; what config.json says is older."""
    squeezed = Reranker(model, "float32").score("the bank", DOCUMENTS)
    change_json(model / "config.json", sentence_transformers={"activation_fn": "torch.nn.Tanh"})
    named = "torch.nn.modules.linear.Identity"
    saved_by_sentence_transformers(model, activation_fn=named, prompts={})
    bare = np.asarray(Reranker(model, "float32").score("the bank", DOCUMENTS))
    np.testing.assert_allclose(squeezed, 1 / (1 + np.exp(-bare)), atol=1e-5)


def test_default_prompt_stands_before_the_query(model):
    """Only the default one, and not before the documents; one that is not there is said."""
    wanted = Reranker(model, "float32").score("a b the bank", DOCUMENTS)
    prompts = {"query": "a b ", "other": "c "}
    saved_by_sentence_transformers(model, prompts=prompts, default_prompt_name="query")
    found = Reranker(model, "float32").score("the bank", DOCUMENTS)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    saved_by_sentence_transformers(model, prompts=prompts, default_prompt_name=None)
    assert not np.allclose(Reranker(model, "float32").score("the bank", DOCUMENTS), wanted)
    saved_by_sentence_transformers(model, prompts=prompts, default_prompt_name="gone")
    with pytest.raises(em.InputError, match=r"default prompt must be one .*'gone' is none"):
        Reranker(model)


@pytest.mark.parametrize(
    "tokenizer",
    [{"model_input_names": ["input_ids", "attention_mask"]}, {"tokenizer_class": "MPNetTokenizer"}],
)
def test_texts_are_not_told_apart_where_the_tokenizer_does_not(model, tokenizer):
    """Without token_type_ids every token is of the first text."""
    told = np.asarray(Reranker(model, "float32").score("the bank", DOCUMENTS))
    write_json(model / "tokenizer_config.json", tokenizer)
    found = Reranker(model, "float32").score("the bank", DOCUMENTS)
    weights, head = parts_of(model)
    wanted = []
    for ids in Tokens(model, 32).cut([("the bank", document) for document in DOCUMENTS]).ids:
        mask = np.ones((1, len(ids)), np.float32)
        wanted.append(pooled(forward(weights, ids[None], mask)[-1], mask, head)[0, 0])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array(wanted))), atol=1e-5)
    assert not np.allclose(found, told, atol=1e-4)


def test_reranker_of_sentence_transformers_is_read_to_its_length(model):
    """sentence_bert_config.json goes before the tokenizer's; a module more is refused."""
    saved_by_sentence_transformers(model)
    change_json(model / "sentence_bert_config.json", max_seq_length=9)
    found = Reranker(model, "float32").score("the bank", ["a b c a", "a b c a c c c c"])
    assert found[0] == found[1]
    score = {
        "type": "sentence_transformers.cross_encoder.modules.LogitScore",
        "path": "1_LogitScore",
    }
    write_json(model / "modules.json", [{"type": "x.Transformer", "path": ""}, score])
    with pytest.raises(em.InputError, match="one module, a Transformer; this one has LogitScore"):
        Reranker(model)


def test_rank_is_the_order_of_the_scores(model):
    """Best first; k at most; documents alike keep their order."""
    reranker = Reranker(model)
    documents = [*DOCUMENTS, DOCUMENTS[0]]
    scores = reranker.score("the bank", documents).values
    ranked = reranker.rank("the bank", documents)
    assert sorted(place for place, _ in ranked) == list(range(5))
    assert [score for _, score in ranked] == sorted(map(float, scores), reverse=True)
    places = [place for place, _ in ranked]
    assert places.index(0) + 1 == places.index(4)
    assert reranker.rank("the bank", documents, k=2) == ranked[:2]
    assert reranker.rank("the bank", documents, k=99) == ranked
    assert reranker.rank("the bank", []) == []


def test_scores_count_pairs_that_are_too_long(model):
    """Which, and how many; what was read is scored, and the whole is an array."""
    found = Reranker(model, "float32").score("the bank", DOCUMENTS)
    assert found.truncated == 1
    assert found.truncated_items.tolist() == [False, False, True, False]
    assert len(found) == 4
    np.testing.assert_array_equal(np.asarray(found, np.float64), found.values)
    assert [float(score) for score in found] == found.values.tolist()
    none = Reranker(model).score("the bank", [])
    assert (len(none), none.truncated) == (0, 0)


def test_search_orders_by_the_scores(model, tmp_path):
    """A collection takes a Reranker as it is."""
    reranker = Reranker(model, "float32")
    with em.Collection.open(tmp_path / "items") as items:
        items.upsert(range(3), documents=["the river bank", "a loan of money", "boats on the lake"])
        items.add_field("content", encoder=em.TextEncoder())
        hits = items.search("the bank", rerank=reranker, k=3)
        wanted = reranker.score("the bank", [hit.document for hit in hits])
    np.testing.assert_allclose([hit.score for hit in hits], wanted, atol=1e-6)
    assert np.all(np.diff(wanted) <= 0)


def test_reranker_reads_half_a_surrogate_pair_as_no_character(model):
    """In the query and in documents."""
    reranker = Reranker(model, "float32")
    found = reranker.score("the \ud800 bank", ["a \udc00 loan"])
    np.testing.assert_array_equal(found, reranker.score("the \ufffd bank", ["a \ufffd loan"]))


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
