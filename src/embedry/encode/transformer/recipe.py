"""What a model's folder says: network, pooling, what follows it, length, prompts, metric.

What it is: the layouts of sentence-transformers (``modules.json``) and of a plain Hugging Face
folder (``config.json`` alone), read into one value. A plain folder does not say how tokens become a
vector: their mean is taken, as sentence-transformers does, and the card says so. What it is not:
weights or tokens; see ``model`` and ``tokens``.

References
----------
https://sbert.net/docs (modules.json, 1_Pooling/config.json, config_sentence_transformers.json).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedry.encode.transformer.model.architecture import Architecture
from embedry.encode.transformer.model.checkpoint import Checkpoint
from embedry.encode.transformer.model.head import ACTIVATIONS, POOLINGS, Dense, Head
from embedry.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Recipe", "longest_text", "read_json", "read_modules", "read_recipe"]

ROLES = {"document": ("document", "passage", "corpus"), "query": ("query",)}
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_METRICS = {"cosine": "cosine", "dot": "dot", "dot_product": "dot", "euclidean": "euclidean"}


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that is needed beside weights and tokenizer.

    Attributes
    ----------
    folder : Path
        That of the network: of ``config.json``, the weights and the tokenizer.
    architecture : Architecture
    head : Head
    longest : int
        Tokens of a text, special ones included.
    lowercase : bool
        Whether texts are put in lower case before they are cut.
    prompts : mapping of str to str
        What is put before a text, by role: always of ``"document"`` and ``"query"``.
    metric : str
    says_pooling : bool
        Whether the folder itself says how to pool.
    """

    folder: Path
    architecture: Architecture
    head: Head
    longest: int
    lowercase: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    metric: str = "cosine"
    says_pooling: bool = True


def read_recipe(folder: Path, prompts: Mapping[str, str] | None = None) -> Recipe:
    """Read a folder.

    Parameters
    ----------
    folder : Path
    prompts : mapping of str to str, optional
        By role, in place of those that the folder names.

    Returns
    -------
    Recipe

    Raises
    ------
    FileNotFoundError
        If a file of the model is missing.
    FileFormatError
        If one is damaged.
    InputError
        If the model is a decoder, of an unknown family, or has a part that is not built.
    """
    modules = _modules(folder)
    at = folder / _path(modules[0]) if modules else folder
    config = read_json(at / "config.json")
    architecture = Architecture.of(config)
    sentence = read_json(at / "sentence_bert_config.json", {})
    tokenizer = read_json(at / "tokenizer_config.json", {})
    whole = read_json(folder / "config_sentence_transformers.json", {})
    head = _head(folder, modules[1:], architecture.hidden)
    return Recipe(
        folder=at,
        architecture=architecture,
        head=head,
        longest=longest_text(architecture, sentence, tokenizer),
        lowercase=bool(sentence.get("do_lower_case", False)),
        prompts=_prompts(whole if prompts is None else {"prompts": prompts}),
        metric=_metric(whole.get("similarity_fn_name")),
        says_pooling=len(modules) > 1,
    )


def read_json(path: Path, default: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path
    default : dict, optional
        What to return where there is no such file.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If there is no such file, and no default.
    FileFormatError
        If it is not JSON, or no object.
    """
    if not path.is_file():
        if default is not None:
            return default
        raise FileNotFoundError(f"There is no file {path}. Pass the folder of a whole model.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} must be JSON: {error}.", path=path) from error
    if not isinstance(values, dict):
        raise FileFormatError(f"{path} must hold an object; got {values!r:.40}.", path=path)
    return values


def read_modules(folder: Path) -> list[tuple[str, str]]:
    """Read which modules a folder has.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of (kind, path)
        The Transformer first; empty for a plain folder. Paths are inside of the folder.

    Raises
    ------
    FileFormatError
        If ``modules.json`` is damaged.
    InputError
        If the first is no Transformer.
    """
    return [(_kind(module), _path(module)) for module in _modules(folder)]


def _modules(folder: Path) -> list[dict[str, Any]]:
    """Return the modules in order, the network first; none for a plain folder."""
    path = folder / "modules.json"
    if not path.is_file():
        return []
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        kinds = [_kind(module) for module in modules]
        inside = all(
            (folder / _path(module)).resolve().is_relative_to(folder.resolve())
            for module in modules
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged: {error!r}.", path=path) from error
    if not inside:
        raise FileFormatError(f"{path} must name folders inside its own.", path=path)
    if kinds[:1] != ["Transformer"]:
        raise InputError(
            f"The first module must be a Transformer; got {', '.join(kinds)}. Other models, such "
            "as static ones, are not read."
        )
    return list(modules)


def _kind(module: Mapping[str, Any]) -> str:
    return str(module["type"]).rpartition(".")[2]


def _path(module: Mapping[str, Any]) -> str:
    return str(module.get("path", ""))


def _head(folder: Path, modules: list[dict[str, Any]], hidden: int) -> Head:
    if not modules:
        return Head(("mean",), (), hidden)
    if _kind(modules[0]) != "Pooling":
        raise InputError(
            f"The module behind the Transformer must be Pooling; got {_kind(modules[0])}."
        )
    pooling = _pooling(folder / _path(modules[0]))
    dims, steps = hidden * len(pooling), []
    for module in modules[1:]:
        step = _step(folder / _path(module), _kind(module), dims)
        steps.append(step)
        dims = len(step.weight) if isinstance(step, Dense) else dims
    return Head(pooling, tuple(steps), dims)


def _pooling(folder: Path) -> tuple[str, ...]:
    config = read_json(folder / "config.json")
    named = config.get("pooling_mode")
    if named is None:  # as it was written before sentence-transformers 5.4
        named = [way for flag, way in _FLAGS.items() if config.get(flag) is True]
    ways = tuple([named] if isinstance(named, str) else named) or ("mean",)
    if unknown := [str(way) for way in ways if way not in POOLINGS]:
        raise InputError(
            f"Pooling must be of {', '.join(POOLINGS)}; got {', '.join(unknown)}, which is not "
            "built."
        )
    if config.get("include_prompt") is False:
        raise InputError(
            "Pooling must take the prompt in; this model leaves it out (include_prompt), which is "
            "not built."
        )
    return ways


def _step(folder: Path, kind: str, dims: int) -> Dense | None:
    if kind == "Normalize":
        return None
    if kind != "Dense":
        raise InputError(f"Modules behind Pooling must be Dense or Normalize; got {kind}.")
    config = read_json(folder / "config.json")
    activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2].lower()
    if activation not in ACTIVATIONS or config.get("use_residual"):
        what = f"the activation {activation!r}" if activation not in ACTIVATIONS else "a residual"
        raise InputError(f"A Dense module must be plain; this one has {what}, which is not built.")
    checkpoint = Checkpoint(folder)
    weight, bias = checkpoint.read("linear.weight"), checkpoint.get("linear.bias")
    if weight.ndim != 2 or weight.shape[1] != dims:
        raise FileFormatError(
            f"{folder} must map {dims} dims; its weight is {weight.shape}.", path=folder
        )
    return Dense(weight, bias, activation)


def longest_text(
    architecture: Architecture, sentence: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> int:
    """Return how many tokens are read of a text: never more than there are positions.

    Parameters
    ----------
    architecture : Architecture
    sentence : mapping
        What ``sentence_bert_config.json`` says; its length goes before the tokenizer's.
    tokenizer : mapping
        What ``tokenizer_config.json`` says.

    Returns
    -------
    int
    """
    named = sentence.get("max_seq_length") or tokenizer.get("model_max_length")
    if isinstance(named, (int, float)) and named >= 2:
        return int(min(named, architecture.longest))
    return architecture.longest


def _prompts(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the prompt of each role, as sentence-transformers chooses it."""
    named = config.get("prompts") or {}
    if not isinstance(named, dict) or not all(
        isinstance(part, str) for pair in named.items() for part in pair
    ):
        raise InputError(f"prompts must be texts by role; got {named!r:.60}.")
    default = named.get(config.get("default_prompt_name") or "", "")
    prompts = {
        role: next((named[name] for name in names if name in named), default)
        for role, names in ROLES.items()
    }
    others = {name: text for name, text in named.items() if name not in sum(ROLES.values(), ())}
    return prompts | others


def _metric(named: object) -> str:
    if named is None:
        return "cosine"
    if not isinstance(named, str) or named not in _METRICS:
        raise InputError(f"The similarity must be one of {', '.join(_METRICS)}; got {named!r}.")
    return _METRICS[named]
