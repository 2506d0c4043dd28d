"""Laws of reranking: the best of a search, in the order of the model, nothing lost or invented."""

import numpy as np
import pytest

from embedry import Collection, InputError, TextEncoder

WORDS = ["apples", "bears", "cars", "doves", "eels"]


class ByLength:
    """Scores a document by its length, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def score(self, query, documents):
        self.asked.append((query, list(documents)))
        return [len(document) for document in documents]


class Gives:
    """Gives the same scores whatever it is asked."""

    def __init__(self, scores):
        self.scores = scores

    def score(self, query, documents):
        return self.scores


@pytest.fixture
def things(tmp_path):
    with Collection.open(tmp_path / "things") as collection:
        ids = range(80)
        documents = [f"{WORDS[n % 5]} " * (1 + n % 7) for n in ids]
        collection.upsert(ids, documents=documents, metadata=[{"n": n} for n in ids])
        collection.add_field("content", encoder=TextEncoder())
        yield collection


@pytest.mark.parametrize("mode", ["text", "dense", "hybrid"])
def test_rerank_orders_the_best_by_the_model(things, mode):
    """Hits are the best of the search, by the model's scores; ties keep the search's order."""
    model = ByLength()
    plain = things.search("bears", field="content", mode=mode, k=50)
    hits = things.search("bears", field="content", mode=mode, k=5, rerank=model)
    ((query, documents),) = model.asked
    assert query == "bears"
    assert documents == [hit.document for hit in plain]
    wanted = sorted(plain, key=lambda hit: -len(hit.document))[:5]
    assert hits.ids == tuple(hit.id for hit in wanted)
    assert hits.scores == tuple(len(hit.document) for hit in wanted)
    assert all(hit.parts == {"rerank": hit.score} for hit in hits)
    assert hits[0].metadata == {"n": hits[0].id}
    assert hits.plan.method.endswith(" + rerank")
    assert hits.plan.reranked == len(plain)
    assert plain.plan.reranked == 0


def test_rerank_keeps_to_the_filter_and_reads_five_times_as_many(things):
    """What the filter shuts out is not read; large k reads more; k beyond all gives all."""
    model = ByLength()
    hits = things.search("bears", mode="text", where={"n": {"$lt": 40}}, k=3, rerank=model)
    assert all(hit.metadata["n"] < 40 for hit in hits)
    assert all("bears" in document for document in model.asked[0][1])
    things.search("bears cars doves", mode="dense", k=13, rerank=model)
    assert len(model.asked[1][1]) == 65
    assert len(things.search("bears", mode="dense", k=1000, rerank=model)) == 80


def test_rerank_reads_ids_of_items_without_documents(tmp_path):
    """An item without a text is read by its name; a search that finds nothing reads nothing."""
    with Collection.open(tmp_path / "names") as names:
        names.upsert(["a bear", "a car"])
        model = ByLength()
        assert names.search("bear", rerank=model)[0].id == "a bear"
        assert model.asked[0][1] == ["a bear"]
        assert len(names.search("nothing", rerank=Gives([]))) == 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"query": "bears", "rerank": "a model"}, "rerank must have score"),
        ({"id": 1, "field": "content", "rerank": ByLength()}, "rerank needs a query text"),
        ({"query": "bears", "rerank": Gives([1.0])}, "Gives.score must give 16 finite numbers"),
        ({"query": "bears", "rerank": Gives(np.full(16, np.nan))}, "must give 16 finite numbers"),
        ({"query": "bears", "k": 0, "rerank": ByLength()}, "k must be"),
    ],
)
def test_rerank_refuses(things, asked, message):
    """No model, no words to read, or scores that are none: an error that says which."""
    with pytest.raises(InputError, match=message):
        things.search(mode="text" if "query" in asked else "auto", **asked)
