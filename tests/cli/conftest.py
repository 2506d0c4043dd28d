"""A small library of books on the disk, and ways to call the command line."""

import sys
from types import SimpleNamespace

import pytest

from embedry.cli.main import main
from embedry.data.corpus import Corpus
from embedry.data.interactions import Interactions
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec
from embedry.store.collection import Collection

BOOKS = {
    "b1": "court intrigue with dragons.\nA queen learns whom to trust.",
    "b2": "dragons besiege a court.\nThe queen has an old bicycle.",
    "b3": "how to repair an old bicycle",
    "café/λ": "a bicycle café in 東京 for the queen",
    7: "dragons on a bicycle",
}
USES = [("ann", "b1"), ("ann", "b2"), ("bob", "b2"), ("bob", "b3"), ("eve", 7), (42, 7), (42, "b3")]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Return the folder of a collection with two fields, beside the models it was made with."""
    folder = tmp_path_factory.mktemp("shelf")
    corpus = Corpus.from_lines(list(BOOKS.values()) * 60)
    words = Word2Vec(dims=12, min_count=1, epochs=3, seed=1, threads=1).fit(corpus)
    used = Interactions.from_triples(*zip(*USES, strict=True))
    taste = ALS(dims=3, regularization=0.1, threads=1).fit(used)
    words.save(folder / "words.embedry-model")
    taste.save(folder / "taste.embedry-model")
    with Collection.open(folder / "books.embedry") as books:
        rows = [{"year": 1990 + place} for place in range(len(BOOKS))]
        books.upsert(list(BOOKS), documents=list(BOOKS.values()), metadata=rows)
        books.add_field("content", encoder=words)
        books.add_field("taste", embeddings=taste.item_embeddings_, missing="create")
    return folder / "books.embedry"


@pytest.fixture
def embedry(capsys, monkeypatch):
    """Return a way to run a command in this process: ``embedry("info", path).code``."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["embedry", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return run
