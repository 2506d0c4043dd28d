"""The laws of the analyser behind text search."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedry.store.indexes import text_analysis
from embedry.store.indexes.text_analysis import STOP_WORDS, analyse, analyse_query, stem

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=40)
PLAIN_WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12)
# letters of several scripts, marks that sit on them, and what may stand between words
WRITING = st.text(
    st.one_of(
        st.sampled_from(" .'_,-\u00a0"),
        st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Mn"], max_codepoint=0xFFFF),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (" \t\n-- !? ._. '", []),
        ("The cat, (the) CAT!", ["the", "cat", "the", "cat"]),
        ("end...start; a/b", ["end", "start", "a", "b"]),
        ("user's users' we're don't it’s", ["user", "user", "we", "dont", "it"]),
        ("l'homme", analyse("l") + analyse("homme")),
    ],
)
def test_analyse_parts_words_at_punctuation(text, terms):
    """Words end at what is no letter, number or mark; contractions lose their ending."""
    assert analyse(text) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("json.dumps", ["json.dumps", "json", "dump"]),
        ("snake_case_list", ["snake_case_list", "snake", "case", "list"]),
        ("__init__", ["init"]),
        ("isHTTPRoot", ["ishttproot", "is", "http", "root"]),
        ("PDFs allURLsHere", ["pdf", "allurlsher", "all", "url", "here"]),
        ("utf8", ["utf8", "utf", "8"]),
        ("python3.11", ["python3.11", "python", "3", "11"]),
        ("имя_файла", ["имя_файла", "имя", "файла"]),
    ],
)
def test_analyse_finds_names_whole_and_by_parts(text, terms):
    """A compound name yields itself and the words that it is made of."""
    assert analyse(text) == terms


@pytest.mark.parametrize("text", ["3.14", "b2b", "mp3", "x86_64", "v1.2.3", "3f2a9c77be", "i18n"])
def test_analyse_keeps_codes_whole(text):
    """Where the parts are shorter than two characters on average there is one term alone."""
    assert analyse(text) == [text]


@pytest.mark.parametrize(
    ("spelled", "same"),
    [
        ("iPhone GitHub", "iphone github"),
        ("U.S.A.", "USA"),
        ("CAFÉ Łódź Ærø naïve", "cafe lodz aero naive"),
        ("cafe\u0301", "café"),
        ("straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("ﬁne ｆｕｌｌ ①", "fine full 1"),
        ("co\u00adoperate", "cooperate"),
        ("one\u200btwo\u00a0three\u3000four", "one two three four"),
        ("ΟΔΟΣ", "οδος"),
        ("МИР", "мир"),
    ],
)
def test_analyse_lets_spellings_meet(spelled, same):
    """What is one word to a reader has a term in common, however it is written."""
    assert set(analyse(same)) <= set(analyse(spelled))


def test_analyse_keeps_marks_that_are_no_accents():
    """Only Latin letters lose their marks; elsewhere marks make other words."""
    assert analyse("हिन्दी") == ["हिन्दी"]
    assert analyse("йод") != analyse("иод")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("東京都", ["東京", "京都"]),
        ("一", ["一"]),
        ("カタ・ｶﾀ", ["カタ", "カタ"]),
        ("한국어 말", ["한국", "국어", "말"]),
        ("Python入門。書く", ["python", "入門", "書く"]),
        ("用json.dumps", ["用", "json.dumps", "json", "dump"]),
    ],
)
def test_analyse_pairs_cjk_characters(text, terms):
    """A run of CJK characters yields its overlapping pairs, a single one itself."""
    assert analyse(text) == terms


@given(ANY_TEXT)
@example("\ud800 a\udfffb 🔥👩‍👩‍👧 ﷺ ½ \u0301")
def test_analyse_takes_any_text(text):
    """Any text, with emoji, lone surrogates or control characters, yields clean terms."""
    for term in analyse(text):
        assert term
        assert any(map(str.isalnum, term))
        assert not any(map(str.isspace, term))
        term.encode("utf-8")


@given(ANY_TEXT, ANY_TEXT)
def test_analyse_adds_up_over_white_space(one, other):
    """The terms of two texts side by side are those of the one and those of the other."""
    assert analyse(f"{one} {other}") == analyse(one) + analyse(other)


@given(WRITING)
def test_analyse_ignores_normal_forms(text):
    """Composed and decomposed characters yield the same terms."""
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert analyse(composed) == analyse(decomposed)


@given(PLAIN_WORDS)
def test_analyse_ignores_case_of_plain_words(word):
    """A word in lower case, upper case or with a capital is one term."""
    assert analyse(word) == analyse(word.upper()) == analyse(word.title()) == [stem(word)]


def test_analyse_remembers_within_bounds(monkeypatch):
    """What is remembered never outgrows its bound, holds no long chunks and changes no result."""
    text = "one two three json.dumps two " + "x" * 65
    expected = analyse(text)
    remembered = text_analysis._Remembered()
    monkeypatch.setattr(text_analysis, "_REMEMBERED", remembered)
    monkeypatch.setattr(text_analysis._Remembered, "most", 2)
    for _ in range(3):
        assert analyse(text) == expected
        assert len(remembered) <= 2
        assert "x" * 65 not in remembered


def test_analyse_query_drops_stop_words_unless_alone():
    """Stop words leave a query that has other words, and are all of one that has none."""
    assert analyse_query("What is the answer?") == ["answer"]
    assert analyse_query("To be, or not to be") == ["to", "be", "or", "not", "to", "be"]
    assert analyse_query("") == []


@given(st.lists(st.sampled_from(sorted(STOP_WORDS)), min_size=1))
def test_analyse_query_finds_what_analyse_keeps(words):
    """A query of stop words has the terms of the same text, so the text is found by it."""
    assert analyse_query(" ".join(words)) == analyse(" ".join(words)) == words


@pytest.mark.parametrize(
    "forms",
    [
        "cache caches cached caching",
        "box boxes boxed boxing",
        "match matches matched matching",
        "house houses housed housing",
        "run runs running",
        "hop hops hopped hopping",
        "hope hopes hoped hoping",
        "embed embeds embedded embedding embeddings",
        "study studies studied studying",
        "cry cries cried crying",
        "die dies died dying",
        "movie movies",
        "sky skies",
        "add adds added adding",
        "agree agrees agreed agreeing",
        "control controls controlled controlling",
        "create creates created creating",
        "enable enables enabled enabling",
        "proceed proceeds proceeded proceeding",
        "pass passes passed passing",
        "use uses used using",
        "play plays played playing",
    ],
)
def test_stem_joins_inflections(forms):
    """All inflections of a word have one stem."""
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "words",
    ["hop hope", "new news", "relate relational", "general generous", "sing sings ring", "us use"],
)
def test_stem_keeps_words_apart(words):
    """Derivations and look-alikes keep stems of their own."""
    apart = [stem(word) for word in words.split() if word != "sings"]
    assert len(set(apart)) == len(apart)


@pytest.mark.parametrize(
    "word", ["string", "thing", "need", "red", "gas", "this", "bus", "by", "a", "привет", "x1s", ""]
)
def test_stem_leaves_what_only_looks_inflected(word):
    """An ending without a word before it, a stop word, or what is not ASCII letters stays."""
    assert stem(word) == word
