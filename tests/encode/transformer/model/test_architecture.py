"""What config.json says: read alike for every family, decoders and unbuilt parts refused."""

from __future__ import annotations

import pytest

import embedry as em
from embedry.encode.transformer.model.architecture import Architecture

BERT = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
}
MODERN = {**BERT, "model_type": "modernbert", "num_hidden_layers": 4}


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "gemma3_text", "mistral", "phi3"])
def test_architecture_refuses_decoders_by_name(family):
    """The message names what came, and that it is a decoder."""
    with pytest.raises(em.InputError, match=f"'{family}' is a decoder"):
        Architecture.of({**BERT, "model_type": family})


def test_architecture_refuses_what_generates():
    """A BERT that is told to be a decoder is one, as is what only its class gives away."""
    with pytest.raises(em.InputError, match="is a decoder"):
        Architecture.of({**BERT, "is_decoder": True})
    with pytest.raises(em.InputError, match="'newmodel' is a decoder"):
        Architecture.of({"model_type": "newmodel", "architectures": ["NewForCausalLM"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "t5"}, "families bert, roberta, .*got 't5'"),
        ({"model_type": None}, "got None"),
        ({"model_type": ["bert"]}, "got "),
        ({"position_embedding_type": "relative_key"}, "must be 'absolute'; got 'relative_key'"),
        ({"hidden_act": "mish"}, "activation must be one of .*got 'mish'"),
        ({"hidden_act": None}, "activation must be one of"),
        ({"num_attention_heads": 3}, "that the heads divide"),
        ({"num_attention_heads": 0}, "sizes above 0"),
        ({"hidden_size": "16"}, "sizes above 0"),
        ({"max_position_embeddings": None}, "config.json must be whole"),
        ({"pad_token_id": "0"}, "pad_token_id must be the number of a token; got '0'"),
        ({"pad_token_id": -1}, "pad_token_id must be the number of a token; got -1"),
        ({"pad_token_id": True}, "pad_token_id must be the number of a token; got True"),
        ({"model_type": "roberta", "pad_token_id": "1"}, "config.json must be whole"),
    ],
)
def test_architecture_refuses_what_is_not_built(change, message):
    """What came and what must hold are both in the message."""
    with pytest.raises(em.InputError, match=message):
        Architecture.of({**BERT, **change})


def test_architecture_says_what_is_missing():
    """A config without its layers is not whole."""
    config = {name: value for name, value in BERT.items() if name != "num_hidden_layers"}
    with pytest.raises(em.InputError, match=r"whole.*num_hidden_layers"):
        Architecture.of(config)


def test_roberta_reads_two_tokens_less_than_it_has_positions():
    """The first position stands behind the padding token's."""
    shape = Architecture.of({**BERT, "model_type": "xlm-roberta", "pad_token_id": 1})
    assert (shape.longest, shape.offset, shape.padding) == (30, 2, 1)


def test_modernbert_of_old_and_of_new_configs_are_alike():
    """Bases and windows stood in other places before transformers 5."""
    old = {"global_attn_every_n_layers": 3, "global_rope_theta": 9e4, "local_rope_theta": 1e4}
    new = {
        "layer_types": ["full_attention", *["sliding_attention"] * 2, "full_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 9e4},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    }
    assert Architecture.of({**MODERN, **old}) == Architecture.of({**MODERN, **new})
    assert Architecture.of({**MODERN, **old}).windows == (0, 64, 64, 0)


def test_modernbert_refuses_stretched_angles():
    """Another kind of angle would give other vectors, silently."""
    rope = {"full_attention": {"rope_type": "yarn", "rope_theta": 1e4}}
    with pytest.raises(em.InputError, match="'default'; got 'yarn'"):
        Architecture.of({**MODERN, "rope_parameters": rope})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}, "object for each kind"),
        ({"rope_parameters": [1e4]}, "object for each kind"),
        ({"layer_types": ["full_attention"]}, "of each of 4 layers"),
        ({"layer_types": ["full_attention"] * 3 + ["chunked_attention"]}, "of each of 4 layers"),
        ({"layer_types": "full"}, "of each of 4 layers"),
        ({"layer_types": [["full_attention"]] * 4}, "config.json must be whole"),
        ({"global_attn_every_n_layers": 0}, "config.json must be whole"),
        ({"pad_token_id": "3"}, "pad_token_id must be"),
    ],
)
def test_modernbert_refuses_what_it_cannot_read(change, message):
    """Never by an error of Python's own."""
    with pytest.raises(em.InputError, match=message):
        Architecture.of({**MODERN, **change})
