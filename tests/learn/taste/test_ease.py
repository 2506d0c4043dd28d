"""Laws of EASE: it solves its equation, says why to the last bit, and takes content along."""

import numpy as np
import pytest
from tests.learn.taste.contract import TasteContract, checkerboard

import embedry
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError
from embedry.learn.taste.ease import EASE


class TestEASE(TasteContract):
    learner = EASE
    zero_is_unknown = True
    small = {}  # the default finds a checkerboard too
    refused = {"regularization": [0, -1, 1e10, "1", None, float("nan")], "memory": [0, "1", True]}


@pytest.fixture(scope="module")
def used():
    return checkerboard()


def dense(used):
    matrix = np.zeros(used.shape)
    rows = np.repeat(np.arange(len(used.user_ids)), np.diff(used.indptr))
    matrix[rows, used.indices] = 1
    return matrix


def solved(matrix, regularization, *blocks):
    """Equation 8 of Steck 2019, by NumPy's inverse."""
    gram = matrix.T @ matrix + regularization * np.eye(matrix.shape[1])
    for weight, rows in blocks:
        gram += weight * rows @ rows.T
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("regularization", [0.1, 1, 500])
def test_weights_are_the_closed_form(used, regularization):
    """Weights are those of equation 8, and each column is a ridge regression on the others."""
    taste = EASE(regularization=regularization).fit(used)
    matrix = dense(used)
    np.testing.assert_allclose(taste.weights_, solved(matrix, regularization), atol=1e-6)
    others = np.delete(matrix, 3, axis=1)
    system = others.T @ others + regularization * np.eye(others.shape[1])
    ridge = np.linalg.solve(system, others.T @ matrix[:, 3])
    np.testing.assert_allclose(np.delete(taste.weights_[:, 3], 3), ridge, atol=1e-6)
    assert not np.diag(taste.weights_).any()


def test_scores_are_products_with_the_history(used):
    """Scores are the history times the weights, for a user, many users and a stranger."""
    taste = EASE(regularization=1.0).fit(used)
    expected = dense(used) @ solved(dense(used), 1.0)
    np.testing.assert_allclose(taste.user_scores(used.user_ids), expected, atol=1e-5)
    history = [used.item_ids[3], used.item_ids[7]]
    np.testing.assert_allclose(
        taste.scores(history=history), taste.weights_[[3, 7]].sum(axis=0), atol=1e-6
    )


def test_a_pair_counts_once(used):
    """Values change neither the weights nor the scores."""
    users, items, _ = used.triples()
    valued = Interactions.from_triples(users, items, np.arange(len(users)) % 5 + 1)
    one, two = (EASE(regularization=1.0).fit(data) for data in (used, valued))
    assert one.weights_.tobytes() == two.weights_.tobytes()
    ids = used.item_ids[:3]
    assert (one.scores(history=ids) == one.scores(history=dict.fromkeys(ids, 7.0))).all()


def content_of(used, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "genre": Embeddings(used.item_ids[:40], rng.random((40, 3)) + 0.1),
        "plot": Embeddings(["elsewhere", *used.item_ids[5:]], rng.random((44, 6)) + 0.1),
    }


def aligned(space, used):
    rows = np.zeros((len(used.item_ids), space.dims))
    for place, id in enumerate(used.item_ids):
        if id in space:
            rows[place] = space[id] / np.linalg.norm(space[id])
    return rows


def test_content_joins_the_gram_matrix(used):
    """Products of unit rows of content, weighed, are added; items without any are counted."""
    content = content_of(used)
    taste = EASE(regularization=2.0).fit(used, content=content, weights={"plot": 5.0})
    blocks = [(1.0, aligned(content["genre"], used)), (5.0, aligned(content["plot"], used))]
    np.testing.assert_allclose(taste.weights_, solved(dense(used), 2.0, *blocks), atol=1e-6)
    assert taste.content_missing_ == {"genre": 8, "plot": 5}
    assert EASE(regularization=2.0).fit(used).content_missing_ == {}
    one = EASE(regularization=2.0).fit(used, content=content["genre"], weights={"content": 2})
    assert one.content_missing_ == {"content": 8}


def test_content_supports_an_item_of_few_users():
    """An item of one user is recommended with those of its kind, which it is not without."""
    pairs = [(f"u{u}", f"i{i}") for u in range(20) for i in range(6) if (u + i) % 2 == 0]
    used = Interactions.from_triples(*zip(*[*pairs, ("u1", "rare")], strict=True))
    kind = {id: [1.0, 0] if id in {"i0", "i2", "i4", "rare"} else [0, 1.0] for id in used.item_ids}
    content = Embeddings(list(kind), list(kind.values()))
    alone = EASE(regularization=1.0).fit(used)
    helped = EASE(regularization=1.0).fit(used, content=content, weights={"content": 5.0})
    place = used.item_ids.index("rare")
    history = ["i0", "i2"]
    assert helped.scores(history=history)[place] > 0
    assert helped.scores(history=history)[place] > alone.scores(history=history)[place]


def test_content_is_of_one_fit(used, tmp_path):
    """A file remembers which spaces there were; going on without them is refused."""
    content = content_of(used)
    taste = EASE(regularization=2.0).fit(used, content=content)
    taste.save(tmp_path / "m")
    back = embedry.load(tmp_path / "m")
    assert back.content_missing_ == taste.content_missing_
    more = Interactions.from_triples(["new"], ["i"])
    for learner in (taste, back):
        with pytest.raises(InputError, match=r"that fit had, \['genre', 'plot'\]; got \[\]"):
            learner.partial_fit(more)
    back.partial_fit(more, content=content)
    joined = used.joined(more)
    again = EASE(regularization=2.0).fit(joined, content=content)
    assert back.weights_.tobytes() == again.weights_.tobytes()
    assert back.content_missing_ == {"genre": 9, "plot": 6}
    taste.fit(used)
    assert taste.content_missing_ == {}
    assert taste.partial_fit(more).weights_.shape == (49, 49)


def test_weights_of_content_stay_for_partial_fit(used, tmp_path):
    """Going on counts content as fit did, also from a file; what is passed anew counts anew."""
    content, weights = content_of(used), {"genre": 40.0, "plot": 0.25}
    taste = EASE(regularization=2.0).fit(used, content=content, weights=weights)
    assert taste.content_weights_ == weights
    taste.save(tmp_path / "m")
    more = Interactions.from_triples(["new"], ["i"])
    joined = used.joined(more)
    for learner in (taste, embedry.load(tmp_path / "m")):
        again = EASE(regularization=2.0).fit(joined, content=content, weights=weights)
        learner.partial_fit(more, content=content)
        assert learner.weights_.tobytes() == again.weights_.tobytes()
        learner.partial_fit(used, content=content, weights={"plot": 3.0})
        assert learner.content_weights_ == {"genre": 40.0, "plot": 3.0}
        with pytest.raises(InputError, match=r"weights\['plot'\] must be"):
            learner.partial_fit(used, content=content, weights={"plot": -1})
        assert learner.content_weights_ == {"genre": 40.0, "plot": 3.0}
    assert EASE(regularization=2.0).fit(used, content=content).content_weights_ == {
        "genre": 1.0,
        "plot": 1.0,
    }
    assert taste.fit(used).content_weights_ == {}


def test_content_that_is_none_is_refused(used):
    """Anything but Embeddings by name, a weight of no space or without content: what to pass."""
    taste = EASE(regularization=1.0).fit(used)
    before = taste.weights_
    for wrong in (3, {}, {"genre": np.eye(3)}, "genre"):
        with pytest.raises(InputError, match="content must be Embeddings"):
            taste.fit(used, content=wrong)
    with pytest.raises(InputError, match="weights must be of spaces"):
        taste.fit(used, content=content_of(used), weights={"genres": 1})
    with pytest.raises(InputError, match="weights must be of spaces of content; got no content"):
        taste.fit(used, weights={"genre": 1})
    with pytest.raises(InputError, match=r"weights\['genre'\] must be a number"):
        taste.fit(used, content=content_of(used), weights={"genre": float("nan")})
    assert taste.weights_ is before
    assert "_content" not in vars(taste)


def test_too_many_items_are_refused_before_anything_is_allocated(monkeypatch):
    """The message says what is needed, what is there, how many items fit, and what else fits."""
    many = Interactions.from_triples(["u"] * 3000, range(3000))
    monkeypatch.setattr(EASE, "_gram", lambda *_: pytest.fail("allocated"))
    with pytest.raises(InputError, match=r"3,000 items .*0\.126 GB, .*0\.01 GB\. .*845 items.*ALS"):
        EASE(memory=1e7).fit(many)


def test_similar_is_the_partial_correlation(used):
    """Similarity is symmetric, in [-1, 1], and that of the inverse covariance."""
    taste = EASE(regularization=2.0).fit(used)
    matrix = dense(used)
    inverse = np.linalg.inv(matrix.T @ matrix + 2 * np.eye(48))
    scale = np.sqrt(np.diag(inverse))
    expected = -inverse / np.outer(scale, scale)
    for hit in taste.similar(used.item_ids[4], k=99):
        place = used.item_ids.index(hit.id)
        assert hit.score == pytest.approx(expected[4, place], abs=1e-5)
