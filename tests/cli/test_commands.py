"""The laws of the commands: what the library answers, as tables and as JSON."""

import json
import re
import shutil

import pytest
from tests.cli.conftest import BOOKS, USES

from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.learn.modelfile import load
from embedry.learn.tags import TagEncoder
from embedry.learn.taste.als import ALS
from embedry.learn.taste.ease import EASE
from embedry.learn.taste.itemknn import ItemKNN
from embedry.learn.taste.popularity import Popularity
from embedry.store.collection import Collection
from embedry.trust.explain import explain
from embedry.use.recommend import Recommender

HITS = {"asked", "hits", "plan", "unknown"}
HIT = {"id", "score", "document", "metadata", "parts", "because", "reason"}


def test_search_json_is_the_librarys_answer(embedry, shelf):
    """JSON holds each hit of Collection.search, whole, under stable keys."""
    done = embedry(
        "search", shelf, "old bicycle", "-k", 3, "--where", '{"year": {"$gte": 1991}}', "--json"
    )
    answer = json.loads(done.out)
    with Collection.open(shelf, must_exist=True) as books:
        found = books.search("old bicycle", k=3, where={"year": {"$gte": 1991}})
    assert set(answer) == HITS
    assert all(set(hit) == HIT for hit in answer["hits"])
    assert [hit["id"] for hit in answer["hits"]] == list(found.ids)
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx(list(found.scores))
    assert answer["hits"][0]["document"] == found[0].document
    assert answer["hits"][0]["metadata"] == dict(found[0].metadata)
    assert answer["plan"]["passed"] == 4


@pytest.mark.parametrize("mode", ["auto", "dense", "text", "hybrid"])
def test_search_modes_and_k(embedry, shelf, mode):
    """Each mode gives what the library gives, at most k, and the table says how."""
    words = ["search", shelf, "old bicycle", "--mode", mode, "-k", 2]
    with Collection.open(shelf, must_exist=True) as books:
        found = books.search("old bicycle", mode=mode, k=2)
    assert [hit["id"] for hit in json.loads(embedry(*words, "--json").out)["hits"]] == [*found.ids]
    shown = embedry(*words).out
    assert all(f"  {id}\n" in re.sub(" +\n", "\n", shown) for id in found.ids)
    assert ("hybrid" if mode == "auto" else mode) in shown


def test_search_near_an_item_whose_id_is_a_number(embedry, shelf):
    """--id 7 is the item 7 where there is no item "7"."""
    done = embedry("search", shelf, "--id", "7", "--field", "content", "--json")
    assert 7 not in [hit["id"] for hit in json.loads(done.out)["hits"]]
    assert json.loads(done.out)["asked"] == "id 7"


def test_search_unicode_goes_in_and_out(embedry, shelf):
    """Letters of any script are found and shown as they are."""
    done = embedry("search", shelf, "東京 café", "-k", 1)
    assert "café/λ" in done.out
    assert "東京" in done.out
    assert (
        json.loads(embedry("search", shelf, "東京", "-k", 1, "--json").out)["hits"][0]["id"]
        == "café/λ"
    )


def test_search_says_what_is_unknown(embedry, shelf):
    """Unknown words, keys that no item has, and finding nothing are said, brackets and all."""
    done = embedry("search", shelf, "zyzzyva", "--mode", "dense", "--where", '{"[/x]": 1}')
    assert done.code == 0
    assert "Nothing was found." in done.out
    assert "unknown words: zyzzyva" in done.out
    assert "no item has: [/x]" in done.out


def test_recommend_json_is_the_librarys_answer(embedry, shelf):
    """JSON holds what Recommender.recommend gives, with the causes."""
    answer = json.loads(embedry("recommend", shelf, "ann", "-k", 2, "--json").out)
    taste = ALS.load(shelf.parent / "taste.embedry-model")
    with Collection.open(shelf, must_exist=True) as books:
        found = Recommender(books, taste=taste, content="content").recommend("ann", k=2)
    assert set(answer) == HITS
    assert [hit["id"] for hit in answer["hits"]] == list(found.ids)
    assert answer["hits"][0]["parts"] == pytest.approx(dict(found[0].parts))
    causes = [(cause["id"], cause["share"]) for cause in answer["hits"][0]["because"]]
    assert [id for id, _ in causes] == [id for id, _ in found[0].because]
    assert answer["hits"][0]["reason"] == found[0].reason != ""


def test_recommend_by_history_and_for_number_users(embedry, shelf):
    """--history may be repeated and names what nobody knows; a user may be a number."""
    done = embedry("recommend", shelf, "--history", "b1", "--history", "7", "--history", "[no]")
    assert done.code == 0
    assert "unknown items: [no]" in done.out
    ids = [hit["id"] for hit in json.loads(embedry("recommend", shelf, 42, "--json").out)["hits"]]
    assert ids
    assert not {7, "b3"} & set(ids)


def test_recommend_with_everything_named(embedry, shelf, tmp_path):
    """--taste, --content and --where are what they say."""
    taste = tmp_path / "elsewhere.model"
    taste.write_bytes((shelf.parent / "taste.embedry-model").read_bytes())
    done = embedry(
        "recommend",
        shelf,
        "ann",
        "--taste",
        taste,
        "--content",
        "content",
        "--where",
        '{"year": 1992}',
    )
    assert done.code == 0
    assert "b3" in done.out
    assert "Nothing is left" in embedry("recommend", shelf, "ann", "--where", '{"year": 1}').out


def test_explain_prints_what_the_library_says(embedry, shelf):
    """The sentences of Explanation, with taste from beside the collection; JSON has its fields."""
    done = embedry("explain", shelf, "b1", "b2")
    taste = ALS.load(shelf.parent / "taste.embedry-model")
    with Collection.open(shelf, must_exist=True) as books:
        found = explain(books, "b1", "b2", taste=taste)
    assert " ".join(done.out.split()) == " ".join(str(found).split())
    answer = json.loads(embedry("explain", shelf, "b1", "7", "--json").out)
    assert set(answer) == {"first", "second", "parts", "shared_words", "used_by"}
    assert (answer["first"], answer["second"]) == ("b1", 7)
    assert [part["field"] for part in answer["parts"]] == ["content", "taste"]


def test_info_of_a_collection(embedry, shelf):
    """It tells items, fields and columns."""
    answer = json.loads(embedry("info", shelf, "--json").out)
    assert set(answer) == {"path", "items", "changes", "megabytes", "fields", "columns"}
    assert answer["items"] == 5
    assert set(answer["fields"]) == {"content", "taste"}
    assert set(answer["fields"]["content"]) == {"space", "vectors", "encoder", "in_graph"}
    assert answer["columns"] == {"year": "int"}
    shown = embedry("info", shelf).out
    assert all(word in shown for word in ("books.embedry", "content", "word2vec", "year (int)"))


def test_info_of_a_model(embedry, shelf):
    """It tells kind, settings and arrays of a file."""
    path = shelf.parent / "words.embedry-model"
    answer = json.loads(embedry("info", path, "--json").out)
    assert answer["kind"] == "word2vec"
    assert answer["dims"] == 12
    assert "word2vec" in embedry("info", path).out


def test_info_of_an_empty_collection(embedry, tmp_path):
    """A collection without items and fields has an info too."""
    Collection.open(tmp_path / "new").close()
    done = embedry("info", tmp_path / "new")
    assert done.code == 0
    assert "none" in done.out


@pytest.fixture
def looks(tmp_path):
    """Return two of the books and a stranger in another space, and their file."""
    embeddings = Embeddings(["b1", "café/λ", "[new]"], [[1, 0], [0.9, 0.1], [0, 1]])
    embeddings.save(tmp_path / "looks.any")
    return embeddings, tmp_path / "looks.any"


@pytest.mark.parametrize(("missing", "counts"), [("skip", (0, 2, 1, 5)), ("create", (1, 2, 0, 6))])
def test_add_field_puts_vectors_into_a_collection(embedry, shelf, tmp_path, looks, missing, counts):
    """Ids are items; the counts are those of Collection.add_field, and it can be searched."""
    embeddings, path = looks
    shutil.copytree(shelf, tmp_path / "mine")
    words = ["add-field", tmp_path / "mine", "looks", path, "--missing", missing]
    facts = json.loads(embedry(*words, "--json").out)
    assert facts["field"] == "looks"
    assert facts["space"] == str(embeddings.card)
    assert tuple(facts[name] for name in ("inserted", "updated", "skipped", "items")) == counts
    found = embedry("search", tmp_path / "mine", "--id", "b1", "--field", "looks", "--json")
    assert json.loads(found.out)["hits"][0]["id"] == "café/λ"


def test_add_field_with_word2vec_places_documents(embedry, shelf, tmp_path):
    """A Word2Vec becomes the encoder of the field, and places what comes later too."""
    shutil.copytree(shelf, tmp_path / "mine")
    words = shelf.parent / "words.embedry-model"
    done = embedry("add-field", tmp_path / "mine", "again", words)
    assert (done.code, done.err) == (0, "")
    assert "Added again to mine" in done.out
    with Collection.open(tmp_path / "mine", must_exist=True) as books:
        assert books.info().fields["again"].encoder
        books.upsert(["late"], documents=["an old bicycle"])
        assert "late" in books.search("bicycle", field="again", mode="dense").ids


def test_add_field_makes_a_collection_of_words(embedry, shelf, tmp_path):
    """With --as-items and --missing create, each word of a Word2Vec is an item of a new one."""
    words = shelf.parent / "words.embedry-model"
    new = tmp_path / "words"
    done = embedry("add-field", new, "near", words, "--as-items", "--missing", "create", "--json")
    facts = json.loads(done.out)
    known = load(words).embeddings_
    assert facts["items"] == facts["inserted"] == len(known)
    found = embedry("search", new, "--id", "dragons", "--field", "near", "-k", 3, "--json")
    ids = [hit["id"] for hit in json.loads(found.out)["hits"]]
    assert ids == list(known.nearest(id="dragons", k=3).ids)


def test_add_field_that_is_refused_leaves_no_collection_behind(embedry, tmp_path):
    """Zero vectors are refused in a cosine field: what was made for them is taken away again."""
    Embeddings(["a", "b"], [[0, 0], [1, 0]]).save(tmp_path / "zeros")
    words = ("add-field", tmp_path / "new", "near", tmp_path / "zeros", "--missing", "create")
    done = embedry(*words)
    assert done.code == 1
    assert "zero" in done.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["search", "{folder}/none", "x"], "no collection"),
        (["search", "{folder}", "x"], "no collection"),
        (["search", "{shelf}"], "exactly one"),
        (["search", "{shelf}", "x", "--id", "b1"], "exactly one"),
        (["search", "{shelf}", "  "], "not empty"),
        (["search", "{shelf}", "x", "-k", "0"], "k must"),
        (["search", "{shelf}", "x", "--mode", "fast"], "mode must"),
        (["search", "{shelf}", "x", "--field", "no"], "content, taste"),
        (["search", "{shelf}", "x", "--field", "taste", "--mode", "dense"], "no encoder"),
        (["search", "{shelf}", "x", "--where", "{{year"], "must be JSON"),
        (["search", "{shelf}", "x", "--where", "[1]"], "JSON object"),
        (["search", "{shelf}", "x", "--where", "null"], "JSON object"),
        (["search", "{shelf}", "x", "--where", '{{"year": {{"$near": 1}}}}'], "near"),
        (["search", "{shelf}", "--id=--5", "--field", "content"], "no item '--5'"),
        (["search", "{shelf}", "--id", "²", "--field", "content"], "no item '²'"),
        (["search", "{shelf}", "--id", "9" * 5000, "--field", "content"], "no item"),
        (["recommend", "{shelf}"], "exactly one"),
        (["recommend", "{shelf}", "nobody"], "nobody"),
        (["recommend", "{shelf}", "--history", "no"], "at least|known"),
        (["recommend", "{shelf}", "ann", "--content", "no"], "field"),
        (["recommend", "{shelf}", "ann", "--taste", "{folder}/none"], "--taste"),
        (["recommend", "{shelf}", "ann", "--taste", "{words}"], "als|kind"),
        (["recommend", "{folder}/none", "ann"], "no collection"),
        (["explain", "{shelf}", "b1", "no"], "no item 'no'"),
        (["explain", "{shelf}", "b1", "b2", "--taste", "{folder}/none"], "none"),
        (["info", "{folder}/none"], "no file"),
        (["add-field", "{folder}/none", "x", "{words}"], "no collection"),
        (["add-field", "{shelf}", "x", "{folder}/none"], "no file"),
        (["add-field", "{shelf}", "x", "{looks}"], "\\[new\\]"),
        (["add-field", "{shelf}", "taste", "{words}"], "already"),
        (["add-field", "{shelf}", " ", "{words}"], "not empty"),
        (["add-field", "{shelf}", "x", "{looks}", "--missing", "all"], "missing must"),
        (["add-field", "{shelf}", "x", "{words}", "--missing", "skip"], "--as-items"),
        (["info", "{folder}"], "no collection"),
        (["info", "{code}"], "."),
    ],
)  # fmt: skip
def test_commands_refuse_with_one_line(embedry, shelf, tmp_path, looks, words, match):
    """What cannot be done ends with 1 and one line on standard error, without a traceback."""
    words_file = shelf.parent / "words.embedry-model"
    places = {"shelf": shelf, "folder": tmp_path, "words": words_file, "code": __file__}
    places["looks"] = looks[1]
    (tmp_path / "something").touch()
    done = embedry(*(word.format(**places) for word in words))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("embedry: ")
    assert done.err.count("\n") == 1
    assert re.search(match, done.err)


def without_vectors(folder):
    """Write models that hold no vectors; return their paths by name."""
    used = Interactions.from_triples(*zip(*USES, strict=True))
    models = {type(one).__name__: one.fit(used) for one in (EASE(), ItemKNN(), Popularity())}
    for name, model in models.items():
        model.save(folder / name)
    return {name: folder / name for name in models}


@pytest.mark.parametrize("name", ["EASE", "ItemKNN", "Popularity"])
def test_models_without_vectors_say_what_they_are_for(embedry, shelf, tmp_path, name):
    """What asks for vectors names the way out in one line."""
    model = without_vectors(tmp_path)[name]
    for words in (("add-field", shelf, "x", model), ("words", "nearest", model, "b1")):
        done = embedry(*words)
        assert (done.code, done.out) == (1, "")
        assert f"{name} has no vectors. Use it with --taste, or fit als" in done.err


def test_tags_say_that_they_keep_no_vectors(embedry, tmp_path):
    """A TagEncoder makes vectors and holds none."""
    TagEncoder().fit([["a", "b"], ["b"]]).save(tmp_path / "tags")
    done = embedry("words", "nearest", tmp_path / "tags", "a")
    assert done.code == 1
    assert "TagEncoder makes vectors and keeps none" in done.err


def parts_of(done):
    """Return the names of the parts of a recommendation in JSON."""
    assert done.err == ""
    return set(json.loads(done.out)["hits"][0]["parts"])


def test_recommend_goes_by_taste_alone_where_nothing_is_content(embedry, tmp_path, shelf):
    """A collection without a field, or with taste's own vectors alone, has no content."""
    taste = shelf.parent / "taste.embedry-model"
    with Collection.open(tmp_path / "bare") as books:
        books.upsert(list(BOOKS))
    words = ("recommend", tmp_path / "bare", "ann", "--taste", taste, "--json")
    assert parts_of(embedry(*words)) == {"taste"}
    with Collection.open(tmp_path / "bare") as books:
        books.add_field("vectors", embeddings=load(taste).item_embeddings_)
    assert parts_of(embedry(*words)) == {"taste"}
    done = embedry(*words, "--content", "vectors")
    assert done.code == 1
    assert "would count twice" in done.err


@pytest.mark.parametrize("name", ["EASE", "ItemKNN", "Popularity"])
def test_recommend_takes_every_learner_of_taste(embedry, tmp_path, shelf, name):
    """Learners without vectors recommend beside content, named or found."""
    words = ("recommend", shelf, "ann", "--taste", without_vectors(tmp_path)[name], "--json")
    assert parts_of(embedry(*words)) == {"taste", "content"}
    assert parts_of(embedry(*words, "--content", "taste")) == {"taste", "content"}


def test_recommend_knows_items_of_taste_alone(embedry, tmp_path, shelf):
    """A number in a history that only taste knows is that number."""
    with Collection.open(tmp_path / "bare") as books:
        books.upsert(["b1", "b2", "b3"])
    taste = shelf.parent / "taste.embedry-model"
    done = embedry("recommend", tmp_path / "bare", "--history", 7, "--taste", taste, "--json")
    answer = json.loads(done.out)
    assert answer["unknown"] == []
    assert answer["hits"][0]["because"][0]["id"] == 7


def test_recommend_with_popularity_weights_and_exclude(embedry, shelf):
    """Options are those of Recommender; an item may be excluded by its number."""
    options = ("--popularity", "--weights", "taste=0.5, content=0.25,popularity=0.25")
    words = ("recommend", shelf, "ann", *options, "--exclude", 7, "--exclude", "b3", "--json")
    answer = json.loads(embedry(*words).out)
    taste = ALS.load(shelf.parent / "taste.embedry-model")
    weights = {"taste": 0.5, "content": 0.25, "popularity": 0.25}
    with Collection.open(shelf, must_exist=True) as books:
        recommender = Recommender(
            books, taste=taste, content="content", popularity=True, weights=weights
        )
        found = recommender.recommend("ann", exclude=[7, "b3"])
    assert [hit["id"] for hit in answer["hits"]] == list(found.ids) == ["café/λ"]
    assert answer["hits"][0]["parts"] == pytest.approx(dict(found[0].parts))


def test_recommend_to_nobody_is_what_is_popular(embedry, shelf):
    """With --popularity and neither a user nor a history, the most used come first."""
    answer = json.loads(embedry("recommend", shelf, "--popularity", "--json").out)
    assert answer["asked"] == "a visitor"
    assert {hit["id"] for hit in answer["hits"][:3]} == {"b2", "b3", 7}
    done = embedry("recommend", shelf, "ann", "--history", "b1", "--popularity")
    assert (done.code, "exactly one" in done.err) == (1, True)


@pytest.mark.parametrize("weights", ["taste", "taste=", "=1", "taste=1,taste=1", "", "taste=x"])
def test_recommend_refuses_weights_that_are_none(embedry, shelf, weights):
    """What is no number for each part, or names one twice, is told with an example."""
    done = embedry("recommend", shelf, "ann", "--weights", weights)
    assert done.code == 1
    assert "such as taste=0.7,content=0.3; got" in done.err


def test_recommend_needs_content_where_several_could_be_it(embedry, tmp_path, shelf):
    """Where several fields have an encoder, the refusal names those to choose from."""
    shutil.copytree(shelf, tmp_path / "mine")
    embedry("add-field", tmp_path / "mine", "again", shelf.parent / "words.embedry-model")
    taste = shelf.parent / "taste.embedry-model"
    words = ("recommend", tmp_path / "mine", "ann", "--taste", taste)
    done = embedry(*words)
    assert done.code == 1
    assert "--content, one of: content, again." in done.err
    assert embedry(*words, "--content", "again").code == 0
