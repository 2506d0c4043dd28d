"""The laws of comparison: paired draws, means over seeds, and signs that turn round."""

import numpy as np
import pytest
from scipy.stats import rankdata

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.trust.evaluate import Analogies, WordPairs, analogies, compare, word_pairs

WORDS = [f"w{number}" for number in range(50)]
ROWS = np.random.default_rng(0).normal(size=(50, 5))
CLEAN = Embeddings(WORDS, ROWS)


def noisy(seed, noise=1.0, words=WORDS):
    rows = ROWS + noise * np.random.default_rng(seed).normal(size=ROWS.shape)
    return Embeddings(WORDS, rows).subset(words)


@pytest.fixture(scope="module")
def pairs():
    places = np.random.default_rng(1).integers(0, 50, (150, 2))
    named = [(WORDS[one], WORDS[two]) for one, two in places if one != two]
    return WordPairs([(one, two, CLEAN.similarity(one, two)) for one, two in named])


@pytest.fixture(scope="module")
def questions():
    asked = []
    drawn = np.random.default_rng(2).permuted(np.tile(np.arange(50), (200, 1)), axis=1)[:, :3]
    for a, b, c in drawn:
        words = WORDS[a], WORDS[b], WORDS[c]
        best = CLEAN.nearest(like=[words[1], words[2]], unlike=[words[0]], k=1)
        asked.append((*words, best.ids[0]))
    return Analogies([("all", asked)])


def spearman(scores, grades):
    return np.corrcoef(rankdata(scores), rankdata(grades))[0, 1]


def test_compare_is_the_plain_paired_bootstrap(pairs):
    """Each draw scores all spaces on the same pairs; the means over the seeds are subtracted."""
    ours, theirs = [noisy(1, 0.5), noisy(2, 0.5)], [noisy(3), noisy(4)]
    grades = pairs.grades
    scores = [
        np.array([space.similarity(one, two) for one, two, _ in pairs])
        for space in (*ours, *theirs)
    ]
    generator = np.random.default_rng(6)
    differences = []
    for _ in range(60):
        drawn = generator.integers(0, len(pairs), len(pairs))
        each = [spearman(column[drawn], grades[drawn]) for column in scores]
        differences.append(np.mean(each[:2]) - np.mean(each[2:]))
    found = compare(ours, theirs, pairs, resamples=60, seed=6)
    expected = tuple(np.quantile(differences, [0.025, 0.975]))
    assert (found.interval.low, found.interval.high) == pytest.approx(expected, abs=1e-9)
    assert found.first.values == pytest.approx([spearman(s, grades) for s in scores[:2]])
    assert found.second.values == pytest.approx([spearman(s, grades) for s in scores[2:]])


@pytest.mark.parametrize("kind", ["pairs", "questions"])
def test_compare_scores_are_those_of_each_space_alone(kind, pairs, questions):
    """What every space knows is scored as `word_pairs` and `analogies` do."""
    first, second = noisy(1, 0.4), noisy(2)
    asked = pairs if kind == "pairs" else questions
    found = compare(first, second, asked)
    alone = [
        word_pairs(space, pairs).correlation
        if kind == "pairs"
        else analogies(space, asked).accuracy
        for space in (first, second)
    ]
    assert [found.first.mean, found.second.mean] == pytest.approx(alone)
    assert found.difference == pytest.approx(alone[0] - alone[1])


@pytest.mark.parametrize("kind", ["pairs", "questions"])
def test_compare_turned_round_changes_signs(kind, pairs, questions):
    """Second against first is first against second, negated."""
    asked = pairs if kind == "pairs" else questions
    one, two = compare(noisy(1), noisy(2), asked), compare(noisy(2), noisy(1), asked)
    assert one.difference == pytest.approx(-two.difference)
    assert (one.interval.low, one.interval.high) == pytest.approx(
        (-two.interval.high, -two.interval.low)
    )


def test_compare_a_space_with_itself_differs_by_nothing(pairs, questions):
    """Exactly zero, on every draw."""
    for asked in (pairs, questions):
        found = compare(noisy(1), noisy(1), asked)
        assert (found.difference, found.interval.low, found.interval.high) == (0, 0, 0)


def test_compare_is_narrower_than_each_alone(pairs):
    """Two spaces that err alike are told apart by far less than each interval is wide."""
    first, second = noisy(1, 0.8), noisy(1, 0.9)
    found = compare(first, second, pairs)
    alone = word_pairs(first, pairs).interval
    assert found.interval.high - found.interval.low < (alone.high - alone.low) / 2
    assert found.interval.low > 0


def test_compare_uses_what_every_space_knows(pairs, questions):
    """A word that one of them lacks is asked of none."""
    small = noisy(2, words=WORDS[:40])
    for asked in (pairs, questions):
        found = compare([noisy(1), noisy(3)], small, asked)
        known = sum(all(word in small for word in row if isinstance(word, str)) for row in asked)
        assert (found.asked, found.known) == (len(asked), known)
        assert f"on {known} of {len(asked)} questions" in str(found)


@pytest.mark.parametrize(
    ("first", "asked", "message"),
    [
        ([], WordPairs([("a", "b", 1)]), "first must be Embeddings"),
        (5, WordPairs([("a", "b", 1)]), "first must be Embeddings"),
        ([[1, 2]], WordPairs([("a", "b", 1)]), "first must be Embeddings"),
        (CLEAN, [("w1", "w2", 1.0)], "WordPairs or Analogies"),
        (CLEAN, WordPairs([("a", "b", 1)]), "At least three pairs"),
        (CLEAN, Analogies([("all", [("a", "b", "c", "d")])]), "At least one question"),
    ],
)
def test_compare_refuses_what_cannot_be_compared(first, asked, message):
    """No spaces, bare tuples, and questions that nobody knows."""
    with pytest.raises(InputError, match=message):
        compare(first, CLEAN, asked)
