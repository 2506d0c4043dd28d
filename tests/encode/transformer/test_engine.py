"""TextEncoder with a name: what a folder says is done, counted, and written on the card."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.encode.transformer.made import (
    change_json,
    plain_model,
    sentence_model,
    write_json,
)

import embedry as em
from embedry.card import Operation, check
from embedry.encode.encoder import Encoder
from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.plain import forward, pooled
from embedry.encode.transformer.model.weights import Weights
from embedry.encode.transformer.recipe import read_recipe
from embedry.encode.transformer.tokens import Tokens

TEXTS = [
    "The river bank.",
    "",
    "the bank of the loan rose, and the boats fell!",
    "我 don't",
    "a b c a b c a b c a b c a b c a b c a b c a b c a b c a b c a b c a b c",
    "zzz [MASK] [PAD] the",
    "fishing",
]


@pytest.fixture
def model(tmp_path):
    """A model with mean pooling and unit vectors."""
    return sentence_model(tmp_path / "model")


def by_hand(folder, texts):
    """Return the vectors by the plain forward, one text at a time."""
    recipe = read_recipe(folder)
    weights = Weights(Checkpoint(folder), recipe.architecture)
    found = []
    for ids in Tokens(folder, recipe.longest).cut(texts).ids:
        mask = np.ones((1, len(ids)), np.float32)
        rows = forward(weights, ids[None], mask)[-1]
        found.append(pooled(rows, mask, recipe.head)[0])
    return np.array(found)


@pytest.mark.parametrize(
    ("pooling", "after"),
    [
        *itertools.product(["mean", "cls", "max"], [(), ("Normalize",), ("Dense", "Normalize")]),
        (["cls", "mean"], ()),
        (["max", "mean_sqrt_len_tokens"], ("Normalize",)),
    ],
)
def test_encoder_gives_what_the_plain_forward_gives(tmp_path, pooling, after):
    """Every layout, alone by hand and in batches here: the same vectors."""
    folder = sentence_model(tmp_path / "model", pooling=pooling, after=after)
    encoded = em.TextEncoder(folder, "float32").encode(TEXTS)
    wanted = by_hand(folder, TEXTS)
    assert encoded.vectors.dtype == np.float32
    np.testing.assert_allclose(encoded.vectors, wanted, atol=1e-5)
    if "Normalize" in after:
        np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["roberta", "mpnet", "distilbert", "modernbert"])
def test_encoder_reads_every_family(tmp_path, name):
    """Batches of any family are the plain forward of each text."""
    folder = sentence_model(tmp_path / "model", name)
    found = em.TextEncoder(folder, "float32").encode(TEXTS).vectors
    np.testing.assert_allclose(found, by_hand(folder, TEXTS), atol=1e-5)


def test_encoder_takes_the_mean_where_a_folder_does_not_say(tmp_path):
    """A plain folder is pooled by the mean, and the card says that nobody said so."""
    folder = plain_model(tmp_path / "model")
    encoder = em.TextEncoder(folder, "float32")
    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, by_hand(folder, TEXTS), atol=1e-5)
    assert dict(encoder.card.settings)["pooling"] == "mean (the model names none)"


def test_encoder_keeps_order_and_batches_do_not_matter(model):
    """Together, one by one, in another order: the same rows."""
    encoder = em.TextEncoder(model, "float32")
    texts = [f"the {'bank ' * (n % 9)}rose {'a ' * (n * 7 % 13)}" for n in range(300)]
    together = encoder.encode(iter(texts)).vectors
    for place in (0, 1, 7, 150, 299):
        alone = encoder.encode([texts[place]]).vectors[0]
        np.testing.assert_allclose(together[place], alone, atol=1e-5)
    backwards = encoder.encode(texts[::-1]).vectors[::-1]
    np.testing.assert_allclose(together, backwards, atol=1e-5)


def test_encoder_gives_the_same_bits_by_any_number_of_threads(model):
    """Each batch is computed by one thread."""
    texts = [f"the bank {'a ' * (n % 20)}" for n in range(500)]
    one, many = (em.TextEncoder(model, "float32", threads).encode(texts) for threads in (1, 3))
    assert one.vectors.tobytes() == many.vectors.tobytes()


def test_encoder_counts_truncated_and_empty(model):
    """What is longer than the model reads, and what is nothing; the file's own 4 is not obeyed."""
    encoder = em.TextEncoder(model)
    encoded = encoder.encode(["", " \n", "the bank", "a " * 29, "a " * 30, "a " * 31, "b " * 900])
    assert (encoded.truncated, encoded.empty) == (2, 2)
    rows = encoded.vectors
    np.testing.assert_allclose(rows[5], rows[4], atol=1e-5)
    assert not np.allclose(rows[4], rows[3], atol=1e-3)


def test_encoder_reads_no_further_than_it_is_told(model):
    """max_seq_length goes before the tokenizer's length, and both before the positions."""
    write_json(model / "tokenizer_config.json", {"model_max_length": 12})
    assert dict(em.TextEncoder(model).card.settings)["longest"] == 12
    write_json(model / "sentence_bert_config.json", {"max_seq_length": 9})
    assert dict(em.TextEncoder(model).card.settings)["longest"] == 9
    write_json(model / "sentence_bert_config.json", {"max_seq_length": 999})
    assert dict(em.TextEncoder(model).card.settings)["longest"] == 32


def test_encoder_says_that_a_token_has_no_row(model):
    """A tokenizer of another model, with more tokens than this one."""
    parts = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    parts["model"]["vocab"]["zebra"] = 99
    write_json(model / "tokenizer.json", parts)
    encoder = em.TextEncoder(model)
    with pytest.raises(em.FileFormatError, match=r"below 40, .* it gave 99\. Fetch it again"):
        encoder.encode(["the bank", "a zebra"])
    with pytest.raises(em.FileFormatError, match="below 40"):
        encoder.encode_tokens("zebra")


@pytest.mark.parametrize("changed", ["max_position_embeddings", "hidden_size", "pad_token_id"])
def test_encoder_refuses_tables_that_do_not_fit(tmp_path, changed):
    """Found when the model is opened, not at the first long text."""
    folder = plain_model(tmp_path / "model")
    change_json(folder / "config.json", **{changed: 64})
    with pytest.raises(em.FileFormatError, match=r"do not fit: its table of .* it is \("):
        em.TextEncoder(folder)


def test_encoder_of_no_texts_gives_none(model):
    """Nothing in, nothing out: of the right width."""
    assert em.TextEncoder(model).encode([]).vectors.shape == (0, 16)


@pytest.mark.parametrize("items", ["the bank", b"the", 3, None])
def test_encoder_refuses_what_are_no_texts(model, items):
    """A single text is the likeliest mistake."""
    with pytest.raises(em.InputError, match="items must be a list of texts"):
        em.TextEncoder(model).encode(items)


def test_encoder_names_the_item_that_is_no_text(model):
    """Which, and what it is."""
    with pytest.raises(em.InputError, match="number 1 is NoneType"):
        em.TextEncoder(model).encode(["a", None])


def test_encoder_puts_the_prompt_of_the_role_before_a_text(tmp_path):
    """As the model's files name it; other prompts are roles, too."""
    whole = {"prompts": {"query": "query: ", "passage": "passage: ", "cluster": "a "}}
    encoder = em.TextEncoder(sentence_model(tmp_path / "told", whole=whole), "float32")
    bare = em.TextEncoder(sentence_model(tmp_path / "bare"), "float32")
    assert encoder.card.roles == ("document", "query", "cluster")
    for role, prompt in (("document", "passage: "), ("query", "query: "), ("cluster", "a ")):
        found = encoder.encode(TEXTS[:3], role=role).vectors
        wanted = bare.encode([prompt + text for text in TEXTS[:3]]).vectors
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    with pytest.raises(em.InputError, match="role must be one of document, query, cluster"):
        encoder.encode(TEXTS, role="passage")


def test_encoder_takes_prompts_in_place_of_the_files(tmp_path):
    """What is passed is what is used, and another space."""
    whole = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    folder = sentence_model(tmp_path / "model", whole=whole)
    told, own = em.TextEncoder(folder), em.TextEncoder(folder, prompts={"query": "a "})
    assert told.card.relation_to(own.card) is em.Relation.FOREIGN
    bare = em.TextEncoder(folder, prompts={})
    for role, prompt in (("query", "a "), ("document", "")):
        wanted = bare.encode([prompt + "the bank"]).vectors
        np.testing.assert_allclose(own.encode(["the bank"], role).vectors, wanted, atol=1e-5)
    with pytest.raises(em.InputError, match="prompts must be texts by role"):
        em.TextEncoder(folder, prompts={"query": 3})


def test_encoder_lowers_texts_where_the_folder_says_so(model):
    """do_lower_case is done before the tokenizer, which may not do it itself."""
    parts = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    change_json(model / "tokenizer.json", normalizer={**parts["normalizer"], "lowercase": False})
    keeps = em.TextEncoder(model)
    assert not np.allclose(*keeps.encode(["THE BANK", "the bank"]).vectors, atol=1e-3)
    write_json(model / "sentence_bert_config.json", {"do_lower_case": True})
    lowers = em.TextEncoder(model)
    np.testing.assert_allclose(*lowers.encode(["THE BANK", "the bank"]).vectors, atol=1e-6)
    assert keeps.card.relation_to(lowers.card) is not em.Relation.SAME


def test_encoder_reads_half_a_surrogate_pair_as_no_character(model):
    """As the static encoder, it takes any str."""
    encoder = em.TextEncoder(model, "float32")
    found = encoder.encode(["the \ud83d bank", "\udc00"]).vectors
    np.testing.assert_array_equal(found, encoder.encode(["the \ufffd bank", "\ufffd"]).vectors)
    assert em.TextEncoder().encode(["the \ud83d bank"]).placed.all()


def test_encoder_takes_the_metric_of_the_folder(tmp_path):
    """Cosine unless it says otherwise; what has no metric here is refused."""
    for number, (named, metric) in enumerate(
        [(None, "cosine"), ("cosine", "cosine"), ("dot", "dot"), ("euclidean", "euclidean")]
    ):
        folder = sentence_model(tmp_path / str(number), whole={"similarity_fn_name": named})
        assert em.TextEncoder(folder).card.metric == metric
    folder = sentence_model(tmp_path / "m", whole={"similarity_fn_name": "manhattan"})
    with pytest.raises(em.InputError, match=r"similarity must be one of .*got 'manhattan'"):
        em.TextEncoder(folder)


def test_encoder_cuts_dims_only_when_asked(tmp_path):
    """The files' truncate_dim is not obeyed; dims= is, with unit rows, and the card says so."""
    folder = sentence_model(tmp_path / "model", whole={"truncate_dim": 4})
    whole, short = em.TextEncoder(folder, "float32"), em.TextEncoder(folder, "float32", dims=5)
    assert whole.card.dims == 16
    first = whole.encode(TEXTS).vectors[:, :5]
    wanted = first / np.linalg.norm(first, axis=1, keepdims=True)
    np.testing.assert_allclose(short.encode(TEXTS).vectors, wanted, atol=1e-6)
    assert short.card.relation_to(whole.card) is em.Relation.TRUNCATED
    assert (short.card.dims, short.card.full_dims) == (5, 16)
    for dims in (0, 17, True, 2.5):
        with pytest.raises(em.InputError, match=r"dims must be in \[1, 16\]"):
            em.TextEncoder(folder, dims=dims)


def saved_again(source, folder, change):
    """Make a folder whose tensors are changed."""
    sentence_model(folder)
    tensors = load_file(source / "model.safetensors")
    save_file(
        {name: change(array) for name, array in tensors.items()}, folder / "model.safetensors"
    )
    return folder


def test_cards_of_one_model_in_two_places_are_the_same(model, tmp_path):
    """Neither folder nor name counts, nor what does not make the vectors."""
    other = sentence_model(tmp_path / "elsewhere")
    write_json(other / "README.json", {"a": 1})
    first, second = em.TextEncoder(model).card, em.TextEncoder(other).card
    assert first.relation_to(second) is em.Relation.SAME
    assert str(tmp_path) not in first.to_json()


def test_cards_prove_that_half_precision_is_the_same_space(model, tmp_path):
    """Weights stored as float16 are other bytes and the same vectors: equivalent."""
    half = saved_again(model, tmp_path / "half", lambda array: array.astype(np.float16))
    first, second = em.TextEncoder(model).card, em.TextEncoder(half).card
    assert first.fingerprint != second.fingerprint
    assert first.relation_to(second) is em.Relation.EQUIVALENT
    check(second, first, Operation.STORE)


def test_cards_of_other_models_of_the_same_width_are_foreign(model, tmp_path):
    """A model fine-tuned a little further, and another one, are refused."""
    rng = np.random.default_rng(5)
    moved = saved_again(
        model,
        tmp_path / "moved",
        lambda array: (array + rng.normal(0, 0.1, array.shape)).astype(np.float32),
    )
    first = em.TextEncoder(model).card
    for folder in (moved, sentence_model(tmp_path / "other", "distilbert")):
        card = em.TextEncoder(folder).card
        assert card.dims == first.dims
        assert first.relation_to(card) is em.Relation.FOREIGN
        with pytest.raises(em.ForeignSpaceError):
            check(card, first, Operation.SEARCH)


@pytest.mark.parametrize(
    "change",
    [
        {"pooling": "cls"},
        {"after": ()},
        {"after": ("Dense",)},
        {"whole": {"prompts": {"query": "a "}}},
    ],
)
def test_cards_tell_apart_what_is_done_with_the_same_weights(model, tmp_path, change):
    """Pooling, what follows it, and prompts are part of the space."""
    other = sentence_model(tmp_path / "other", **change)
    assert em.TextEncoder(model).card.fingerprint != em.TextEncoder(other).card.fingerprint


def test_bfloat16_is_equivalent_where_the_cpu_has_it(model):
    """The same weights by another runtime, proven by the probes."""
    try:
        brief = em.TextEncoder(model, "bfloat16")
    except em.InputError as error:
        pytest.skip(f"the CPU has no bfloat16: {error}")
    exact = em.TextEncoder(model, "float32")
    assert brief.card.fingerprint == exact.card.fingerprint
    assert brief.card.runtime != exact.card.runtime
    assert exact.card.relation_to(brief.card) is em.Relation.EQUIVALENT
    one, two = (encoder.encode(TEXTS).vectors for encoder in (exact, brief))
    assert (one * two).sum(axis=1).min() > 0.999


def test_cut_dims_are_proven_like_whole_ones(model, tmp_path):
    """Probes are encoded at the cut width: another runtime can prove itself, another model not."""
    short = em.TextEncoder(model, "float32", dims=5)
    probes = np.frombuffer(short.card.probes.vectors, "<f4").reshape(4, 5)
    wanted = short.encode(short.card.probes.items[:2]).vectors
    np.testing.assert_allclose(probes[:2], wanted, atol=1e-6)
    elsewhere = dataclasses.replace(short.card, runtime="openvino bfloat16")
    assert short.card.relation_to(elsewhere) is em.Relation.EQUIVALENT
    other = em.TextEncoder(sentence_model(tmp_path / "cls", pooling="cls"), "float32", dims=5)
    assert short.card.relation_to(other.card) is em.Relation.FOREIGN


def test_int8_is_the_same_space_quantised(model):
    """Near the exact vectors; searched with them, not stored among them."""
    exact, rounded = em.TextEncoder(model, "float32"), em.TextEncoder(model, "int8")
    assert exact.card.relation_to(rounded.card) is em.Relation.QUANTIZED
    one, two = (encoder.encode(TEXTS).vectors for encoder in (exact, rounded))
    assert 0.99 < (one * two).sum(axis=1).min() < 1 - 1e-7
    check(rounded.card, exact.card, Operation.SEARCH)
    with pytest.raises(em.ForeignSpaceError, match="float32 vectors"):
        check(rounded.card, exact.card, Operation.STORE)


def test_encoder_is_found_again_by_its_file(model, tmp_path):
    """The file holds where the model is; the vectors are the same."""
    encoder = em.TextEncoder(model, "float32", dims=7, prompts={"query": "a "})
    assert isinstance(encoder, Encoder)
    encoder.save(tmp_path / "encoder.embedry-model")
    again = em.load(tmp_path / "encoder.embedry-model")
    assert isinstance(again, em.TextEncoder)
    assert again.card == encoder.card
    one, two = (each.encode(TEXTS, "query").vectors for each in (encoder, again))
    np.testing.assert_array_equal(one, two)


def test_encoder_that_changed_or_went_is_not_loaded(model, tmp_path):
    """Another model in its place is another space; none is said."""
    em.TextEncoder(model).save(tmp_path / "encoder.embedry-model")
    change_json(model / "1_Pooling" / "config.json", pooling_mode="cls")
    with pytest.raises(em.ForeignSpaceError):
        em.load(tmp_path / "encoder.embedry-model")
    model.rename(tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        em.load(tmp_path / "encoder.embedry-model")


def test_collection_finds_a_transformer_again_or_says_what_is_missing(model, tmp_path):
    """A field keeps where its model is."""
    with em.Collection.open(tmp_path / "c") as items:
        items.upsert(range(3), documents=["the river bank", "a loan of money", "boats on the lake"])
        items.add_field("content", encoder=em.TextEncoder(model))
    with em.Collection.open(tmp_path / "c") as items:
        hits = items.search("the river bank", field="content", mode="dense", k=1)
        assert hits.ids == (0,)
    model.rename(tmp_path / "gone")
    with em.Collection.open(tmp_path / "c") as items:  # noqa: SIM117
        with pytest.raises(em.EncoderMissingError, match="There is no folder"):
            items.search("the river bank", field="content", mode="dense", k=1)


@pytest.mark.parametrize("package", ["openvino", "tokenizers"])
def test_encoder_says_which_extra_is_missing(model, monkeypatch, package):
    """The line that installs it is in the error."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(em.MissingExtraError, match=r"pip install 'embedry\[text\]'"):
        em.TextEncoder(model)


def test_encoder_reports_nothing_to_anybody(model, tmp_path):
    """In a process of its own: no telemetry is loaded, no socket opened, nothing forked."""
    code = (
        "import os, socket, sys\n"
        "def refused(*given, **settings): raise SystemExit('the network was asked')\n"
        "socket.socket.connect = os.fork = refused\n"
        "import embedry as em\n"
        "em.TextEncoder(sys.argv[1]).encode(['the bank'])\n"
        "print([name for name in sys.modules if 'openvino_telemetry' in name])\n"
        "import openvino_telemetry\n"  # who wants it may have it
    )
    environment = {**os.environ, "EMBEDRY_CACHE": str(tmp_path), "HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert not (tmp_path / "home").exists()


def test_static_encoder_refuses_what_only_a_transformer_has():
    """Revision, dims and prompts need a model."""
    for further in ({"revision": "main"}, {"dims": 3}, {"prompts": {}}):
        with pytest.raises(em.InputError, match=f"Only a transformer has {next(iter(further))}"):
            em.TextEncoder(**further)


def test_encoder_compiles_once_and_believes_no_damaged_cache(model, monkeypatch, tmp_path):
    """The second process loads what the first compiled; a file cut or changed is made anew."""
    from embedry.encode.transformer.model import runtime

    monkeypatch.setenv("EMBEDRY_CACHE", str(tmp_path / "cache"))
    built = []
    real = runtime._keep
    monkeypatch.setattr(runtime, "_keep", lambda *given: (built.append(1), real(*given)))
    first = em.TextEncoder(model, "float32").encode(TEXTS).vectors
    second = em.TextEncoder(model, "float32", threads=2).encode(TEXTS).vectors
    assert len(built) == 1
    np.testing.assert_array_equal(first, second)
    (file,) = (tmp_path / "cache").rglob("*.graph")
    file.write_bytes(file.read_bytes()[:-100])
    third = em.TextEncoder(model, "float32").encode(TEXTS).vectors
    assert len(built) == 2
    np.testing.assert_array_equal(first, third)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    fourth = em.TextEncoder(model, "float32").encode(TEXTS).vectors
    assert len(built) == 3
    np.testing.assert_array_equal(first, fourth)


def test_cache_keeps_the_graphs_that_were_used_last(model, monkeypatch, tmp_path):
    """So many, of all versions together; one that is used again is young again."""
    from embedry.encode.transformer.model import runtime

    monkeypatch.setenv("EMBEDRY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "_MOST", 3)
    em.TextEncoder(model, "float32")
    (first,) = (tmp_path / "cache").rglob("*.graph")
    older = tmp_path / "cache" / "graphs" / "embedry-0" / "old.graph"
    older.parent.mkdir()
    for age, path in ((300, older), (200, first), *((100, older.with_stem(n)) for n in "ab")):
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    em.TextEncoder(model, "float32")  # used again
    em.TextEncoder(model, "int8")
    left = set((tmp_path / "cache").rglob("*.graph"))
    assert len(left) == 3
    assert first in left
    assert older not in left


def test_architecture_of_the_made_models_is_read(model):
    """The helper of this file reads what the encoder reads."""
    assert Architecture.of(json.loads((model / "config.json").read_text())).hidden == 16


def test_spans_are_of_the_whole_text_without_special_tokens(model):
    """Pieces stand where they were made from, also beyond what the model reads."""
    encoder = em.TextEncoder(model)
    text = TEXTS[4] * 3
    spans = encoder.spans(text)
    assert encoder.encode([text]).truncated == 1
    assert [text[b:e] for b, e in zip(spans.begins, spans.ends, strict=True)] == text.split()
    assert len(encoder.spans("").pieces) == 0


def test_chunk_by_a_transformer_is_never_truncated(model):
    """Chunks in pieces of the encoder are read to their end."""
    encoder = em.TextEncoder(model)
    text = "the river bank fell. " * 40
    room = 14  # the tiny model reads 16 with its two own
    parts = em.chunk(text, size=room, overlap=4, encoder=encoder)
    assert max(part.pieces for part in parts) <= room
    assert encoder.encode([part.text for part in parts]).truncated == 0
    assert encoder.encode([text]).truncated_items.tolist() == [True]


def test_cached_transformer_counts_what_it_cut(model, tmp_path):
    """A truncated text is found in the cache, and counted each time."""
    cached = em.CachedEncoder(em.TextEncoder(model), path=tmp_path / "vectors")
    first, again = (cached.encode(TEXTS) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert (first.truncated, first.empty) == (again.truncated, again.empty)
    assert first.truncated_items.tolist() == again.truncated_items.tolist()
    assert cached.hits_ == len(TEXTS)


def test_encoder_refuses_weights_that_are_no_numbers(model):
    """A model that gives NaN is refused when it is opened, not by its neighbours."""
    path = model / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("LayerNorm.weight"))
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, path)
    with pytest.raises(em.FileFormatError, match="finite vectors"):
        em.TextEncoder(model)


def test_encoder_says_that_it_does_not_survive_a_fork(model):
    """A child of a fork is told at once what to do, and does not hang."""
    encoder = em.TextEncoder(model, threads=1)
    with mock.patch("embedry.encode.transformer.network.os.getpid", return_value=-1):
        with pytest.raises(em.InputError, match="do not survive a fork"):
            encoder.encode(["a"])
        with pytest.raises(em.InputError, match="do not survive a fork"):
            encoder.encode_tokens("a")
