"""The laws of word pairs: SciPy's correlation, words counted, the same seed the same interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.trust.evaluate import Analogies, WordPairs, analogies, word_pairs

WORDS = [f"w{number}" for number in range(40)]


def space(seed=0, metric="cosine", noise=0.0):
    """Words on a plane, so that angles can be graded; noise moves them."""
    generator = np.random.default_rng(7)
    rows = generator.normal(size=(40, 6))
    return Embeddings(
        WORDS, rows + noise * np.random.default_rng(seed).normal(size=rows.shape), metric=metric
    )


def graded(count=120, seed=1):
    """Pairs graded by the space itself, without noise."""
    places = np.random.default_rng(seed).integers(0, 40, (count, 2))
    clean = space()
    pairs = [(WORDS[one], WORDS[two]) for one, two in places if one != two]
    return [(one, two, clean.similarity(one, two)) for one, two in pairs]


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_word_pairs_correlation_is_that_of_scipy(metric):
    """Of the scores that the space itself gives, by its metric."""
    noisy, pairs = space(3, metric, noise=0.5), graded()
    scores = [noisy.similarity(one, two) for one, two, _ in pairs]
    expected = stats.spearmanr(scores, [grade for *_, grade in pairs]).statistic
    found = word_pairs(noisy, pairs)
    assert found.correlation == pytest.approx(expected, abs=1e-9)
    assert found.interval.low < found.correlation < found.interval.high
    assert (found.asked, found.known, found.unknown) == (len(pairs), len(pairs), ())


def test_word_pairs_interval_is_that_of_the_plain_bootstrap():
    """Drawing pairs one by one and ranking them anew gives the same bounds."""
    noisy, pairs = space(3, noise=0.5), graded(60)
    scores = np.array([noisy.similarity(one, two) for one, two, _ in pairs])
    grades = np.array([grade for *_, grade in pairs])
    generator = np.random.default_rng(4)
    found = []
    for _ in range(100):
        drawn = generator.integers(0, len(pairs), len(pairs))
        found.append(stats.spearmanr(scores[drawn], grades[drawn]).statistic)
    interval = word_pairs(noisy, pairs, resamples=100, seed=4).interval
    expected = tuple(np.quantile(found, [0.025, 0.975]))
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-9)


def test_word_pairs_same_seed_same_interval():
    """And another seed gives another."""
    asked = (space(3, noise=0.5), graded())
    assert word_pairs(*asked, seed=1) == word_pairs(*asked, seed=1)
    assert word_pairs(*asked, seed=1).interval != word_pairs(*asked, seed=2).interval


def test_word_pairs_are_perfect_where_the_space_made_the_grades():
    """Any growing scale of the grades gives 1."""
    pairs = [(one, two, 10 * grade**3 + 5) for one, two, grade in graded()]
    assert word_pairs(space(), pairs).correlation == pytest.approx(1)


def test_word_pairs_count_what_is_unknown():
    """Pairs with a word that is not there do not count; the words are named once, in order."""
    pairs = [("nobody", "w1", 1.0), ("w2", "nobody", 2.0), ("w1", "noone", 1.0), *graded()]
    found = word_pairs(space(noise=0.2), pairs)
    assert found.unknown == ("nobody", "noone")
    assert found.asked - found.known == 3
    assert found.correlation == word_pairs(space(noise=0.2), graded()).correlation
    assert f"{found.known:,} of {found.asked:,} pairs" in str(found)


def test_word_pairs_lower_case_is_a_second_try():
    """A word is taken as it stands where it is there; else in lower case, and counted."""
    ids = ["Polish", "polish", "wax", "poland"]
    words = Embeddings(ids, [[1, 0], [0, 1], [0.1, 1], [1, 0.2]])
    pairs = [("Polish", "Poland", 9.0), ("polish", "WAX", 8.0), ("Polish", "wax", 1.0)]
    found = word_pairs(words, pairs)
    assert (found.known, found.lowered, found.unknown) == (3, 2, ())
    assert found.correlation > 0
    with pytest.raises(InputError, match="At least three pairs"):
        word_pairs(words, pairs, lowercase=False)


def test_word_pairs_find_words_in_any_form():
    """A word composed otherwise than in the space is the same word; the space has it in NFC."""
    ids = ["caf\xe9", "bar", "i\u0307stanbul", "e\u0301t"]
    words = Embeddings(ids, [[1, 0], [0, 1], [0.1, 1], [1, 0.2]])
    pairs = [("cafe\u0301", "e\u0301t", 9), ("CAFE\u0301", "bar", 1), ("bar", "İstanbul", 8)]
    found = word_pairs(words, pairs)
    assert (found.known, found.lowered, found.unknown) == (3, 2, ())
    asked = Analogies([("forms", [("cafe\u0301", "bar", "e\u0301t", "i\u0307stanbul")])])
    assert analogies(words, asked).overall.known == 1


def test_word_pairs_say_what_lines_were_headers():
    """The score names the lines of its file that were left out, where there were any."""
    scored = word_pairs(space(noise=0.2), WordPairs(graded(), 1))
    assert scored.header_lines == 1
    assert str(scored).endswith("0 words unknown, 1 header line skipped")
    assert str(word_pairs(space(noise=0.2), graded())).endswith("0 words unknown")


def test_word_pairs_refuse_what_has_no_correlation():
    """Equal grades, equal scores, and zero vectors, by the word."""
    same = [(one, two, 3.0) for one, two, _ in graded()]
    with pytest.raises(InputError, match="grades of the known pairs must differ"):
        word_pairs(space(), same)
    flat = Embeddings(WORDS, np.ones((40, 2)))
    with pytest.raises(InputError, match="scores of the known pairs must differ"):
        word_pairs(flat, graded())
    rows = np.array(space().vectors)
    rows[1] = 0
    with pytest.raises(InputError, match="'w1' has one"):
        word_pairs(Embeddings(WORDS, rows), graded())
    unasked = [pair for pair in graded() if "w1" not in pair]
    assert word_pairs(Embeddings(WORDS, rows), unasked).correlation == pytest.approx(1)


@pytest.mark.parametrize(
    ("embeddings", "pairs", "settings", "message"),
    [
        ([[1, 2]], [("a", "b", 1.0)], {}, "must be Embeddings"),
        (space(), "pairs.txt", {}, "read_word_pairs"),
        (space(), graded(), {"lowercase": "yes"}, "lowercase"),
        (space(), graded(), {"resamples": 0}, "resamples"),
        (space(), graded(), {"seed": None}, "seed"),
    ],
)
def test_word_pairs_refuse_what_is_no_argument(embeddings, pairs, settings, message):
    """Bare arrays, paths, and settings of another type."""
    with pytest.raises(InputError, match=message):
        word_pairs(embeddings, pairs, **settings)


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_word_pairs_order_does_not_matter(order):
    """The correlation is that of a set of pairs."""
    pairs = graded(14)[:12]
    found = word_pairs(space(noise=0.5), WordPairs([pairs[place] for place in order]), resamples=1)
    assert found.correlation == pytest.approx(
        word_pairs(space(noise=0.5), pairs, resamples=1).correlation
    )
