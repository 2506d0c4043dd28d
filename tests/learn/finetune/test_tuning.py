"""Laws of finetune: measured on what was not learned, told when worse, whole or not at all.

A fake stands in for sentence-transformers, so that all but its own work is tested without torch;
the laws that need it are in test_training.
"""

import logging

import pytest
from tests.learn.finetune.fake import PARENT, stand_in

import embedry as em
from embedry.card import Relation
from embedry.errors import InputError, MissingExtraError
from embedry.intervals import Interval
from embedry.learn.finetune import training, tuning
from embedry.learn.finetune.examples import Pairs, ScoredPairs
from embedry.learn.finetune.finetuned import warnings_of
from embedry.learn.finetune.scoring import Change
from embedry.learn.finetune.tuning import finetune

PAIRS = [(f"q{n}", f"a{n}") for n in range(300)]


@pytest.fixture
def model(monkeypatch):
    return stand_in(monkeypatch)


def test_finetune_says_what_became_better(model, tmp_path, caplog):
    """Before, after and the interval of pairs; the card is a child of the parent's."""
    tuned = finetune(tmp_path, [*PAIRS, ("", "x"), PAIRS[0]], tmp_path / "out", seed=1)
    assert tuned.before < tuned.after
    assert tuned.interval.low > 0
    assert not tuned.is_worse
    assert tuned.warnings == ()
    assert caplog.records == []
    assert (tuned.learned, tuned.asked, tuned.shared) == (270, 30, 0)
    assert tuned.dropped == {"empty text": 1, "duplicate": 1}
    assert tuned.card.generation == 4
    assert tuned.card.relation_to(PARENT) is Relation.ALIGNED
    assert tuned.card.fidelity == tuned.growth.fidelity < 1
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == b"weights"
    assert "nDCG@10, 16 dims: " in str(tuned)
    assert "2 empty" not in str(tuned)
    assert "1 empty text, 1 duplicate" in str(tuned)


def test_finetune_learns_nothing_that_is_asked(model, tmp_path):
    """What reaches the trainer are the rows that were not held out."""
    held = PAIRS[:20]
    tuned = finetune(tmp_path, PAIRS[20:], tmp_path / "out", held_out=held)
    assert model.learned == tuple(PAIRS[20:])
    assert tuned.asked == 20
    with pytest.raises(InputError, match="Nothing held out may be learned"):
        finetune(tmp_path, PAIRS, tmp_path / "other", held_out=held)
    assert not (tmp_path / "other").exists()


def test_finetune_warns_where_it_became_worse(model, tmp_path, caplog):
    """In the result and the log; the folder is written all the same, and says so itself."""
    model.before, model.after = 0.3, 1.0
    tuned = finetune(tmp_path, PAIRS, tmp_path / "out")
    assert tuned.is_worse
    assert len(tuned.warnings) == 2
    assert "Fine-tuning made it worse. nDCG@10" in tuned.warnings[0]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert [record.getMessage() for record in caplog.records] == list(tuned.warnings)
    assert tuned.warnings[0] in str(tuned)
    assert '"verdict": "worse"' in (tmp_path / "out" / "embedry.json").read_text()


def test_warnings_say_may_where_chance_would_explain_it():
    """One for each measure that fell; none for one that rose, if by chance."""
    changes = tuple(
        Change("nDCG@10", 8, 0.5, 0.5 + by, Interval(by - 0.02, by + 0.02))
        for by in (-0.1, -0.01, 0.0, 0.01)
    )
    sure, unsure = warnings_of(changes)
    assert sure.startswith("Fine-tuning made it worse. nDCG@10, 8 dims: 0.500 -> 0.400")
    assert unsure.startswith("Fine-tuning may have made it worse. nDCG@10, 8 dims: 0.500 -> 0.490")


def test_finetune_measures_scored_pairs_and_fewer_dims(model, tmp_path):
    """Spearman's correlation at full width first, then at each of the fewer dims."""
    model.before = 3.0
    rows = [(f"q{n}", f"a{(n if n % 3 else n + 1)}", float(n % 3 > 0)) for n in range(900, 1100)]
    out = tmp_path / "out"
    tuned = finetune(
        tmp_path, ScoredPairs(rows), out, matryoshka=(4, 8, 16), max_length=4, held_out=0.4
    )
    assert [(c.measure, c.dims) for c in tuned.changes] == [("Spearman", d) for d in (16, 8, 4)]
    assert tuned.changes[0].verdict == "better"
    assert tuned.truncated == sum(len(text) > 4 for row in model.learned for text in row[:2])
    assert tuned.to_dict()["changes"][0]["before"] == tuned.before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("stopped")])
def test_finetune_stopped_leaves_nothing(model, tmp_path, error):
    """At Ctrl-C, or where training fails."""
    model.error = error
    with pytest.raises(type(error)):
        finetune(tmp_path, PAIRS, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch": 1}, "batch"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"warmup": 1}, "warmup"),
        ({"seed": -1}, "seed"),
        ({"threads": 0}, "threads"),
        ({"max_length": 1}, "max_length"),
        ({"matryoshka": 64}, "matryoshka must be a list of dims"),
        ({"matryoshka": "64"}, "matryoshka must be a list of dims"),
        ({"matryoshka": (0,)}, "matryoshka dims"),
        ({"matryoshka": (8, 17)}, r"matryoshka dims must be in \[1, 16\]; got 17"),
        ({"held_out": 0}, "held_out"),
    ],
)
def test_finetune_refuses_settings_before_it_trains(model, tmp_path, changed, message):
    """By their names."""
    model.learned = None
    with pytest.raises(InputError, match=message):
        finetune(tmp_path, Pairs(PAIRS), tmp_path / "out", **changed)
    assert model.learned is None


def test_finetune_refuses_a_folder_that_is_there(model, tmp_path):
    """Nothing is replaced."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(InputError, match="must be a new folder"):
        finetune(tmp_path, PAIRS, tmp_path / "out")


@pytest.mark.parametrize("encoder", [None, 7, " "])
def test_finetune_refuses_what_is_no_encoder(encoder):
    """By what it is."""
    with pytest.raises(InputError, match="encoder must be a folder, a name or a TextEncoder"):
        tuning._start(encoder)


def test_finetune_refuses_the_static_encoder():
    """It has no network to train."""
    with pytest.raises(InputError, match="this encoder is the static one"):
        tuning._start(em.TextEncoder())


def test_finetune_names_the_extra_that_is_missing(monkeypatch, tmp_path):
    """After the examples were looked at, before anything is loaded."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(training, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'embedry\[train\]'"):
        finetune(tmp_path, PAIRS, tmp_path / "out")
    with pytest.raises(InputError, match="must be rows"):
        finetune(tmp_path, "pairs", tmp_path / "out")
