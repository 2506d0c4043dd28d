"""Laws of tags: what items share is how near they are, and rare tags say more."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

import embedry
from embedry import Embeddings, ForeignSpaceError, InputError, NotFittedError, TagEncoder

FILMS = {
    "alien": ["horror", "space", "ship"],
    "solaris": ["space", "drama"],
    "psycho": ["horror", "motel"],
    "köln": ["drama", "concert", "drama"],
}


def test_tags_equal_the_weights_of_scikit_learn():
    """Columns are binary counts times smooth inverse document frequency, rows unit long."""
    encoder = TagEncoder().fit(FILMS.values())
    peer = TfidfVectorizer(analyzer=lambda tags: tags, binary=True)
    expected = peer.fit_transform(FILMS.values()).toarray()
    columns = [peer.vocabulary_[tag] for tag in encoder.tags_]
    np.testing.assert_allclose(encoder.encode(FILMS.values()), expected[:, columns], atol=1e-6)


def test_tags_rare_ones_weigh_more():
    """Of two items that share a tag each with a third, the one that shares the rarer is nearer."""
    many = {f"other{n}": ["common"] for n in range(20)}
    items = {"asked": ["common", "rare"], "a": ["common", "x"], "b": ["rare", "y"], **many}
    space = (
        TagEncoder().fit(items.values()).embeddings({id: items[id] for id in ("asked", "a", "b")})
    )
    assert space.nearest(id="asked", k=2).ids == ("b", "a")


def test_tags_count_what_is_unknown_or_too_rare():
    """Unknown tags are named, items without tags counted, rare tags left out and counted."""
    encoder = TagEncoder(min_count=2).fit(FILMS.values())
    assert encoder.tags_ == ("horror", "space", "drama")
    assert encoder.left_out_ == 3
    encoded = encoder.encode([["motel", "space"], [], ["new"]])
    assert encoded.unknown == ("motel", "new")
    assert encoded.empty == 1
    assert encoded.placed.tolist() == [True, False, False]
    assert encoder.embeddings({"x": ["new"], "y": ["drama"]}).ids == ("y",)


def test_tags_are_kept_in_a_file(tmp_path):
    """A loaded encoder has the same card, and another vocabulary is another space."""
    encoder = TagEncoder(min_count=1).fit(FILMS.values())
    encoder.save(tmp_path / "tags")
    loaded = embedry.load(tmp_path / "tags")
    assert loaded.card == encoder.card
    assert loaded.get_params() == {"min_count": 1}
    np.testing.assert_array_equal(loaded.encode([["space"]]), encoder.encode([["space"]]))
    other = TagEncoder().fit([["horror"]])
    space = encoder.embeddings(FILMS)
    assert isinstance(space, Embeddings)
    with pytest.raises(ForeignSpaceError):
        space.nearest(vector=other.embeddings({"x": ["horror"]}))


@pytest.mark.parametrize(
    ("items", "match"),
    [
        ("horror", "list of lists"),
        (None, "list of lists"),
        (FILMS, "list of lists"),
        (["horror"], "item 0"),
        ([["a"], [1]], "got 1 in item 1"),
        ([[], []], "Some tag must come"),
        ([], "Some tag must come"),
    ],
)
def test_tags_refuse_what_are_none(items, match):
    """Text, numbers and nothing are named."""
    with pytest.raises(InputError, match=match):
        TagEncoder().fit(items)


def test_tags_refuse_before_fit_and_odd_roles():
    """Nothing is encoded before fit, nor for a role that is none."""
    with pytest.raises(NotFittedError):
        TagEncoder().encode([["a"]])
    encoder = TagEncoder().fit([["a"]])
    with pytest.raises(InputError, match="role"):
        encoder.encode([["a"]], role="user")
    with pytest.raises(InputError, match="mapping of id"):
        encoder.embeddings([["a"]])
    with pytest.raises(InputError, match="known tag"):
        encoder.embeddings({"x": ["b"]})
