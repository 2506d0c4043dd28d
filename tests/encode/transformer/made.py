"""Folders of tiny models in the layouts of sentence-transformers and of Hugging Face.

The networks are those of ``models``; the tokenizer is a WordPiece of forty pieces.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

MODELS = Path(__file__).parent / "models"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = (
    *SPECIAL, "the", "river", "bank", "loan", "boat", "rose", "fell", "a", "b", "c", "##s", "##ing",
    ",", ".", "!", "'", "t", "don", "query", "passage", ":", "un", "##want", "##ed", "我", "you",
    "in", "on", "of", "and", "fish", "money", "word", "lake", "sea",
)  # fmt: skip


def write_tokenizer(folder, **changes):
    """Write a tokenizer.json as BERT has it; it cuts at 4 and pads to 9, which must not matter."""
    parts = {
        "version": "1.0",
        "truncation": {
            "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0,
        },
        "padding": {
            "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
        },
        "added_tokens": [
            {
                "id": number, "content": piece, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True,
            }
            for number, piece in enumerate(SPECIAL)
        ],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), sequence("A"), special("[SEP]")],
            "pair": [
                special("[CLS]"), sequence("A"), special("[SEP]"),
                sequence("B", 1), special("[SEP]", 1),
            ],
            "special_tokens": {
                piece: {"id": piece, "ids": [SPECIAL.index(piece)], "tokens": [piece]}
                for piece in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: number for number, piece in enumerate(PIECES)},
        },
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps({**parts, **changes}), encoding="utf-8")


def special(piece, kind=0):
    return {"SpecialToken": {"id": piece, "type_id": kind}}


def sequence(name, kind=0):
    return {"Sequence": {"id": name, "type_id": kind}}


def plain_model(folder, name="bert"):
    """Make a folder as transformers writes it: no word of pooling."""
    shutil.copytree(MODELS / name, folder)
    (folder / "expected.npz").unlink()
    write_tokenizer(folder)
    return folder


def sentence_model(folder, name="bert", pooling="mean", after=("Normalize",), whole=None):
    """Make a folder as sentence-transformers writes it.

    ``after`` are modules behind the pooling, ``whole`` the content of its main config.
    """
    plain_model(folder, name)
    kinds = ["Transformer", "Pooling", *after]
    modules = [
        {
            "idx": number,
            "name": str(number),
            "path": f"{number}_{kind}" if number else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, kind in enumerate(kinds)
    ]
    write_json(folder / "modules.json", modules)
    write_json(folder / "1_Pooling" / "config.json", pooling_config(pooling))
    for number, kind in enumerate(after, start=2):
        if kind == "Dense":
            write_dense(folder / f"{number}_Dense")
    write_json(folder / "config_sentence_transformers.json", whole or {})
    return folder


def pooling_config(pooling):
    """Return the old form of a single way, and the new form of a list."""
    if isinstance(pooling, list):
        return {"embedding_dimension": 16, "pooling_mode": pooling, "include_prompt": True}
    ways = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
    flags = {f"pooling_mode_{way}": way.startswith(pooling) for way in ways}
    if pooling == "mean":
        flags["pooling_mode_mean_sqrt_len_tokens"] = False
    return {"word_embedding_dimension": 16, **flags}


def write_dense(folder, activation="torch.nn.modules.activation.Tanh"):
    """Write a module that maps 16 dims to 6."""
    rng = np.random.default_rng(4)
    config = {"in_features": 16, "out_features": 6, "bias": True}
    write_json(folder / "config.json", {**config, "activation_function": activation})
    tensors = {"linear.weight": rng.normal(size=(6, 16)), "linear.bias": rng.normal(size=6)}
    tensors = {name: array.astype(np.float32) for name, array in tensors.items()}
    save_file(tensors, folder / "model.safetensors")


def write_json(path, values):
    """Write JSON, and the folder that it is in."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def change_json(path, **changes):
    """Change some values of a JSON object."""
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **changes})
