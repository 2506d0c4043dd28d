"""Tensors on disk: any float type, in one file or in shards, and nothing believed unseen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import embedry as em
from embedry.encode.transformer.model.checkpoint import Checkpoint, as_float32

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def as_bfloat16(array):
    """Return the upper halves of float32, which is bfloat16."""
    return (array.view(np.uint32) >> 16).astype(np.uint16)


def save_bfloat16(path, name, array):
    """Write one tensor of bfloat16, which NumPy does not know."""
    data = as_bfloat16(array).tobytes()
    entry = {"dtype": "BF16", "shape": array.shape, "data_offsets": [0, len(data)]}
    header = json.dumps({name: entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_checkpoint_reads_floats_of_any_size(tmp_path, dtype):
    """All become float32."""
    save_file({"a": A.astype(dtype)}, tmp_path / "model.safetensors")
    found = Checkpoint(tmp_path).read("a")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, A)


def test_checkpoint_reads_bfloat16(tmp_path):
    """Small whole numbers are exact in it."""
    save_bfloat16(tmp_path / "model.safetensors", "a", A)
    checkpoint = Checkpoint(tmp_path)
    np.testing.assert_array_equal(checkpoint.read("a"), A)
    np.testing.assert_array_equal(checkpoint.table("a")[[1]], A[[1]])
    np.testing.assert_array_equal(as_float32(as_bfloat16(A)), A)


def test_checkpoint_reads_shards(tmp_path):
    """The index names the files; their tensors are one model."""
    save_file({"a": A}, tmp_path / "model-1.safetensors")
    save_file({"b": A + 1}, tmp_path / "model-2.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.names() == ["a", "b"]
    np.testing.assert_array_equal(checkpoint.read("b"), A + 1)
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="model-2"):
        Checkpoint(tmp_path)


def test_checkpoint_digest_is_of_what_is_used(tmp_path):
    """Another value, name or shape is another digest; what is not used, and shards, are not."""

    def digest(arrays, file="model.safetensors"):
        save_file(arrays, tmp_path / file)
        return Checkpoint(tmp_path).digest(lambda name: name != "other")

    first = digest({"a": A, "b": A})
    assert digest({"b": A, "a": A, "other": A}) == first
    assert digest({"a": A, "b": A + 1}) != first
    assert digest({"a": A, "c": A}) != first
    assert digest({"a": A, "b": A.reshape(3, 2)}) != first
    assert digest({"a": A, "b": A.astype(np.float16)}) != first


def test_checkpoint_refuses_pickles(tmp_path):
    """Weights that only a pickle holds are refused with the reason."""
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors"):
        Checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="is a pickle, which can run anything"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, (10**9).to_bytes(8, "little") + b"{}"])
def test_checkpoint_refuses_what_is_damaged(tmp_path, content):
    """Nothing is read, or allocated, by what a damaged header says."""
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(em.FileFormatError, match="is damaged"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"weight_map": {"a": "../up.safetensors"}}'])
def test_checkpoint_refuses_an_index_that_leads_elsewhere(tmp_path, text):
    """Shards lie beside their index."""
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(em.FileFormatError, match="is damaged"):
        Checkpoint(tmp_path)


def test_checkpoint_names_a_tensor_that_is_missing(tmp_path):
    """The message names it and the folder."""
    save_file({"a": A}, tmp_path / "model.safetensors")
    with pytest.raises(em.FileFormatError, match="must hold the tensor 'words'"):
        Checkpoint(tmp_path).read("words")
    assert Checkpoint(tmp_path).get("words") is None
