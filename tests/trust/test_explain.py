"""The laws of explanation: exact parts, counts that a hand can check, and plain sentences."""

import re

import numpy as np
import pytest
from tests.learn.taste.counted import Counted

from embedry.data.corpus import Corpus
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError, UnknownIdError
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec
from embedry.store.collection import Collection
from embedry.trust.explain import _shared_words, _word_shares, explain

TEXTS = {
    "b1": "a court intrigue with dragons and a queen",
    "b2": "dragons besiege the court of an old queen",
    "b3": "how to repair an old bicycle",
    7: "bicycle repair for the queen",
    "bare": None,
}
USES = [
    *(("ann", "b1"), ("ann", "b2"), ("bob", "b1"), ("bob", "b2"), ("bob", "b3")),
    *(("eve", "b2"), ("eve", 7), ("joe", "b3"), ("joe", 7), ("kim", "b1")),
]


@pytest.fixture(scope="module")
def words():
    lines = [text for text in TEXTS.values() if text] * 60
    return Word2Vec(dims=12, min_count=1, epochs=3, seed=1, threads=1).fit(Corpus.from_lines(lines))


@pytest.fixture(scope="module")
def taste():
    used = Interactions.from_triples(*zip(*USES, strict=True))
    return ALS(dims=3, regularization=0.1, threads=1).fit(used)


@pytest.fixture
def books(tmp_path, words, taste):
    with Collection.open(tmp_path / "books") as collection:
        collection.upsert(list(TEXTS), documents=list(TEXTS.values()))
        collection.add_field("content", encoder=words)
        collection.add_field("taste", embeddings=taste.item_embeddings_)
        yield collection


@pytest.mark.parametrize(("first", "second"), [("b1", "b2"), ("b2", "b1"), ("b3", 7), ("b1", "b1")])
def test_explain_word_shares_sum_to_the_cosine(books, words, first, second):
    """The shares of all words of the second document sum to the score, the cosine of the two."""
    part = explain(books, first, second).parts[0]
    one, two = words.encode([TEXTS[first], TEXTS[second]]).vectors
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert part.field == "content"
    assert part.score == pytest.approx(cosine, abs=1e-5)
    shares = words.word_shares(TEXTS[second], one / np.linalg.norm(one))
    assert sum(shares.values()) == pytest.approx(part.score, abs=1e-5)
    best = sorted(shares.items(), key=lambda pair: -pair[1])[:5]
    best = [(word, share) for word, share in best if share > 0]
    assert [word for word, _ in part.words] == [word for word, _ in best]
    np.testing.assert_allclose([s for _, s in part.words], [s for _, s in best], atol=1e-6)


def test_explain_score_is_the_search_score(books):
    """Each part has the score that a search near the first item gives the second."""
    for part in explain(books, "b1", "b2").parts:
        hits = {hit.id: hit.score for hit in books.search(id="b1", field=part.field)}
        assert part.score == pytest.approx(hits["b2"], abs=1e-6)


def test_explain_shares_only_of_the_documents_own_vector(books, words):
    """Where the vector was given and is not that of the document, no word is named."""
    other = words.encode(["bicycle"]).vectors
    given = Embeddings(["b2"], other, words.card)
    books.upsert(["b2"], vectors={"content": given})
    assert explain(books, "b1", "b2").parts[0].words == ()
    assert explain(books, "b2", "b1").parts[0].words


def test_explain_encoder_not_at_hand_leaves_the_score(books, words, tmp_path):
    """Without its encoder, a field still tells the score, and no words."""
    before = explain(books, "b1", "b2").parts[0]
    for copy in (tmp_path / "books" / "encoders").iterdir():
        copy.unlink()
    with Collection.open(tmp_path / "books") as again:
        after = explain(again, "b1", "b2").parts[0]
    assert (after.score, after.words) == (before.score, ())
    assert before.words


def test_explain_shared_words_are_those_of_both(books):
    """Shared words stand in both documents, stop words left out, rarest first."""
    assert set(explain(books, "b1", "b2").shared_words) == {"court", "dragons", "queen"}
    assert explain(books, "b1", "b2").shared_words[-1] == "queen"
    assert explain(books, "b3", 7).shared_words == ("bicycle", "repair")
    assert explain(books, "b2", 7).shared_words == ("queen",)
    assert explain(books, "b1", "b3").shared_words == ()
    assert explain(books, "bare", "b3").shared_words == ()
    books.upsert(["hi", "hj"], documents=["हिन्दी भाषा, cafe\u0301", "Café की हिन्दी"])
    assert set(explain(books, "hi", "hj").shared_words) == {"हिन्दी", "caf\xe9"}


def test_explain_used_by_equals_a_hand_count(books, taste):
    """Who used the first, the second and both, and who those are."""
    used = explain(books, "b1", "b2", taste=taste).used_by
    assert (used.first, used.second, used.both) == (3, 3, 2)
    assert used.examples == ("ann", "bob")
    nobody = explain(books, "b1", 7, taste=taste).used_by
    assert (nobody.first, nobody.second, nobody.both, nobody.examples) == (3, 2, 0, ())
    assert explain(books, "b1", "bare", taste=taste).used_by is None
    assert explain(books, "b1", "b2").used_by is None


def test_explain_takes_any_learner_of_taste(books):
    """A learner without vectors says who used both, and how alike it holds them."""
    counts = Counted().fit(Interactions.from_triples(*zip(*USES, strict=True)))
    used = explain(books, "b1", "b2", taste=counts).used_by
    assert (used.first, used.second, used.both) == (3, 3, 2)
    assert used.similarity == 2.0


def test_explain_items_without_vectors_say_so(books):
    """An item without a vector has no score there; the explanation stands and says so."""
    found = explain(books, "b1", "bare")
    assert [(part.score, part.calibrated, part.words) for part in found.parts] == [
        (None, None, ())
    ] * 2
    assert str(found).count("not both have a vector") == 2


def test_explain_without_fields_tells_words(tmp_path):
    """A collection without a field explains by words alone."""
    with Collection.open(tmp_path / "plain") as plain:
        plain.upsert([1, 2], documents=["red fox", "brown fox"])
        found = explain(plain, 1, 2)
    assert found.parts == ()
    assert found.shared_words == ("fox",)
    assert str(found) == "1 and 2\n  both are found by: fox"


def test_explain_str_is_readable(books, taste):
    """Printed, it names both items, each field with its score, the users, and shared words."""
    text = str(explain(books, "b1", "b2", taste=taste))
    lines = text.splitlines()
    assert lines[0] == "b1 and b2"
    assert re.match(
        r"  content: cosine -?\d\.\d\d, \d\.\d\d on the common scale, through \w", lines[1]
    )
    assert re.match(r"  taste: dot product -?\d\.\d\d, -?\d\.\d\d on the common scale", lines[2])
    alike = taste.similar("b1", k=10)
    alike = next(hit.score for hit in alike if hit.id == "b2")
    assert lines[3] == (
        f"  used by 3 and 3; by both: 2, such as ann, bob; likeness in taste {alike:.2f}"
    )
    assert lines[4].startswith("  both are found by: ")
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("pair", "missing"), [(("b1", "no"), "no"), (("7", "b1"), "7"), ((8, "no"), 8)]
)
def test_explain_unknown_ids_are_named(books, pair, missing):
    """An id that is not there is an UnknownIdError that carries it; 7 is not "7"."""
    with pytest.raises(UnknownIdError, match="no item") as caught:
        explain(books, *pair)
    assert missing in caught.value.ids


def test_explain_bad_input_is_refused(books):
    """What is no id, and a taste that is not fitted, are refused."""
    with pytest.raises(InputError, match="id must be"):
        explain(books, "b1", 1.5)
    with pytest.raises(InputError, match="fitted learner"):
        explain(books, "b1", "b2", taste=ALS())


def test_explain_item_removed_meanwhile_is_unknown(books, monkeypatch):
    """An item that another process removes while the answer is made is an UnknownIdError."""
    kept = books.get(["b1", "b2"])
    books.delete(["b2"])
    monkeypatch.setattr(books, "get", lambda _: kept)
    with pytest.raises(UnknownIdError, match="removed a moment ago"):
        explain(books, "b1", "b2")


def test_word_shares_needs_encoder_and_document(books):
    """A field without an encoder, and an item without a document, have no words."""
    item = books.get(["bare"])[0]
    query = np.ones(12, np.float32)
    assert _word_shares(books.field("content"), query, item, 0.0) == ()
    assert _word_shares(books.field("taste"), query, books.get(["b1"])[0], 0.0) == ()


def test_shared_words_are_at_most_five(books):
    """Of many shared words the five rarest are told."""
    text = "one two three four five six seven"
    books.upsert(["x", "y"], documents=[text, text])
    assert len(_shared_words(books, books.get(["x", "y"]))) == 5
