"""The teacher: all-MiniLM-L6-v2, run by OpenVINO from its own weights (Apache-2.0)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov
import openvino.opset13 as op
from safetensors.numpy import load_file
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST = 256  # pieces, with [CLS] and [SEP]
_PIECES_AT_ONCE = 2_048
_TEXTS_AT_ONCE = 64
_CLS, _SEP = 101, 102


class Teacher:
    """Gives each text its sentence vector: the mean of the last layer, of unit length."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)
        settings = json.loads((folder / "config.json").read_text())
        model = _graph(load_file(folder / "model.safetensors"), settings)
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = ov.Core().compile_model(model, "CPU", options).create_infer_request()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, (n, 384) float32."""
        return self.encode_pieces([one.ids for one in self.tokenizer.encode_batch(list(texts))])

    def encode_alone(self, pieces: Sequence[int]) -> np.ndarray:
        """Return the vector of each piece as a text of its own, (n, 384) float32."""
        return self.encode_pieces([[_CLS, piece, _SEP] for piece in pieces])

    def encode_pieces(self, pieces: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the vectors of texts given as numbers of pieces, shortest batches first."""
        order = sorted(range(len(pieces)), key=lambda text: len(pieces[text]))
        vectors = np.empty((len(pieces), 384), np.float32)
        first = 0
        while first < len(order):
            last = first + 1
            while last < len(order) and last - first < _TEXTS_AT_ONCE:
                if (last - first + 1) * len(pieces[order[last]]) > _PIECES_AT_ONCE:
                    break
                last += 1
            some = order[first:last]
            vectors[some] = self._infer([pieces[text] for text in some])
            first = last
        return vectors

    def _infer(self, some: Sequence[Sequence[int]]) -> np.ndarray:
        width = max(map(len, some))
        ids, mask = np.zeros((2, len(some), width), np.int64)
        for row, one in enumerate(some):
            ids[row, : len(one)], mask[row, : len(one)] = one, 1
        return self._request.infer([ids, mask])[0]


def _graph(weights: dict[str, np.ndarray], settings: dict[str, int]) -> ov.Model:
    """Build BERT, mean pooling and normalisation as OpenVINO's operations."""
    heads, width = settings["num_attention_heads"], settings["hidden_size"]
    ids, mask = op.parameter([-1, -1], np.int64, "ids"), op.parameter([-1, -1], np.int64, "mask")

    def dense(x: ov.Output, name: str) -> ov.Output:
        product = op.matmul(x, op.constant(weights[f"{name}.weight"]), False, True)
        return op.add(product, op.constant(weights[f"{name}.bias"]))

    def norm(x: ov.Output, name: str) -> ov.Output:
        centred = op.mvn(x, np.array([-1]), True, 1e-12, "INSIDE_SQRT")
        scaled = op.multiply(centred, op.constant(weights[f"{name}.weight"]))
        return op.add(scaled, op.constant(weights[f"{name}.bias"]))

    def in_heads(x: ov.Output) -> ov.Output:
        parts = op.reshape(x, np.array([0, 0, heads, width // heads]), True)
        return op.transpose(parts, np.array([0, 2, 1, 3]))

    length = op.gather(op.shape_of(ids), np.int64(1), np.int64(0))
    places = op.range(np.int64(0), length, np.int64(1), "i64")
    words = op.gather(op.constant(weights["embeddings.word_embeddings.weight"]), ids, np.int64(0))
    positions = op.constant(weights["embeddings.position_embeddings.weight"])
    types = op.constant(weights["embeddings.token_type_embeddings.weight"][0])
    x = op.add(op.add(words, op.gather(positions, places, np.int64(0))), types)
    x = norm(x, "embeddings.LayerNorm")
    seen = op.convert(mask, "f32")
    hidden = op.multiply(op.subtract(np.float32(1), seen), np.float32(-1e9))
    hidden = op.unsqueeze(hidden, np.array([1, 2]))  # (texts, 1, 1, pieces)
    for layer in range(settings["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        q, k, v = (
            in_heads(dense(x, f"{name}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        scores = op.multiply(op.matmul(q, k, False, True), np.float32((width / heads) ** -0.5))
        shares = op.softmax(op.add(scores, hidden), -1)
        mixed = op.transpose(op.matmul(shares, v, False, False), np.array([0, 2, 1, 3]))
        mixed = op.reshape(mixed, np.array([0, 0, width]), True)
        mixed = dense(mixed, f"{name}.attention.output.dense")
        x = norm(op.add(x, mixed), f"{name}.attention.output.LayerNorm")
        inner = op.gelu(dense(x, f"{name}.intermediate.dense"), "ERF")
        x = norm(op.add(x, dense(inner, f"{name}.output.dense")), f"{name}.output.LayerNorm")
    weight = op.unsqueeze(seen, np.array([2]))
    total = op.reduce_sum(op.multiply(x, weight), np.array([1]), False)
    length = op.sqrt(op.reduce_sum(op.multiply(total, total), np.array([1]), True))
    return ov.Model([op.divide(total, length)], [ids, mask], "teacher")
