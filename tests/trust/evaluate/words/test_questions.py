"""The laws of questions and their files: formats as published, and errors by the line."""

import pytest

from embedry.errors import InputError
from embedry.trust.evaluate import Analogies, WordPairs, read_analogies, read_word_pairs
from embedry.trust.evaluate.words.questions import holds_analogies

PAIRS = [("tiger", "cat", 7.35), ("new york", "city", 6.0)]


@pytest.fixture
def write(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "asked.txt"
        path.write_bytes(text.encode(encoding))
        return path

    return written


@pytest.mark.parametrize(
    ("text", "header_lines"),
    [
        ("tiger\tcat\t7.35\nnew york\tcity\t6.0\n", 0),
        ("Word 1,Word 2,Human (mean)\r\ntiger,cat,7.35\r\nnew york,city,6\r\n", 1),
        ("# WS-353\n\ntiger;cat;7.35\n\nnew york ; city ; 6.0", 0),
        ("\ufefftiger\tcat\t7.35\tseen\nnew york\tcity\t6.0\n", 0),
    ],
)
def test_read_word_pairs_reads_what_is_published(write, text, header_lines):
    """Tabs, commas, semicolons; headers, comments, blank lines, a mark of byte order."""
    found = read_word_pairs(write(text))
    assert list(found) == PAIRS
    assert found.header_lines == header_lines


@pytest.mark.parametrize(
    "grade", ["SimLex999", "Human (mean)", "Rating 1-10", "r", "平均", '"mean, of 5"']
)
def test_read_word_pairs_passes_over_a_line_of_names(write, grade):
    """A header is a first line whose grade is a name; what prints says that it was left out."""
    found = read_word_pairs(write(f"word1,word2,{grade}\na,b,1\n"))
    assert (list(found), found.header_lines) == ([("a", "b", 1.0)], 1)
    assert repr(found) == "WordPairs(1 pairs, 1 header line skipped)"
    assert repr(WordPairs(list(found), 2)) == "WordPairs(1 pairs, 2 header lines skipped)"
    assert repr(WordPairs(list(found))) == "WordPairs(1 pairs)"


def test_read_word_pairs_keeps_what_quotes_hold(write):
    """As in graphs and ratings: blanks inside quotes stay, and a row may go over lines."""
    found = read_word_pairs(write('"a ",b,1\n"c\nd",e,2\nf,g,3\n'))
    assert list(found) == [("a ", "b", 1.0), ("c\nd", "e", 2.0), ("f", "g", 3.0)]


def test_read_word_pairs_splits_at_white_space_and_takes_columns(write):
    """Where no mark stands in the first line; the grade may stand elsewhere."""
    path = write("word1 word2 POS score\nold  new A 1.58\nbig large A 9\n")
    assert list(read_word_pairs(path, columns=(0, 1, 3))) == [
        ("old", "new", 1.58),
        ("big", "large", 9),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        (0, 1),
        None,
        "012",
        3,
        (0, 1, 2.0),
        (0, 1, -1),
        (0, 0, 2),
        (0, 1, True),
        (0, 1, "2"),
        {0, 1, 2},
    ],
)
def test_read_word_pairs_refuses_columns_that_are_not_three_places(write, columns):
    """Three different ints from 0: a negative one would count from the end of each line."""
    with pytest.raises(InputError, match="columns must be three different ints"):
        read_word_pairs(write("a\tb\t1\t2\n"), columns=columns)


def test_read_word_pairs_takes_quotes_off(write):
    """Cells in quotes are the words without them, and may hold the mark."""
    found = read_word_pairs(write('first,second,grade\n"w, x","w2",3\na, "b ""c""",4.5\n'))
    assert found.pairs == (("w, x", "w2", 3.0), ("a", 'b "c"', 4.5))
    assert found.header_lines == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,3.5.1\nc,d,1\n", "line 1"),
        ("a,b,1e999\nc,d,1\n", "line 1"),
        ('a,b,"3,5"\nc,d,1\n', "line 1"),
        ('a,"b,1\n', "line 1.*quotes"),
        ("a\tb\t1\nc\td\n", "line 2"),
        ("a\tb\t1\nc\td\thigh\n", "line 2.*'high'"),
        ("a\tb\t1\n\t\t2\n", "line 2"),
        ("a\tb\tnan\nc\td\t1\n", "line 1.*finite.*'nan'"),
        ("a\tb\t-inf\nc\td\t1\n", "line 1"),
        ("a,b,\nc,d,1\n", "line 1"),
        ("a,b,-\nc,d,1\n", "line 1"),
        ("a,b,O.5\nc,d,1\n", "line 1.*put # before it"),
        ("a,b,grade\nc,d,high\n", "line 2.*'high'"),
        ("first\tsecond\tgrade\n", "at least one"),
        ("# nothing\n\n", "empty"),
    ],
)
def test_read_word_pairs_names_the_line_that_is_wrong(write, text, message):
    """Short lines, grades that are no numbers, empty words, no pair at all."""
    with pytest.raises(InputError, match=message):
        read_word_pairs(write(text))


def test_read_analogies_keeps_categories_in_order(write):
    """Sections begin with a colon; questions before the first have a name too."""
    found = read_analogies(
        write("a b c d\n: tense\ngo went see saw\n\n: plural\ncat cats dog dogs")
    )
    assert [(name, len(questions)) for name, questions in found.categories] == [
        ("all", 1),
        ("tense", 1),
        ("plural", 1),
    ]
    assert list(found)[1] == ("go", "went", "see", "saw")
    assert [name for name, _ in found.spans()] == ["all", "tense", "plural"]


@pytest.mark.parametrize(
    ("text", "message"), [(": tense\ngo went see\n", "line 2"), (": tense\n", "at least one")]
)
def test_read_analogies_names_the_line_that_is_wrong(write, text, message):
    """Three words are no question; a name alone neither."""
    with pytest.raises(InputError, match=message):
        read_analogies(write(text))


@pytest.mark.parametrize("read", [read_word_pairs, read_analogies])
def test_readers_refuse_missing_files_and_other_encodings(read, tmp_path, write):
    """The errors say what to do."""
    with pytest.raises(FileNotFoundError, match="Pass the path"):
        read(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="UTF-8"):
        read(write("café\tcoffee\t3\n", "latin-1"))


@pytest.mark.parametrize(
    "pairs", [[], [("a", "b")], [("a", "b", "c")], [("a", "b", float("nan"))], [("a", 1, 2.0)]]
)
def test_word_pairs_are_two_words_and_a_number(pairs):
    """Everything else is refused, by its place."""
    with pytest.raises(InputError, match="word pair"):
        WordPairs(pairs)


@pytest.mark.parametrize("questions", [[], [("a", "b", "c")], [("a", "b", "c", 4)]])
def test_analogies_are_four_words(questions):
    """Everything else is refused, by its place."""
    with pytest.raises(InputError, match="analogy"):
        Analogies([("tense", questions)])


@pytest.mark.parametrize(
    "categories",
    [
        [("a", "b", "c", "d")],
        ["ab"],
        [("tense", "abcd")],
        [("tense", 5)],
        [(1, [("a", "b", "c", "d")])],
        [5],
        {"tense": [("a", "b", "c", "d")]},
        {"ab": [("a", "b", "c", "d")]},
    ],
)
def test_analogies_come_in_categories(categories):
    """A flat list, the likeliest mistake, and a dict are refused with what to pass."""
    with pytest.raises(InputError, match=r"Pass \[\('all', \[\(a, b, c, d\), \.\.\.\]\)\]"):
        Analogies(categories)


@pytest.mark.parametrize("make", [Analogies, WordPairs])
@pytest.mark.parametrize("given", [None, 5, "asked.txt"])
def test_questions_are_lists(make, given):
    """A path is for the reader, which the error names."""
    with pytest.raises(InputError, match="For a file: read_"):
        make(given)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a b c d\ne f g h\n", True),
        (": tense\ngo went see saw\n", True),
        ("# about\n\n: tense\n", True),
        ("\ufeffa b c d\n", True),
        ("a\tb\t3\n", False),
        ("old new A 1.58\nbig large A 9\n", False),
        ("word1 word2 POS score\nold new A 1.58\n", False),
        ("a b c d\ne f g\n", False),
        ("", False),
    ],
)
def test_holds_analogies_tells_by_the_first_lines(write, text, told):
    """Four words a line, none a number, or a category first; all else is pairs."""
    assert holds_analogies(write(text)) == told
