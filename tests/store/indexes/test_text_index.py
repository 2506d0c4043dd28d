"""The laws of BM25 over texts that change."""

import math
from collections import Counter
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry.errors import InputError
from embedry.store.indexes import text_index
from embedry.store.indexes.text_analysis import analyse, analyse_query
from embedry.store.indexes.text_index import BM25, TextIndex

WORDS = ["fox", "hound", "red", "the", "to", "json.dumps", "東京都", "café", "boxes", "zebra"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
POSITIONS = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.dictionaries(POSITIONS, st.none() | TEXTS, max_size=4),
        st.lists(POSITIONS, max_size=3),
    ),
    max_size=12,
)


def build(texts, settings=None):
    index = TextIndex(settings)
    index.add(list(texts), list(texts.values()))
    return index


def play(steps):
    """Return the index after some steps, and the texts that are then there."""
    index, texts = TextIndex(), {}
    for step in steps:
        if isinstance(step, dict):
            index.add(list(step), list(step.values()))
            texts |= step
        else:
            index.remove(step)
            texts = {position: text for position, text in texts.items() if position not in step}
    return index, {position: text for position, text in texts.items() if text is not None}


def bm25(query, texts, k1=1.2, b=0.75):
    """Return the score of each text by the formula, written out."""
    counts = {position: Counter(analyse(text)) for position, text in texts.items()}
    n = len(texts)
    mean = sum(c.total() for c in counts.values()) / n if n else 0
    scores = {}
    for position, count in counts.items():
        total = 0.0
        for term in analyse_query(query):
            df = sum(term in other for other in counts.values())
            idf = math.log(1 + (n - df + 0.5) / (df + 0.5))
            if count[term]:
                length = count.total() / mean
                total += idf * count[term] / (count[term] + k1 * (1 - b + b * length))
        scores[position] = total
    return scores


def same_arrays(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) and one[name].dtype == other[name].dtype
        for name in one
    )


def test_search_scores_by_hand():
    """The scores of a tiny corpus are those computed on paper."""
    index = build({0: "red fox", 1: "fox fox hound", 2: "hound"})
    positions, scores = index.search("fox", k=10)
    idf = math.log(1 + 1.5 / 2.5)  # two of three texts hold the word
    assert positions.tolist() == [1, 0]  # the mean length is 2
    np.testing.assert_allclose(scores, [idf * 2 / (2 + 1.65), idf * 1 / (1 + 1.2)], rtol=1e-6)
    assert positions.dtype == np.int64
    assert scores.dtype == np.float32


@given(STEPS, TEXTS, st.integers(1, 12), st.sampled_from([0, 2, 1000]))
def test_search_equals_formula_after_any_history(steps, query, k, merge_least):
    """After any changes, search returns the k best by the formula over the texts now there."""
    with mock.patch.object(text_index, "_MERGE_LEAST", merge_least):
        index, texts = play(steps)
    positions, scores = index.search(query, k)
    expected = {p: score for p, score in bm25(query, texts).items() if score > 0}
    assert len(index) == len(texts)
    assert len(positions) == min(k, len(expected))
    np.testing.assert_allclose(scores, [expected[p] for p in positions.tolist()], rtol=1e-6)
    best = sorted(expected.values(), reverse=True)[:k]
    np.testing.assert_allclose(scores, best, rtol=1e-6)
    ranked = list(zip((-scores).tolist(), positions.tolist(), strict=True))
    assert ranked == sorted(ranked)


@given(STEPS, TEXTS, st.sampled_from([0, 2, 1000]))
def test_history_leaves_no_trace(steps, query, merge_least):
    """Scores and arrays after any changes equal, to the bit, those of an index built afresh."""
    with mock.patch.object(text_index, "_MERGE_LEAST", merge_least):
        index, texts = play(steps)
    fresh = build(dict(sorted(texts.items())))
    for ours, theirs in zip(index.search(query, 20), fresh.search(query, 20), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert same_arrays(index.arrays(), fresh.arrays())


@given(STEPS, TEXTS, st.lists(st.booleans(), min_size=10, max_size=10))
def test_search_within_a_mask_only_leaves_out(steps, query, allowed):
    """A mask takes hits away and changes neither the order nor the score of the others."""
    index, _ = play(steps)
    mask = np.array(allowed)
    positions, scores = index.search(query, 20)
    kept = mask[positions]
    narrowed, narrowed_scores = index.search(query, 20, mask)
    np.testing.assert_array_equal(narrowed, positions[kept])
    np.testing.assert_array_equal(narrowed_scores, scores[kept])
    assert index.maximum(query, mask) == (narrowed_scores[0] if len(narrowed) else 0.0)


@given(STEPS, TEXTS)
def test_scores_equal_those_of_search(steps, query):
    """Given positions score as in search, to the bit, and 0 where search has no hit."""
    index, _ = play(steps)
    found = dict(zip(*(part.tolist() for part in index.search(query, 20)), strict=True))
    asked = np.array([9, 3, 3, 0, 7, 12])
    assert index.scores(query, asked).tolist() == [found.get(p, 0.0) for p in asked.tolist()]


def test_search_breaks_ties_by_position():
    """Equal scores come in the order of positions, also where k cuts through them."""
    index = TextIndex()
    for position in (5, 2, 9, 0, 7):
        index.add([position], ["fox"])
    index.add([1], ["fox fox"])
    assert index.search("fox", 4)[0].tolist() == [1, 0, 2, 5]
    assert index.search("fox", 9)[0].tolist() == [1, 0, 2, 5, 7, 9]


def test_search_ranks_an_exact_name_first():
    """A name beats texts that merely hold its words."""
    index = build({0: "dumps of json, dumps, json", 1: "call json.dumps here", 2: "json"})
    assert index.search("json.dumps", 3)[0].tolist() == [1, 0, 2]
    index = build({0: "parse the HTTP response", 1: "def parseHTTPResponse(text)"})
    assert index.search("parseHTTPResponse", 2)[0].tolist() == [1, 0]
    assert index.search("http", 2)[0].tolist() == [1, 0][::-1]


@given(st.permutations(WORDS), st.lists(TEXTS, min_size=4, max_size=8))
def test_search_ignores_the_order_of_words(words, texts):
    """The words of a query score alike in any order, to the bit before rounding."""
    index = build(dict(enumerate(texts)))
    forward, shuffled = (index._row_scores(" ".join(each)) for each in (WORDS, words))
    np.testing.assert_array_equal(forward, shuffled)


def test_search_counts_a_repeated_word_twice():
    """A word said twice in the query weighs twice."""
    index = build({0: "fox", 1: "hound"})
    once, twice = index.maximum("fox"), index.maximum("fox fox")
    assert twice == pytest.approx(2 * once)


def test_search_by_stop_words_alone():
    """A query of nothing but stop words finds the texts that hold them."""
    index = build({0: "To be, or not to be", 1: "hounds and foxes", 2: "what to do"})
    assert index.search("to be", 5)[0].tolist() == [0, 2]
    assert index.search("to be a hound", 5)[0].tolist() == [1]


def test_search_finds_cjk_within_a_run():
    """A word inside a run of CJK characters is found without a dictionary."""
    index = build({0: "私は東京都に住む", 1: "京都に行く"})
    assert index.search("東京", 5)[0].tolist() == [0]
    assert sorted(index.search("京都", 5)[0].tolist()) == [0, 1]


@pytest.mark.parametrize("query", ["", "!?", "unknown", "zebra.unknown"])
def test_search_without_a_match_is_empty(query):
    """Unknown words, or none, give no hits, a maximum of 0 and scores of 0."""
    for index in (TextIndex(), build({0: "fox", 1: ""})):
        positions, scores = index.search(query, 3)
        assert (len(positions), len(scores)) == (0, 0)
        assert index.maximum(query) == 0.0
        assert index.scores(query, [0, 1, 5]).tolist() == [0, 0, 0]


def test_len_counts_texts_even_empty_ones():
    """An empty text is a text of length 0, None is no text."""
    index = build({0: "fox", 1: "", 2: None})
    assert len(index) == 2
    assert index.term_count == 1
    index.add([0, 2], [None, "red hound"])
    assert len(index) == 2
    assert index.search("fox", 3)[0].tolist() == []


@given(STEPS, st.sampled_from([0, 2, 1000]))
def test_document_frequency_counts_texts_there_now(steps, merge_least):
    """It is the number of texts, of those now there, that hold the term."""
    with mock.patch.object(text_index, "_MERGE_LEAST", merge_least):
        index, texts = play(steps)
    for term in analyse(" ".join(WORDS)):
        held = sum(term in analyse(text) for text in texts.values())
        assert index.document_frequency(term) == held
    assert index.document_frequency("unknown") == 0


def test_term_count_forgets_with_the_merge():
    """Terms of removed texts alone are gone once the tail is merged."""
    with mock.patch.object(text_index, "_MERGE_LEAST", 0):
        index = build({0: "fox", 1: "hound"})
        index.remove([0])
    assert index.term_count == 1


def test_settings_bend_the_scores():
    """k1 = 0 forgets repetitions, b = 0 forgets lengths; both as in the formula."""
    texts = {0: "fox fox hound", 1: "fox", 2: "red"}
    for k1, b in ((0, 0.75), (1.2, 0), (2, 1)):
        scores = build(texts, BM25(k1=k1, b=b)).scores("fox", [0, 1, 2])
        np.testing.assert_allclose(
            scores, list(bm25("fox", texts, k1, b).values()), rtol=1e-6, atol=0
        )


@pytest.mark.parametrize("settings", [{"k1": -1}, {"k1": math.nan}, {"b": 1.1}, {"b": math.nan}])
def test_settings_out_of_range_are_refused(settings):
    """k1 is finite and at least 0, b in [0, 1]."""
    with pytest.raises(InputError, match="must be"):
        BM25(**settings)


@pytest.mark.parametrize(
    ("positions", "texts", "message"),
    [
        ([0, 1], ["fox"], "each position must have a text"),
        ([4, 4], ["fox", "hound"], "positions must differ"),
        ([4, -1], ["fox", "hound"], "positions must be in"),
        ([4, 2**31], ["fox", "hound"], "positions must be in"),
        ([4, 5], ["fox", b"hound"], "a text must be a str"),
        ([4.0, 5.0], ["fox", "hound"], "positions must be ints"),
        ([[4, 5]], ["fox"], "positions must be ints"),
    ],
)
def test_add_of_bad_input_changes_nothing(positions, texts, message):
    """A refused call leaves the index as it was."""
    index = build({0: "red fox", 4: "hound"})
    before = index.arrays()
    with pytest.raises(InputError, match=message):
        index.add(positions, texts)
    assert same_arrays(index.arrays(), before)


def test_remove_and_scores_refuse_bad_positions():
    """Positions are ints of at least 0 everywhere."""
    index = build({0: "fox"})
    with pytest.raises(InputError, match="positions must be in"):
        index.remove([-1])
    with pytest.raises(InputError, match="positions must be ints"):
        index.scores("fox", ["0"])
    assert len(index) == 1


@pytest.mark.parametrize(
    "allowed", [np.ones(2, bool), np.ones(3), np.ones((3, 1), bool), np.ones(0, bool)]
)
def test_search_refuses_a_mask_that_does_not_fit(allowed):
    """A mask is bool and says something of each position."""
    index = build({0: "fox", 2: "hound"})
    with pytest.raises(InputError, match="allowed must be"):
        index.search("fox", 1, allowed)


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_search_refuses_a_bad_k(k):
    """K is an int of at least 1."""
    with pytest.raises(InputError, match="k must be"):
        build({0: "fox"}).search("fox", k)


@given(STEPS, TEXTS, STEPS)
def test_arrays_round_trip(steps, query, more):
    """An index read from its arrays answers as before, and takes changes as before."""
    index, _ = play(steps)
    again = TextIndex.from_arrays(index.arrays())
    assert len(again) == len(index)
    assert same_arrays(again.arrays(), index.arrays())
    for step in more:
        for each in (index, again):
            if isinstance(step, dict):
                each.add(list(step), list(step.values()))
            else:
                each.remove(step)
    for ours, theirs in zip(again.search(query, 20), index.search(query, 20), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def hostile(name, values, dtype=None):
    def change(arrays):
        return arrays | {name: np.array(values, dtype or arrays[name].dtype)}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: dict(list(arrays.items())[1:]), "must be"),
        (lambda arrays: arrays | {"more": arrays["rows"]}, "must be"),
        (hostile("version", [999]), "must be of analyser"),
        (hostile("version", []), "must be of analyser"),
        (hostile("rows", [0, 1, 1, 0], np.int64), "dtype int32 in 'rows'"),
        (hostile("rows", [[0, 1, 1, 0]]), "one axis"),
        (hostile("rows", [0, 1, 1]), "starts from 0 to 3"),
        (hostile("rows", [1, 0, 1, 0]), "rows of a term ascending"),
        (hostile("rows", [0, 0, 1, 0]), "rows of a term ascending"),
        (hostile("rows", [0, 2, 1, 0]), r"rows in \[0, 2\)"),
        (hostile("rows", [-1, 1, 1, 0]), r"rows in \[0, 2\)"),
        (hostile("frequencies", [1, 1, 1]), "a frequency for each row"),
        (hostile("frequencies", [1, 0, 1, 1]), "frequencies above 0"),
        (hostile("starts", [0, 2, 3]), "starts"),
        (hostile("starts", []), "starts"),
        (hostile("starts", [1, 2, 3, 4]), "starts"),
        (hostile("starts", [0, 2, 3, 5]), "starts"),
        (hostile("starts", [0, 3, 2, 4]), "postings for each term"),
        (hostile("starts", [0, 2, 2, 4]), "postings for each term"),
        (hostile("starts", [0, 2**62, -(2**63) + 9, 4]), "postings for each term"),
        (hostile("positions", [3, 3]), "positions ascending"),
        (hostile("positions", [-1, 3]), "positions ascending"),
        (hostile("positions", [2**62, -(2**63) + 9]), "positions ascending"),
        (hostile("positions", [0, 2**40]), "positions ascending"),
        (hostile("positions", [0]), r"rows in \[0, 1\)"),
        (hostile("terms", list(b"fox\nhound\nred")), "line feed"),
        (hostile("terms", list(b"hound\nfox\nred\n")), "terms sorted"),
        (hostile("terms", list(b"fox\nfox\nred\n")), "terms sorted"),
        (hostile("terms", list(b"fox\nred\n")), "starts"),
        (hostile("terms", [255, 10]), "UTF-8"),
    ],
)
def test_from_arrays_refuses_what_no_index_wrote(change, message):
    """Arrays that are damaged, hostile or of another version are refused with the reason."""
    arrays = build({0: "red fox", 3: "fox hound"}).arrays()
    TextIndex.from_arrays(arrays)
    with pytest.raises(InputError, match=message):
        TextIndex.from_arrays(change(arrays))


@given(st.data())
def test_from_arrays_refuses_or_answers(data):
    """One changed number is either refused, or leaves an index that answers with its items."""
    arrays = build({0: "red fox", 3: "fox hound", 4: "red red"}).arrays()
    name = data.draw(st.sampled_from(sorted(arrays)))
    changed = arrays[name].copy()
    bounds = np.iinfo(changed.dtype)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] = data.draw(st.integers(-2, 8).filter(lambda v: v >= bounds.min))
    try:
        index = TextIndex.from_arrays(arrays | {name: changed})
    except InputError:
        return
    positions, scores = index.search("red fox hound", 5)
    assert len(positions) <= 3
    assert np.isfinite(scores).all()
    assert same_arrays(index.arrays(), arrays | {name: changed})
