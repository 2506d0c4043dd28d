"""The weights of an encoder, by what they are for and not by what its family calls them.

What it is: where each family keeps each part. What it is not: a forward; see ``plain`` and
``graph``, which read the same `Weights`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Architecture
    from embedry.encode.transformer.model.checkpoint import Checkpoint, Table

__all__ = ["Layer", "Linear", "Norm", "Weights"]


class Linear(NamedTuple):
    """x @ weight.T + bias: weight (out, in), bias (out,) or None."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None


class Norm(NamedTuple):
    """What a layer norm multiplies by and adds: (hidden,) each, bias or None."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: attention, then the middle.

    Attributes
    ----------
    query, key, value, out : Linear
        (hidden, hidden).
    up : Linear
        (inner, hidden).
    gate : Linear or None
        (inner, hidden).
    down : Linear
        (hidden, inner).
    attention_norm, output_norm : Norm or None
        Behind the two blocks, or before them. None leaves what came.
    """

    query: Linear
    key: Linear
    value: Linear
    out: Linear
    up: Linear
    gate: Linear | None
    down: Linear
    attention_norm: Norm | None
    output_norm: Norm


_BERT_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "output_norm": "output.LayerNorm",
}
_BERT = {
    "words": "embeddings.word_embeddings.weight",
    "places": "embeddings.position_embeddings.weight",
    "segments": "embeddings.token_type_embeddings.weight",
    "norm": "embeddings.LayerNorm",
    "layer": "encoder.layer.{}.",
    "relative": "encoder.relative_attention_bias.weight",
    **_BERT_LAYER,
}
_NAMES: Mapping[str, Mapping[str, str]] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "mpnet": {
        **_BERT,
        "query": "attention.attn.q",
        "key": "attention.attn.k",
        "value": "attention.attn.v",
        "out": "attention.attn.o",
        "attention_norm": "attention.LayerNorm",
    },
    "distilbert": {
        **_BERT,
        "layer": "transformer.layer.{}.",
        "query": "attention.q_lin",
        "key": "attention.k_lin",
        "value": "attention.v_lin",
        "out": "attention.out_lin",
        "up": "ffn.lin1",
        "down": "ffn.lin2",
        "attention_norm": "sa_layer_norm",
        "output_norm": "output_layer_norm",
    },
    "modernbert": {
        "words": "embeddings.tok_embeddings.weight",
        "places": "",
        "segments": "",
        "norm": "embeddings.norm",
        "layer": "layers.{}.",
        "query": "attn.Wqkv",
        "key": "attn.Wqkv",
        "value": "attn.Wqkv",
        "out": "attn.Wo",
        "up": "mlp.Wi",
        "gate": "mlp.Wi",
        "down": "mlp.Wo",
        "attention_norm": "attn_norm",
        "output_norm": "mlp_norm",
        "final": "final_norm",
    },
}
_PREFIXES = ("", "bert.", "roberta.", "distilbert.", "mpnet.", "model.")


class Weights:
    """The weights of one model; each part is read when it is asked for.

    Parameters
    ----------
    checkpoint : Checkpoint
    architecture : Architecture

    Raises
    ------
    FileFormatError
        When a part is asked for that is missing or of another shape.
    """

    def __init__(self, checkpoint: Checkpoint, architecture: Architecture) -> None:
        self.checkpoint = checkpoint
        self.architecture = architecture
        self._names = _NAMES[architecture.family]
        words = self._names["words"]
        self.prefix = next((p for p in _PREFIXES if p + words in checkpoint), "")

    @cached_property
    def words(self) -> Table:
        """The rows of the tokens, (vocabulary, hidden)."""
        return self.checkpoint.table(self.prefix + self._names["words"])

    @cached_property
    def places(self) -> NDArray[np.float32] | None:
        """The rows of the positions, (positions, hidden); None where they are angles."""
        name = self._names["places"]
        return self.checkpoint.read(self.prefix + name) if name else None

    @cached_property
    def segments(self) -> NDArray[np.float32] | None:
        """The rows of a first and a second text, (kinds, hidden); None where there are none."""
        return self.checkpoint.get(self.prefix + self._names["segments"])

    @cached_property
    def norm(self) -> Norm:
        """The norm behind the embeddings."""
        return self._norm(self.prefix + self._names["norm"])

    @property
    def final(self) -> Norm | None:
        """The norm behind the last layer, where there is one."""
        return self._norm(self.prefix + self._names["final"]) if "final" in self._names else None

    @property
    def relative(self) -> NDArray[np.float32]:
        """The bias of each bucket and head, (buckets, heads)."""
        return self.checkpoint.read(self.prefix + self._names["relative"])

    def layer(self, number: int) -> Layer:
        """Return one layer.

        Parameters
        ----------
        number : int
            From 0.

        Returns
        -------
        Layer

        Raises
        ------
        FileFormatError
            If a part of it is missing.
        """
        at = self.prefix + self._names["layer"].format(number)
        parts = {
            name: self._linear(at, name) for name in ("query", "key", "value", "out", "up", "down")
        }
        gate = self._linear(at, "gate") if self.architecture.gated else None
        first = at + self._names["attention_norm"]
        has_first = f"{first}.weight" in self.checkpoint or not self.architecture.norms_first
        return Layer(
            **parts,
            gate=gate,
            attention_norm=self._norm(first) if has_first else None,
            output_norm=self._norm(at + self._names["output_norm"]),
        )

    def is_used(self, name: str) -> bool:
        """Say whether a tensor of the checkpoint is part of the encoder."""
        roots = ("embeddings.", "encoder.", "transformer.", "layers.", "final_norm.")
        return name.startswith(tuple(self.prefix + root for root in roots))

    def _linear(self, at: str, part: str) -> Linear:
        name = at + self._names[part]
        weight = self.checkpoint.read(f"{name}.weight")
        bias = self.checkpoint.get(f"{name}.bias")
        shares = [other for other, where in self._names.items() if where == self._names[part]]
        if len(shares) > 1:  # queries, keys and values stand one below the other, as do the gates
            rows = len(weight) // len(shares)
            own = slice(shares.index(part) * rows, (shares.index(part) + 1) * rows)
            return Linear(weight[own], None if bias is None else bias[own])
        return Linear(weight, bias)

    def _norm(self, name: str) -> Norm:
        return Norm(self.checkpoint.read(f"{name}.weight"), self.checkpoint.get(f"{name}.bias"))
