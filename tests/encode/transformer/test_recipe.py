"""What cannot be done as a folder asks is refused with its name, never done otherwise."""

from __future__ import annotations

import json

import pytest
from tests.encode.transformer.made import change_json, sentence_model, write_dense, write_json

import embedry as em
from embedry.encode.transformer.recipe import read_recipe


@pytest.fixture
def model(tmp_path):
    """A model with mean pooling and unit vectors."""
    return sentence_model(tmp_path / "model")


def modules_of(model):
    return json.loads((model / "modules.json").read_text())


def test_recipe_of_pooling_old_and_new_is_one(tmp_path):
    """Flags and names say the same."""
    for way in ("cls", "mean", "max"):
        old = read_recipe(sentence_model(tmp_path / f"old-{way}", pooling=way))
        new = read_recipe(sentence_model(tmp_path / f"new-{way}", pooling=[way]))
        assert old.head.pooling == new.head.pooling == (way,)


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        ({"pooling_mode": "lasttoken"}, "got lasttoken, which is not built"),
        ({"pooling_mode": ["mean", "weightedmean"]}, "got weightedmean"),
        ({"pooling_mode_weightedmean_tokens": True}, "got weightedmean"),
        ({"pooling_mode": "mean", "include_prompt": False}, "include_prompt"),
    ],
)
def test_recipe_refuses_pooling_that_is_not_built(model, pooling, message):
    """Another pooling would be another space."""
    write_json(model / "1_Pooling" / "config.json", pooling)
    with pytest.raises(em.InputError, match=message):
        read_recipe(model)


@pytest.mark.parametrize(
    ("place", "kind", "message"),
    [
        (0, "StaticEmbedding", "first module must be a Transformer; got StaticEmbedding"),
        (1, "WeightedLayerPooling", "must be Pooling; got WeightedLayerPooling"),
        (2, "LSTM", "must be Dense or Normalize; got LSTM"),
    ],
)
def test_recipe_refuses_modules_that_are_not_built(model, place, kind, message):
    """By name."""
    modules = modules_of(model)
    modules[place]["type"] = f"sentence_transformers.models.{kind}"
    write_json(model / "modules.json", modules)
    with pytest.raises(em.InputError, match=message):
        read_recipe(model)


@pytest.mark.parametrize("activation", ["torch.nn.modules.activation.Softplus", "mine.Own"])
def test_recipe_refuses_activations_that_are_not_built(tmp_path, activation):
    """By name; a class of one's own is never loaded."""
    model = sentence_model(tmp_path / "model", after=("Dense",))
    change_json(model / "2_Dense" / "config.json", activation_function=activation)
    with pytest.raises(em.InputError, match=f"activation '{activation.rpartition('.')[2].lower()}"):
        read_recipe(model)


def test_recipe_refuses_a_residual(tmp_path):
    """use_residual changes the vectors."""
    model = sentence_model(tmp_path / "model", after=("Dense",))
    change_json(model / "2_Dense" / "config.json", use_residual=True)
    with pytest.raises(em.InputError, match="a residual"):
        read_recipe(model)


def test_recipe_refuses_a_dense_module_of_another_width(tmp_path):
    """Its weight must take what pooling gives."""
    model = sentence_model(tmp_path / "model", pooling=["cls", "mean"], after=("Dense",))
    write_dense(model / "2_Dense")
    with pytest.raises(em.FileFormatError, match="must map 32 dims"):
        read_recipe(model)


@pytest.mark.parametrize(
    "text", ["{", "3", '[{"type": 3}, 4]', '[{"path": "../../other", "type": "a.Transformer"}]']
)
def test_recipe_refuses_damaged_modules(model, text):
    """And folders outside of the model's own."""
    (model / "modules.json").write_text(text)
    with pytest.raises(em.FileFormatError, match="modules"):
        read_recipe(model)


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json"])
def test_recipe_names_what_is_missing_or_damaged(model, name):
    """The file is in the message."""
    (model / name).write_text("[1]")
    with pytest.raises(em.FileFormatError, match="must hold an object"):
        read_recipe(model)
    (model / name).write_text("{")
    with pytest.raises(em.FileFormatError, match="must be JSON"):
        read_recipe(model)
    (model / name).unlink()
    with pytest.raises(FileNotFoundError, match="config"):
        read_recipe(model)


def test_recipe_reads_a_network_in_a_folder_of_its_own(model):
    """Old models keep it in 0_Transformer."""
    inside = model / "0_Transformer"
    inside.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (model / name).rename(inside / name)
    modules = modules_of(model)
    modules[0]["path"] = inside.name
    write_json(model / "modules.json", modules)
    assert read_recipe(model).folder == inside
    assert em.TextEncoder(model).encode(["the bank"]).vectors.shape == (1, 16)
