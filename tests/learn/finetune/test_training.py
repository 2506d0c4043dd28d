"""Laws of the training itself, on a tiny random transformer: it learns, and leaves no trace."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import embedry as em
from embedry.card import Relation
from embedry.learn.finetune.examples import Pairs, ScoredPairs, Triplets
from embedry.learn.finetune.training import Model
from embedry.learn.finetune.tuning import finetune

WHY = "the extra train is not installed"
pytest.importorskip("sentence_transformers", reason=WHY)
pytest.importorskip("datasets", reason=WHY)
pytest.importorskip("accelerate", reason=WHY)
pytest.importorskip("openvino", reason="the extra text is not installed")

# torch, transformers and what they load warn of their own matters
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning",
                                        "ignore::FutureWarning")  # fmt: skip
WORDS = 24
SIDES = "xy"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A BERT of two layers with random weights, in the layout of sentence-transformers."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = special + [f"{side}{n}" for side in SIDES for n in range(WORDS)]
    tokenizer = Tokenizer(
        models.WordPiece({word: n for n, word in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=16, **dict(zip(names, special, strict=True))
    ).save_pretrained(folder / "plain")
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder / "plain")
    transformer = modules.Transformer(str(folder / "plain"))
    pooling = modules.Pooling(32, pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling], prompts={"query": "x0 "})
    model.save_pretrained(str(folder / "base"), create_model_card=False)
    return folder / "base"


def translations(count, seed=0):
    """Three x-words, and the y-words that mean the same."""
    rng = np.random.default_rng(seed)
    for words in rng.integers(0, WORDS, (count, 3)):
        yield tuple(" ".join(f"{side}{n}" for n in words) for side in SIDES)


QUICK = {"epochs": 6, "learning_rate": 3e-3, "batch": 32, "threads": 1}


@pytest.fixture(scope="module")
def tuned(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("tuned") / "out"
    return finetune(base, translations(600), out, matryoshka=(8,), **QUICK)


def test_training_learns_what_pairs_say(tuned):
    """Words of two vocabularies that mean the same come together, also in few dims."""
    assert [change.verdict for change in tuned.changes] == ["better"] * 4
    assert tuned.after > tuned.before + 0.3
    assert tuned.warnings == ()


def test_training_trains_the_whole_beside_fewer_dims(base):
    """The full width is always among those that the loss looks at."""
    loss = Model(base)._loss(Pairs(translations(9)), (8, 4))
    assert list(loss.matryoshka_dims) == [32, 8, 4]


def test_training_learns_from_triplets_and_from_scores(base, tmp_path):
    """Each with its own loss."""
    rows = list(translations(400))
    triplets = Triplets([(*row, rows[n - 1][1]) for n, row in enumerate(rows)])
    assert finetune(base, triplets, tmp_path / "t", **QUICK).changes[0].verdict == "better"
    scored = [
        (a, rows[n - 1][1] if n % 2 else b, float(n % 2 == 0)) for n, (a, b) in enumerate(rows)
    ]
    done = finetune(base, ScoredPairs(scored), tmp_path / "s", **QUICK)
    assert done.changes[0].verdict == "better"


def test_training_is_read_alike_by_both(tuned, base):
    """TextEncoder and sentence-transformers load the folder and give the same vectors."""
    from sentence_transformers import SentenceTransformer

    texts = ["x1 x2 x3", "y4", "", "x1 " * 40]
    encoder = em.TextEncoder(tuned.path, precision="float32")
    theirs = SentenceTransformer(str(tuned.path), local_files_only=True)
    for role, encode in (("query", theirs.encode_query), ("document", theirs.encode_document)):
        ours = encoder.encode(texts, role=role).vectors
        np.testing.assert_allclose(ours, encode(texts, show_progress_bar=False), atol=2e-5)
    assert encoder.card.fingerprint == tuned.card.fingerprint
    assert encoder.card == tuned.card
    assert tuned.card.relation_to(tuned.parent) is Relation.ALIGNED


def test_training_goes_on_from_what_was_tuned(tuned, tmp_path):
    """The second generation, from an encoder; its parent is the first."""
    encoder = em.TextEncoder(tuned.path)
    again = finetune(encoder, translations(60, seed=1), tmp_path / "out", threads=1)
    assert again.card.generation == 2
    assert again.card.parent == tuned.card.fingerprint == again.parent.fingerprint


def test_training_is_the_same_for_a_seed(base, tmp_path):
    """With one thread: the same bytes."""
    weights = []
    for name in "ab":
        finetune(base, Pairs(translations(100)), tmp_path / name, threads=1, seed=5)
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_training_leaves_the_process_as_it_was(base, tmp_path, monkeypatch, capfd):
    """Offline, threads, random states, bars: as before. No text of the user goes along."""
    import torch
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    environment, cores = dict(os.environ), torch.get_num_threads()
    numpy_state = np.random.get_state
    states = random.getstate(), numpy_state()[1].tolist(), torch.get_rng_state().tolist()
    finetune(base, translations(60), tmp_path / "out", threads=1)
    assert dict(os.environ) == environment
    assert constants.HF_HUB_OFFLINE is False
    assert torch.get_num_threads() == cores
    assert random.getstate() == states[0]
    assert numpy_state()[1].tolist() == states[1]
    assert torch.get_rng_state().tolist() == states[2]
    assert capfd.readouterr() == ("", "")
    texts = [row[0] for row in translations(60)]
    for path in (tmp_path / "out").rglob("*.*"):
        if path.suffix in {".json", ".md", ".txt"}:
            told = path.read_text(encoding="utf-8")
            assert not any(text in told for text in texts)


def test_training_shortens_where_it_is_loaded_again(base, tmp_path):
    """max_length holds for both readers; what is longer is counted."""
    out = tmp_path / "out"
    tuned = finetune(base, translations(60), out, max_length=4, threads=1)
    assert tuned.truncated > 60
    assert dict(tuned.card.settings)["longest"] == 4
    encoder = em.TextEncoder(out, precision="float32")
    assert encoder.encode(["y1 y2 y3"]).truncated == 1


def test_import_does_not_set_offline():
    """Importing finetune loads no torch and sets no environment variable."""
    code = (
        "import os, sys; before = dict(os.environ); from embedry.learn.finetune import tuning; "
        "print(dict(os.environ) == before and 'torch' not in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
