"""Laws of Word2Vec: what it learns is true, the same each time, and kept as it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.card import Relation
from embedry.data.corpus import Corpus
from embedry.data.text import tokenizer
from embedry.embeddings import Embeddings
from embedry.encode.encoder import Encoder
from embedry.errors import FileFormatError, ForeignSpaceError, InputError, NotFittedError
from embedry.learn import modelfile
from embedry.learn.modelfile import read_model, write_model
from embedry.learn.word2vec import Word2Vec
from embedry.learn.words import vocabulary
from embedry.learn.words.ngrams import Subwords

TOPICS = 6
WORDS = 12


def topic_lines(sentences=2000, seed=0):
    """Sentences of eight words, all of one topic out of six."""
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, TOPICS, sentences)
    words = rng.integers(0, WORDS, (sentences, 8))
    return [
        " ".join(f"t{topic}w{word}" for word in row)
        for topic, row in zip(topics, words, strict=True)
    ]


@pytest.fixture(scope="module")
def topics():
    return Corpus.from_lines(topic_lines())


@pytest.fixture(scope="module")
def fitted(topics):
    return Word2Vec(dims=24, sample=0, negative=5, epochs=8, seed=3, threads=1).fit(topics)


def small(**settings):
    return Word2Vec(**({"dims": 8, "min_count": 1, "epochs": 1, "threads": 1} | settings))


def neighbours_of_own_topic(words):
    """Share of the nearest eleven of each word that are of its topic."""
    hits = words.embeddings_.nearest(id=list(words.embeddings_.ids), k=WORDS - 1)
    own = [
        near[:2] == id[:2]
        for id, hit in zip(words.embeddings_.ids, hits, strict=True)
        for near in hit.ids
    ]
    return np.mean(own)


def test_fit_puts_words_of_a_topic_together(fitted):
    """Planted topics: the nearest words of each word are those of its own topic."""
    assert len(fitted.embeddings_) == TOPICS * WORDS
    assert neighbours_of_own_topic(fitted) > 0.99


def test_fit_with_two_threads_learns_as_well(topics):
    """Threads that share the vectors without locks find the same topics."""
    words = Word2Vec(dims=24, sample=0, epochs=8, seed=3, threads=2).fit(topics)
    assert neighbours_of_own_topic(words) > 0.99
    assert dict(words.card.settings)["threads"] == 2


def test_fit_finds_interchangeable_words():
    """Two words that stand at random in each other's place end up nearest to each other."""
    rng = np.random.default_rng(1)
    lines = []
    for line in topic_lines(3000, seed=1):
        words = line.split()
        twin = "tea" if rng.random() < 0.5 else "coffee"
        lines.append(" ".join([*words[:4], twin, *words[4:]]) if words[0][:2] == "t0" else line)
    words = small(dims=24, epochs=8, sample=0, seed=1).fit(Corpus.from_lines(lines))
    assert words.embeddings_.nearest(id="tea", k=1).ids == ("coffee",)
    assert words.embeddings_.nearest(id="coffee", k=1).ids == ("tea",)


def test_fit_is_the_same_to_the_bit_for_a_seed(topics):
    """One thread and one seed give the same bytes and fingerprint; another seed gives others."""
    first, again, other = (small(seed=seed).fit(topics) for seed in (5, 5, 6))
    assert first.embeddings_.vectors.tobytes() == again.embeddings_.vectors.tobytes()
    assert first.card == again.card
    assert first.card.fingerprint != other.card.fingerprint
    assert first.card.relation_to(other.card) is Relation.FOREIGN


@pytest.mark.parametrize("bite", [100, 777, 10**9])
def test_fit_does_not_depend_on_the_size_of_a_bite(topics, monkeypatch, bite):
    """How often the progress bar is looked at changes no byte."""
    whole = small(epochs=2, seed=2).fit(topics)
    monkeypatch.setattr(vocabulary, "BITE", bite)
    bitten = small(epochs=2, seed=2).fit(topics)
    assert bitten.card == whole.card


def test_fingerprint_counts_what_encode_uses():
    """The same vectors with another tokenizer are another space."""
    lines = ["a b c", "c a b"] * 20
    words, spaces = (
        small().fit(Corpus.from_lines(lines, tokenizer=t)) for t in ("words", "whitespace")
    )
    assert words.embeddings_.vectors.tobytes() == spaces.embeddings_.vectors.tobytes()
    assert words.card.relation_to(spaces.card) is Relation.FOREIGN


@given(
    lines=st.lists(
        st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=9), min_size=1, max_size=12
    ),
    min_count=st.integers(1, 4),
)
@settings(max_examples=50, deadline=None)
def test_vocabulary_is_a_hand_count(lines, min_count):
    """Words that occur often enough are kept, most frequent first; the rest is counted."""
    flat = [word for line in lines for word in line]
    counts = {word: flat.count(word) for word in flat if flat.count(word) >= min_count}
    order = sorted(counts, key=lambda word: (-counts[word], flat.index(word)))
    corpus = Corpus.from_lines(map(" ".join, lines))
    words = small(min_count=min_count, sample=0, dims=2)
    if len(order) < 2 or max(sum(word in counts for word in line) for line in lines) < 2:
        with pytest.raises(InputError, match=r"(words must occur|must hold two words)"):
            words.fit(corpus)
        return
    words.fit(corpus)
    assert words.embeddings_.ids == tuple(order)
    assert words.counts_.tolist() == [counts[word] for word in order]
    assert words.left_out_ == len(flat) - sum(counts.values())


@pytest.mark.parametrize("dims", [1, 3, 17, 100])
def test_fit_takes_any_width(dims):
    """Widths that are no multiple of a vector register give finite vectors of that width."""
    words = small(dims=dims, epochs=2).fit(Corpus.from_lines(topic_lines(200)))
    assert words.embeddings_.vectors.shape == (TOPICS * WORDS, dims)
    assert np.isfinite(words.embeddings_.vectors).all()
    assert words.encode(["t0w1 t0w2", "t1w1"]).placed.all()


def test_fit_takes_one_very_long_sentence():
    """A text without line ends is learned, and its documents still have vectors."""
    line = " ".join(topic_lines(1500))
    words = small(sample=0).fit(Corpus.from_lines([line]))
    assert words.counts_.sum() == 1500 * 8
    assert words.encode([line, "t0w1"]).placed.all()


def test_fit_takes_single_words_among_sentences():
    """Sentences of one word teach nothing and do no harm."""
    lines = topic_lines(300)
    words = small().fit(Corpus.from_lines([*lines, "alone", "t0w1"]))
    assert "alone" in words.embeddings_


@pytest.mark.parametrize(
    ("lines", "min_count"), [(["a", "b", "a", "b"], 1), (["a x", "y b"] * 1 + ["a", "b"], 2)]
)
def test_fit_refuses_a_text_without_neighbours(lines, min_count):
    """Where no two known words share a sentence, vectors would be noise: it is refused."""
    with pytest.raises(InputError, match="must hold two words to learn from"):
        small(min_count=min_count).fit(Corpus.from_lines(lines))


def test_fit_refuses_too_few_words():
    """One word that is frequent enough is no vocabulary; the message says how to go on."""
    with pytest.raises(
        InputError, match=r"two words must occur 5 times; 1 do in .*lower min_count"
    ):
        Word2Vec().fit(Corpus.from_lines(["a a a", "a a b"]))


@pytest.mark.parametrize("text", ["a whole text", ["a line", "another"], None])
def test_fit_refuses_what_is_no_corpus(text):
    """A str or a list of str gets the line that makes a Corpus of it."""
    with pytest.raises(InputError, match=r"fit takes a Corpus; got .*Corpus.from_lines\(lines\)"):
        Word2Vec().fit(text)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dims", [0, 4097, 3.0, True, "8"]),
        ("window", [0, 51, None]),
        ("negative", [0, 51]),
        ("min_count", [0, -1]),
        ("epochs", [0, 1.5]),
        ("seed", [-1, None]),
        ("sample", [-0.1, 1.1, float("nan"), "1e-3"]),
        ("learning_rate", [0, 2, float("inf")]),
        ("threads", [0, -1, 1.0]),
    ],
)
def test_fit_refuses_settings_out_of_range(topics, name, values):
    """Each setting is checked by fit, and the message names it."""
    for value in values:
        with pytest.raises(InputError, match=f"{name} must be"):
            Word2Vec(**{name: value}).fit(topics)


def sif(words, texts):
    """Arora et al. 2017, algorithm 1, in float64 and by hand, one text after the other."""
    vectors = words.embeddings_.vectors.astype(np.float64)
    shares = words.counts_ / words.counts_.sum()
    place = {word: row for row, word in enumerate(words.embeddings_.ids)}

    def mean(text):
        rows = [place[token] for token in text.lower().split() if token in place]
        weighted = [1e-3 / (1e-3 + shares[row]) * vectors[row] for row in rows]
        return np.sum(weighted, axis=0) / len(rows) if rows else np.zeros(vectors.shape[1])

    common = np.linalg.svd([mean(line) for line in topic_lines()], full_matrices=False)[2][0]
    return np.array([mean(text) - mean(text) @ common * common for text in texts])


def test_encode_is_the_mean_of_arora(fitted):
    """Documents are frequency-weighted means less the common direction of all sentences."""
    texts = ["t0w1 t0w2 t0w2", "T1W3", "t0w1 nobody t5w5", "nobody", "", *topic_lines(20, seed=9)]
    np.testing.assert_allclose(fitted.encode(texts).vectors, sif(fitted, texts), atol=2e-6)


def test_encode_counts_what_it_could_not_place(fitted):
    """Unknown words are named once, in order of appearance; empty texts are counted."""
    found = fitted.encode(["zebra t0w1 ape", "", "ape zebra", " ,; ", "yak"])
    assert found.unknown == ("zebra", "ape", "yak")
    assert found.empty == 2
    assert found.truncated == 0
    assert found.placed.tolist() == [True, False, False, False, False]
    assert not found.vectors[1:].any()
    assert len(fitted.encode([])) == 0


def test_encode_does_not_depend_on_the_batch(fitted):
    """A batch is its texts one by one, to the bit; queries are placed as documents are."""
    texts = topic_lines(10, seed=4)
    batch = fitted.encode(texts)
    assert batch.card == fitted.card
    for row, text in zip(batch.vectors, texts, strict=True):
        assert fitted.encode([text]).vectors.tobytes() == row.tobytes()
    for other in (tuple(texts), np.array(texts), (text for text in texts)):
        assert fitted.encode(other).vectors.tobytes() == batch.vectors.tobytes()
    assert fitted.encode(texts, "query").vectors.tobytes() == batch.vectors.tobytes()
    words = fitted.encode(texts, "word")
    for row, text in zip(words.vectors, texts, strict=True):
        assert fitted.encode([text], "word").vectors.tobytes() == row.tobytes()


def test_encode_puts_documents_of_a_topic_together(fitted):
    """The nearest documents of a document are of its topic."""
    lines = topic_lines(120, seed=8)
    documents = Embeddings(range(120), fitted.encode(lines).vectors, fitted.card)
    nearest = [documents.nearest(id=row, k=1).ids[0] for row in range(120)]
    assert np.mean([lines[row][:2] == lines[near][:2] for row, near in enumerate(nearest)]) > 0.95


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ("one text", r"got a single str\. Pass \[text\]"),
        (None, "got a single NoneType"),
        (["a", 7], r"must all be str; got 7 at 1"),
        ([b"a"], r"got b'a' at 0"),
    ],
)
def test_encode_refuses_what_is_no_text(fitted, items, words):
    """A single str, and items that are no str, are refused with what came."""
    with pytest.raises(InputError, match=words):
        fitted.encode(items)


def test_encode_refuses_an_unknown_role_and_an_unfitted_learner(fitted):
    """Roles are those of the card; nothing is encoded before fit."""
    with pytest.raises(InputError, match="role must be one of word, document, query; got 'user'"):
        fitted.encode(["a"], role="user")
    with pytest.raises(NotFittedError):
        Word2Vec().encode(["a"])
    with pytest.raises(NotFittedError):
        _ = Word2Vec().card


def test_word2vec_is_an_encoder(fitted):
    """A fitted Word2Vec can be the encoder of a field."""
    assert isinstance(fitted, Encoder)
    assert fitted.card.roles == ("word", "document", "query")
    assert fitted.card.metric == "cosine"


@given(
    text=st.lists(st.sampled_from(["t0w1", "t0w2", "t3w4", "t5w0", "nobody"]), max_size=8),
    query=st.integers(0, TOPICS * WORDS - 1),
)
@settings(max_examples=50, deadline=None)
def test_word_shares_sum_to_the_cosine(fitted, text, query):
    """What each word gives adds up to the score; one entry a known word, in order."""
    vector = fitted.embeddings_.vectors[query]
    vector = vector / np.linalg.norm(vector)
    shares = fitted.word_shares(" ".join(text), vector)
    assert list(shares) == list(dict.fromkeys(word for word in text if word != "nobody"))
    document = fitted.encode([" ".join(text)]).vectors[0]
    length = np.linalg.norm(document)
    expected = document @ vector / length if length else 0
    assert sum(shares.values()) == pytest.approx(expected, abs=1e-5)


def test_word_shares_refuses_a_query_of_another_width(fitted):
    """The query must be a vector of this space's width."""
    with pytest.raises(InputError, match=r"query must have shape \(n, 24\); got \(1, 23\)"):
        fitted.word_shares("t0w1", np.ones(23, np.float32))


def test_load_gives_back_what_was_saved(fitted, tmp_path):
    """Vectors, counts, card, settings and documents come back to the bit."""
    fitted.save(tmp_path / "words")
    back = Word2Vec.load(tmp_path / "words")
    assert back.card == fitted.card
    assert back.get_params() == fitted.get_params()
    assert back.embeddings_.ids == fitted.embeddings_.ids
    assert back.embeddings_.vectors.tobytes() == fitted.embeddings_.vectors.tobytes()
    assert back.counts_.tolist() == fitted.counts_.tolist()
    assert back.left_out_ == fitted.left_out_
    texts = ["t0w1 zebra", "T2W2 t2w3", ""]
    assert back.encode(texts).vectors.tobytes() == fitted.encode(texts).vectors.tobytes()
    assert back.encode(texts).unknown == ("zebra",)


@pytest.mark.parametrize(
    "given",
    [
        {"learning_rate": (0.05, 0.01)},
        {"learning_rate": (np.float32(0.05), np.float64(0.01))},
        {"learning_rate": np.float32(0.05)},
        {"subwords": Subwords(np.int64(2), np.int32(3), np.int64(100))},
        {"dims": np.int64(8), "seed": np.int32(3), "sample": np.float32(0.01)},
    ],
)
def test_load_gives_back_settings_of_any_type(given, tmp_path):
    """Numbers of NumPy and pairs are saved too, and come back equal."""
    words = small(**given).fit(Corpus.from_lines(["a b c", "b c d"]))
    words.save(tmp_path / "words")
    assert Word2Vec.load(tmp_path / "words").get_params() == words.get_params()


def test_load_keeps_the_tokenizer_and_what_was_left_out(tmp_path):
    """A model of white-space tokens reads documents as it read the corpus."""
    corpus = Corpus.from_lines(["A-b c", "c A-b"] * 3 + ["rare c"], tokenizer="whitespace")
    words = small(min_count=2).fit(corpus)
    words.save(tmp_path / "words")
    back = Word2Vec.load(tmp_path / "words")
    assert back.left_out_ == 1
    assert back.encode(["A-b a"]).unknown == ("a",)


@pytest.mark.parametrize("rule", ["words", "words-3", "whitespace-2"])
def test_load_refuses_words_of_another_rule(fitted, tmp_path, rule):
    """A model of a release that split text otherwise is refused, not read with other words."""
    fitted.save(tmp_path / "words")
    card, told, file = read_model(tmp_path / "words", "word2vec")
    arrays = {name: np.array(array) for name, array in file.arrays.items()}
    write_model(tmp_path / "old", card, {**told, "_tokenizer": rule}, arrays)
    for load in (Word2Vec.load, modelfile.load):
        with pytest.raises(FileFormatError, match=f"split by 'words-2' or .*; it was by '{rule}'"):
            load(tmp_path / "old")
    write_model(tmp_path / "old", card, {**told, "_tokenizer": None}, arrays)
    with pytest.raises(FileFormatError, match="is damaged: it must name the rule"):
        Word2Vec.load(tmp_path / "old")


def test_word2vec_of_another_rule_is_another_space(monkeypatch):
    """The same vectors of the same words mix with none whose text was split otherwise."""
    corpus = Corpus.from_lines(["a b c", "b c d"])
    now = small().fit(corpus).card
    assert small().fit(corpus).card.fingerprint == now.fingerprint
    monkeypatch.setitem(tokenizer._RULES, "words", "words")
    then = small().fit(corpus).card
    assert now.relation_to(then) is Relation.FOREIGN


def test_word2vec_finds_words_in_any_form():
    """Documents, contexts and unseen words are the same composed or not, marks and all."""
    lines = [f"{line} café हिन्दी x{at % 50}" for at, line in enumerate(topic_lines(400))]
    words = small(subwords=Subwords(2, 3, 500)).fit(Corpus.from_lines(lines))
    assert {"caf\xe9", "हिन्दी"} <= set(words.embeddings_.ids)
    for role in ("word", "document"):
        one, other = (words.encode([text], role) for text in ("CAFÉ naïf", "cafe\u0301 nai\u0308f"))
        assert one.vectors.tobytes() == other.vectors.tobytes()
    assert words.encode(["हिन्दी"]).unknown == ()
    one, other = (
        words.place(["n\xe9"], contexts=[[f"t0w1 {form} t0w2"]]) for form in ("n\xe9", "ne\u0301")
    )
    assert one.embeddings.vectors.tobytes() == other.embeddings.vectors.tobytes()


def test_encode_tells_empty_from_unknown(fitted):
    """Empty is a text without words; one of unknown words has no vector either, and names them."""
    found = fitted.encode(["t0w1", "zebra", "", "..."])
    assert (found.empty, found.unknown) == (2, ("zebra",))
    assert found.placed.tolist() == [True, False, False, False]


def test_load_refuses_other_files(fitted, tmp_path):
    """A missing file, and a file of another kind, say so."""
    with pytest.raises(FileNotFoundError):
        Word2Vec.load(tmp_path / "nothing")
    fitted.embeddings_.save(tmp_path / "vectors")
    with pytest.raises(FileFormatError, match="must hold word2vec; it holds embeddings"):
        Word2Vec.load(tmp_path / "vectors")


def grown_lines(seed=1):
    """New text: topic 0 takes in six new words, and w0 of topic 1 moves over to topic 2."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(600):
        row = [f"t0w{word}" for word in rng.integers(0, WORDS, 5)]
        lines.append(" ".join([*row, *(f"new{word}" for word in rng.integers(0, 6, 3))]))
        row = [f"t2w{word}" for word in rng.integers(0, WORDS, 5)]
        lines.append(" ".join([*row[:3], "t1w0", *row[3:]]))
    return lines


@pytest.fixture(scope="module")
def child(topics):
    words = Word2Vec(dims=24, sample=0, negative=5, epochs=8, seed=3, threads=1).fit(topics)
    parent = words.embeddings_
    return parent, words.partial_fit(Corpus.from_lines(grown_lines()))


def test_partial_fit_adds_words_where_they_belong(child):
    """New words lie among those of the topic they came with."""
    _, words = child
    assert set(words.growth_.added) == {f"new{n}" for n in range(6)}
    for id in words.growth_.added:
        near = words.embeddings_.nearest(id=id, k=8).ids
        assert all(name[:2] in {"t0", "ne"} for name in near), near


def test_partial_fit_names_the_word_that_moved_most(child):
    """The word that changed its company is the first named, and lies in its new topic."""
    _, words = child
    assert words.growth_.moved[0][0] == "t1w0"
    near = words.embeddings_.nearest(id="t1w0", k=5).ids
    assert sum(name[:2] == "t2" for name in near) >= 4


def test_partial_fit_makes_an_aligned_child(child):
    """The card names the parent, the generation and the fidelity; the two do not mix."""
    parent, words = child
    assert words.card.parent == parent.card.fingerprint
    assert words.card.generation == 1
    assert words.card.fidelity == words.growth_.fidelity_by_use
    assert words.card.relation_to(parent.card) is Relation.ALIGNED
    with pytest.raises(ForeignSpaceError, match="aligned"):
        words.embeddings_.nearest(vector=parent.subset(["t0w0"]))
    carried = words.carry(parent.subset(["t0w0"]))
    assert words.embeddings_.nearest(vector=carried, k=1).ids[0][:2] == "t0"
    with pytest.raises(InputError, match="Only vectors of the parent"):
        words.carry(words.embeddings_)


def test_partial_fit_keeps_counts_of_both_texts(child, topics):
    """Counts are summed, also of words that only one of the texts has."""
    _, words = child
    both = Corpus.from_lines([*topic_lines(), *grown_lines()])
    expected = dict(zip(both.words, both.counts.tolist(), strict=True))
    found = dict(zip(words.embeddings_.ids, words.counts_.tolist(), strict=True))
    assert found == expected


def test_partial_fit_after_load_equals_partial_fit_before_save(topics, tmp_path):
    """What is saved is all that training goes on from."""
    words = small(epochs=2).fit(topics)
    words.save(tmp_path / "model")
    more = Corpus.from_lines(grown_lines())
    direct, loaded = words.partial_fit(more), Word2Vec.load(tmp_path / "model").partial_fit(more)
    assert direct.card == loaded.card
    np.testing.assert_array_equal(direct.embeddings_.vectors, loaded.embeddings_.vectors)
    loaded.save(tmp_path / "grown")
    assert Word2Vec.load(tmp_path / "grown").growth_ == direct.growth_


def test_partial_fit_refuses_other_shapes(topics):
    """Other dims, or text split otherwise, cannot go on where the first stopped."""
    words = small().fit(topics)
    with pytest.raises(InputError, match="partial_fit must keep dims=8; it is 9"):
        words.set_params(dims=9).partial_fit(topics)
    words.set_params(dims=8)
    split = Corpus.from_lines(topic_lines(), tokenizer="whitespace")
    with pytest.raises(InputError, match="must be split by 'words'"):
        words.partial_fit(split)
    unfitted = small()
    assert len(unfitted.partial_fit(topics).embeddings_) == TOPICS * WORDS
    assert unfitted.growth_ is None


def many_topics(topics=20, words=15, sentences=6000, seed=0):
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, topics, sentences)
    rows = rng.integers(0, words, (sentences, 8))
    pairs = zip(chosen, rows, strict=True)
    return [" ".join(f"t{topic}w{word}" for word in row) for topic, row in pairs]


@pytest.fixture(scope="module")
def placer():
    corpus = Corpus.from_lines(many_topics())
    return Word2Vec(dims=24, sample=0, epochs=8, seed=3, threads=1).fit(corpus)


def test_place_puts_words_where_their_contexts_say(placer, tmp_path):
    """New words in sentences of a topic come to lie in it; a saved model places alike."""
    rng = np.random.default_rng(5)
    names = [f"fresh {topic}" for topic in range(20)]  # of two tokens
    contexts = [
        [" ".join([f"t{topic}w{n}" for n in rng.integers(0, 15, 6)] + [name]) for _ in range(3)]
        for topic, name in enumerate(names)
    ]
    placed = placer.place(names, contexts=contexts)
    assert placed.embeddings.card == placer.card
    right = [
        hit.id.split("w")[0] == f"t{topic}"
        for topic, hits in enumerate(placer.embeddings_.nearest(vector=placed.embeddings, k=5))
        for hit in hits
    ]
    assert np.mean(right) > 0.95
    assert placed.confidence.shape == (20,)
    assert (placed.confidence > 0.5).all()
    placer.save(tmp_path / "model")
    again = Word2Vec.load(tmp_path / "model").place(names, contexts=contexts)
    np.testing.assert_array_equal(again.embeddings.vectors, placed.embeddings.vectors)
    np.testing.assert_array_equal(again.confidence, placed.confidence)


@pytest.mark.parametrize(
    ("words", "contexts", "message"),
    [
        (["fresh"], [], "one sequence of texts for each of the 1 words"),
        (["fresh"], [["t0w0 t0w1"]], "lacks 'fresh'"),
        (["fresh"], [["fresh unknown words"]], "beside 'fresh' must be known"),
        (["fresh"] * 2, [["fresh t0w0"]] * 2, "must differ from each other"),
        ("fresh", [["fresh t0w0"]], "words must be a list of str.*Pass \\[text\\]"),
        (["fresh"], [[3]], r"contexts\[0\] must all be str"),
        (["fresh"], ["fresh t0w0"], r"contexts\[0\] must be a list of str"),
        (["fresh"], "fresh t0w0", "one sequence of texts"),
        (["fresh"], None, "one sequence of texts"),
        (["fresh"], (["t0w0"] for _ in range(2)), "one sequence of texts"),
    ],
)
def test_place_refuses_what_says_nothing(placer, words, contexts, message):
    """Missing texts, texts without the word, and texts without a known word."""
    with pytest.raises(InputError, match=message):
        placer.place(words, contexts=contexts)


def test_place_takes_contexts_from_a_generator(placer):
    """They are read once."""
    texts = ["fresh t0w0 t0w1"]
    placed = placer.place(["fresh"], contexts=(some for some in [iter(texts)]))
    wanted = placer.place(["fresh"], contexts=[texts])
    np.testing.assert_array_equal(placed.embeddings.vectors, wanted.embeddings.vectors)


@pytest.mark.parametrize("given", [np.zeros(24), None, [[1, 2]]])
def test_carry_refuses_what_is_no_embeddings(placer, given):
    """Bare vectors do not say where they come from."""
    with pytest.raises(InputError, match="embeddings must be Embeddings"):
        placer.carry(given)


def cosines(one, other):
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, other))
    return np.einsum("nd,nd->n", one, other)


def test_partial_fit_of_small_texts_moves_no_document_and_keeps_placing(placer, tmp_path):
    """A line, then another: documents stay where they were, place works as before; also loaded."""
    texts, contexts = many_topics(sentences=50, seed=9), [["t3w1 fresh t3w2 t3w5", "fresh t3w4"]]
    before = placer.encode(texts).vectors
    placed = placer.place(["fresh"], contexts=contexts)
    placer.save(tmp_path / "model")
    words = Word2Vec.load(tmp_path / "model")
    for line in ("t0w1 t0w2 t0w3", "t1w1 t5w2"):
        words.partial_fit(Corpus.from_lines([line]))
        words.save(tmp_path / "grown")
        for grown in (words, Word2Vec.load(tmp_path / "grown")):
            assert cosines(grown.encode(texts).vectors, before).min() > 0.99
            again = grown.place(["fresh"], contexts=contexts)
            assert cosines(again.embeddings.vectors, placed.embeddings.vectors)[0] > 0.99
            np.testing.assert_allclose(again.confidence, placed.confidence, atol=0.01)


def test_partial_fit_of_much_text_has_its_say(topics):
    """A text larger by far than the first settles what documents have in common."""
    words = small(dims=16, epochs=3, sample=0).fit(Corpus.from_lines(topic_lines(20, seed=8)))
    lines = [f"t0w1 {line}" for line in topic_lines()]
    words.partial_fit(Corpus.from_lines(lines))
    means = words.encode(lines[:200]).vectors.mean(axis=0)
    alone = words.encode(lines[:200], "word").vectors.mean(axis=0)
    assert np.linalg.norm(means) < 0.3 * np.linalg.norm(alone)


def test_place_needs_words_to_learn_the_map_from(topics):
    """A vocabulary of fewer than a hundred words is refused with the way out."""
    with pytest.raises(InputError, match="100 must have been learned beside others; 72 were"):
        small().fit(topics).place(["x"], contexts=[["x t0w0"]])


@pytest.mark.parametrize(
    "settings",
    [
        {"architecture": "cbow"},
        {"subwords": Subwords(2, 3, 500)},
        {"architecture": "cbow", "subwords": Subwords(2, 3, 500)},
        {"threads": 2},
        {"architecture": "cbow", "threads": 2},
        {"learning_rate": (0.05, 0.01)},
        {"ns_exponent": 0.0},
    ],
)
def test_fit_of_any_kind_puts_words_of_a_topic_together(topics, settings):
    """CBOW, subwords, threads, another schedule, even negatives: the planted topics are found."""
    words = Word2Vec(24, **({"sample": 0, "epochs": 15, "seed": 3, "threads": 1} | settings))
    assert neighbours_of_own_topic(words.fit(topics)) > 0.9


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_subwords_place_unseen_words(architecture, tmp_path):
    """A word never seen lies among those it shares a stem with; a saved model agrees."""
    rng = np.random.default_rng(0)
    stems, ends = ["kalto", "mirux", "zenvo"], ["ing", "ed", "er", "s", "ful", "ness", "ly", "ish"]
    lines = [
        " ".join(stems[topic] + ends[end] for end in rng.integers(0, 7, 8))
        for topic in rng.integers(0, 3, 1500)
    ]
    words = Word2Vec(
        16, sample=0, epochs=8, threads=1, architecture=architecture, subwords=Subwords()
    ).fit(Corpus.from_lines(lines))
    words.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    unseen = [stem + "ish" for stem in stems]
    found = words.encode(unseen, role="word")
    assert found.unknown == ()
    np.testing.assert_array_equal(loaded.encode(unseen, role="word").vectors, found.vectors)
    for stem, hits in zip(stems, words.embeddings_.nearest(vector=found.vectors, k=5), strict=True):
        assert all(id.startswith(stem) for id in hits.ids)
    strange = words.encode(["qqqqqq"], role="word")
    assert strange.unknown == ("qqqqqq",)
    assert not strange.vectors.any()
    shares = words.word_shares(f"{unseen[0]} kaltoing", found.vectors[0] / 3)
    assert list(shares) == [unseen[0], "kaltoing"]
    more = Corpus.from_lines(["kaltoish kaltoest kaltoing"] * 20)
    grown, direct = loaded.partial_fit(more), words.partial_fit(more)
    assert set(grown.growth_.added) == {"kaltoish", "kaltoest"}
    np.testing.assert_array_equal(grown.embeddings_.vectors, direct.embeddings_.vectors)


def test_encode_of_a_word_keeps_its_direction(fitted):
    """As a word it is itself; as a document what documents have in common is taken away."""
    word = fitted.encode(["t0w0"], role="word").vectors[0]
    own = fitted.embeddings_["t0w0"]
    assert word @ own == pytest.approx(np.linalg.norm(word) * np.linalg.norm(own))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "glove"}, "architecture must be one of skipgram, cbow"),
        ({"architecture": np.array(["skipgram", "cbow"])}, "architecture must be one of"),
        ({"subwords": (3, 6)}, "subwords must be Subwords or None"),
        ({"ns_exponent": 2.0}, "ns_exponent must be a number in"),
        ({"learning_rate": (0.1,)}, "a number or a pair"),
        ({"learning_rate": (0.1, 0.2)}, "second learning_rate must be a number in"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number in"),
    ],
)
def test_fit_refuses_architectures_and_rates_that_are_none(topics, settings, message):
    """Each says what must hold."""
    with pytest.raises(InputError, match=message):
        small(**settings).fit(topics)


@pytest.mark.parametrize("sizes", [(0, 3), (4, 3), (3, 6, 0), ("3", 6)])
def test_subwords_refuse_sizes_that_mean_nothing(sizes):
    """Lengths from 1 up, the longest at least the shortest, a bucket at least."""
    with pytest.raises(InputError):
        Subwords(*sizes)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("subwords", [None, Subwords(1, 3, 20)])
def test_fit_of_a_few_words_stays_steady(architecture, subwords):
    """Three words, the widest window and a high rate: vectors stay finite and small."""
    lines = [" ".join(np.random.default_rng(n).choice(["aa", "ab", "ba"], 60)) for n in range(200)]
    words = Word2Vec(
        16, window=50, negative=50, min_count=1, sample=0, learning_rate=0.1,
        architecture=architecture, subwords=subwords, threads=1,
    ).fit(Corpus.from_lines(lines))  # fmt: skip
    assert np.abs(words.embeddings_.vectors).max() < 100
