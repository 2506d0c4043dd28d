"""The laws of analogies: the exact answers of like and unlike, counted by category."""

import math

import numpy as np
import pytest

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.intervals import wilson
from embedry.trust.evaluate import Analogies, Category, analogies

WORDS = [f"w{number}" for number in range(60)]


def random_space(seed=0):
    return Embeddings(WORDS, np.random.default_rng(seed).normal(size=(60, 3)))


def random_questions(count, seed=1, words=60):
    drawn = np.random.default_rng(seed).permuted(np.tile(np.arange(words), (count, 1)), axis=1)
    return [tuple(f"w{place}" for place in row[:4]) for row in drawn]


def grid():
    """Ten pairs that differ by one direction, so that every analogy among them is right."""
    generator = np.random.default_rng(3)
    bases = generator.normal(size=(10, 16)).astype(np.float32)
    bases /= np.linalg.norm(bases, axis=1, keepdims=True)
    step = np.zeros(16, np.float32)
    step[0] = 0.6
    ids = [f"base{n}" for n in range(10)] + [f"step{n}" for n in range(10)]
    return Embeddings(ids, np.concatenate([bases, bases + step]))


GRID = [
    (f"base{one}", f"step{one}", f"base{two}", f"step{two}")
    for one in range(10)
    for two in range(10)
    if one != two
]


def test_analogies_answers_are_those_of_like_and_unlike():
    """The plain way, question by question, with the exact search of the space."""
    space, questions = random_space(), random_questions(300)
    right = [space.nearest(like=[b, c], unlike=[a], k=1).ids == (d,) for a, b, c, d in questions]
    found = analogies(space, questions)
    assert found.overall.right == sum(right) > 0
    assert found.accuracy == sum(right) / 300
    assert found.interval == wilson(sum(right), 300)


def test_analogies_do_not_depend_on_blocks(monkeypatch):
    """A question at a time gives the same as all at once."""
    space, questions = random_space(), random_questions(50)
    whole = analogies(space, questions)
    monkeypatch.setattr("embedry.trust.evaluate.words.analogies._NUMBERS_AT_ONCE", 1)
    assert analogies(space, questions) == whole


def test_analogies_planted_are_found():
    """Where one step leads from each word to its partner, nearly all questions are right."""
    found = analogies(grid(), Analogies([("step", GRID), ("back", [q[::-1] for q in GRID])]))
    assert found.accuracy > 0.9
    assert [category.name for category in found.categories] == ["step", "back"]
    assert sum(category.right for category in found.categories) == found.overall.right


def test_analogies_never_answer_with_a_word_of_the_question():
    """Where b - a + c is nearest to c itself, c is passed over."""
    space = Embeddings(["a", "b", "c", "d"], [[1, 0], [1, 0.01], [0, 1], [0.5, 0.5]])
    assert analogies(space, [("a", "b", "c", "d")]).accuracy == 1
    assert analogies(space, [("a", "b", "c", "c")]).accuracy == 0


def test_analogies_are_kept_to_the_most_frequent_words():
    """Questions with a rarer word are skipped; rarer words cannot be answers."""
    space = random_space()
    questions = random_questions(200, words=60)
    found = analogies(space, questions, most_frequent=20)
    first = space.subset(WORDS[:20])
    among = [q for q in questions if all(int(word[1:]) < 20 for word in q)]
    plain = analogies(first, among)
    assert (found.overall.right, found.overall.known) == (plain.overall.right, len(among))
    assert found.overall.skipped == 200 - len(among)
    assert set(found.too_rare) == {w for q in questions for w in q if int(w[1:]) >= 20}
    assert found.unknown == ()
    with pytest.raises(InputError, match="At least one question"):
        analogies(space, [("w20", "w1", "w2", "w3")], most_frequent=20)


def test_analogies_count_what_is_unknown_and_lowered():
    """Unknown words are named once, in order; words in lower case are a second try."""
    questions = [("BASE1", "step1", "base2", "step2"), ("base1", "nobody", "base2", "step2")]
    asked = Analogies([("one", questions), ("none", [("x", "y", "z", "nobody")])])
    found = analogies(grid(), asked)
    assert (found.overall.known, found.overall.skipped, found.lowered) == (1, 2, 1)
    assert found.unknown == ("nobody", "x", "y", "z")
    none = found.categories[1]
    assert math.isnan(none.accuracy)
    assert none.interval is None
    assert "none of 1 known" in str(found)


def test_analogies_use_directions_whatever_the_metric():
    """Lengths do not matter: 3CosAdd is of unit vectors."""
    space = random_space()
    lengths = np.random.default_rng(5).uniform(0.1, 9, (60, 1))
    scaled = Embeddings(WORDS, space.vectors * lengths, metric="dot")
    questions = random_questions(200)
    assert analogies(scaled, questions) == analogies(space, questions)


@pytest.mark.parametrize(
    ("questions", "settings", "message"),
    [
        ([("x", "y", "z", "v")], {}, "At least one question"),
        (random_questions(3), {"most_frequent": 0}, "most_frequent"),
        (random_questions(3), {"most_frequent": 2}, "At least one question"),
        ("questions-words.txt", {}, "read_analogies"),
    ],
)
def test_analogies_refuse_what_cannot_be_answered(questions, settings, message):
    """No known question, no words at all, a path."""
    with pytest.raises(InputError, match=message):
        analogies(random_space(), questions, **settings)


def test_category_prints_its_share():
    """Name, share, interval, and of how many."""
    assert str(Category("tense", 3, 4, 9)).startswith("tense: 0.750 (0.301 .. 0.954), 3 of 4 known")
