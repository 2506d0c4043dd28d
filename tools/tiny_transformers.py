"""Make the tiny random models that the tests hold our forward to, with what transformers gives.

Run it in an environment of its own (torch==2.13.0, transformers 5), from the root of the project::

    python tools/tiny_transformers.py tests/encode/transformer/models

Each folder holds ``config.json``, ``model.safetensors`` (some 30 kB) and ``expected.npz``: token
numbers, mask, what every layer gave and, for rerankers, the scores. Weights are random and large
enough for every part to matter; no pretrained model is in them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import transformers as tf

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 40,
    "max_position_embeddings": 32,
}
PAD_1 = {**SIZES, "pad_token_id": 1, "type_vocab_size": 1}
DISTIL = {
    "dim": 16,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dim": 24,
    "vocab_size": 40,
    "max_position_embeddings": 32,
}
MODERN = {
    **SIZES,
    "num_hidden_layers": 4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
    "local_attention": 8,
}
ONE_LABEL = {"num_labels": 1}
F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
MODELS = {
    "bert": (tf.BertModel, tf.BertConfig(**SIZES), F32),
    "bert-tanh": (tf.BertModel, tf.BertConfig(**SIZES, hidden_act="gelu_new"), F16),
    "roberta": (tf.RobertaModel, tf.RobertaConfig(**PAD_1), BF16),
    "xlm-roberta": (tf.XLMRobertaModel, tf.XLMRobertaConfig(**PAD_1), F32),
    "mpnet": (tf.MPNetModel, tf.MPNetConfig(**SIZES), F32),
    "distilbert": (tf.DistilBertModel, tf.DistilBertConfig(**DISTIL), F32),
    "modernbert": (tf.ModernBertModel, tf.ModernBertConfig(**MODERN), F32),
    "reranker-bert": (
        tf.BertForSequenceClassification, tf.BertConfig(**SIZES, **ONE_LABEL), F32,
    ),
    "reranker-xlm-roberta": (
        tf.XLMRobertaForSequenceClassification, tf.XLMRobertaConfig(**PAD_1, **ONE_LABEL), F32,
    ),
    "reranker-distilbert": (
        tf.DistilBertForSequenceClassification, tf.DistilBertConfig(**DISTIL, **ONE_LABEL), F32,
    ),
    "reranker-modernbert": (
        tf.ModernBertForSequenceClassification,
        tf.ModernBertConfig(**MODERN, **ONE_LABEL, classifier_pooling="mean", classifier_bias=True),
        F32,
    ),
}  # fmt: skip
LENGTHS = (28, 17, 7, 2)


def randomise(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Give every parameter a size that matters, as the file can hold it."""
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
        else:
            parameter.data.normal_(0, 0.25)
        parameter.data = parameter.data.to(dtype).to(torch.float32)


def inputs(padding: int, segments: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return token numbers, mask and segments; one text holds the padding token itself."""
    rng = np.random.default_rng(1)
    ids = rng.integers(3, 40, (len(LENGTHS), max(LENGTHS)))
    mask = (np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]).astype(np.int64)
    ids[0, 5] = padding
    ids[mask == 0] = padding
    kinds = (np.arange(max(LENGTHS)) >= np.array(LENGTHS)[:, None] // 2) * mask * segments
    return ids, mask, kinds


def make(name: str, folder: Path) -> None:
    """Write one model and what it gives."""
    kind, config, dtype = MODELS[name]
    torch.manual_seed(len(name))
    model = kind(config).eval()
    randomise(model, dtype)
    has_segments = name in {"bert", "reranker-bert"}
    ids, mask, segments = inputs(1 if name == "mpnet" else config.pad_token_id or 0, has_segments)
    given = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    if has_segments:
        given["token_type_ids"] = torch.tensor(segments)
    with torch.no_grad():
        found = model(**given, output_hidden_states=True)
    states = [state.numpy() for state in found.hidden_states]
    if hasattr(found, "last_hidden_state"):
        states[-1] = found.last_hidden_state.numpy()
    arrays = {"ids": ids, "mask": mask, "segments": segments, "states": np.stack(states)}
    if hasattr(found, "logits"):
        arrays["scores"] = found.logits.numpy()
    model.to(dtype).save_pretrained(folder)
    for path in folder.iterdir():
        if path.name not in {"config.json", "model.safetensors"}:
            path.unlink()
    np.savez_compressed(folder / "expected.npz", **arrays)


if __name__ == "__main__":
    for each in MODELS:
        make(each, Path(sys.argv[1]) / each)
