"""Laws of ALS: it learns planted tastes, says why, and does what the equations say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.learn.taste.contract import TasteContract

from embedry.card import Relation
from embedry.data.interactions import Interactions
from embedry.errors import FileFormatError, InputError, NotFittedError, UnknownIdError
from embedry.kernels.least_squares import loss
from embedry.learn.taste.als import ALS

GROUPS = 4


def checkerboard(users=40, items=48, seed=0):
    """Users of group g use half of the items of group g, and nothing else."""
    rng = np.random.default_rng(seed)
    pairs = [
        (f"u{user}", f"g{user % GROUPS}i{item}")
        for user in range(users)
        for item in range(items)
        if item % GROUPS == user % GROUPS and rng.random() < 0.5
    ]
    return Interactions.from_triples(*zip(*pairs, strict=True))


def tiny(**changed):
    return ALS(**({"dims": 4, "regularization": 1.0, "threads": 1} | changed))


@pytest.fixture(scope="module")
def used():
    return checkerboard()


@pytest.fixture(scope="module")
def fitted(used):
    return tiny(alpha=5.0, seed=2).fit(used)


def group(user):
    return f"g{int(user[1:]) % GROUPS}"


def test_untuned_settings_learn_a_checkerboard():
    """The defaults find planted groups, and vectors do not collapse, where data is sparse."""
    used = checkerboard(users=400, items=400, seed=1)
    taste = ALS(dims=16, threads=1).fit(used)
    assert np.linalg.norm(taste.user_embeddings_.vectors, axis=1).min() > 0.1
    for user in used.user_ids[:40]:
        assert {item[:2] for item in taste.recommend(user, k=5).ids} == {group(user)}


def dense(used):
    matrix = np.zeros(used.shape)
    rows = np.repeat(np.arange(len(used.user_ids)), np.diff(used.indptr))
    matrix[rows, used.indices] = used.values
    return matrix


def solved(fixed, values, alpha, regularization, scaling=1.0):
    """Equation 4 of Hu, Koren, Volinsky 2008, one row after the other, by a full matrix.

    Lambda of a row grows with its pairs and, each 1 / alpha, with all columns (Rendle 2021).
    """
    weights = (values > 0).sum(axis=1) + values.shape[1] / alpha
    rows = []
    for row, weight in zip(values, weights / weights.mean(), strict=True):
        trust = np.diag(1 + alpha * row)
        strength = regularization * weight**scaling
        system = fixed.T @ trust @ fixed + strength * np.eye(fixed.shape[1])
        rows.append(np.linalg.solve(system, fixed.T @ trust @ (row > 0)))
    return np.array(rows)


@pytest.mark.parametrize("scaling", [0.0, 0.5, 1.0])
def test_fit_converges_to_the_exact_alternation(scaling):
    """At convergence the scores are those of exact alternating solves in float64."""
    rng = np.random.default_rng(4)
    values = rng.integers(1, 5, (9, 7)) * (rng.random((9, 7)) < 0.5)
    values[:, 0] = 1
    settings = {"regularization": 0.5, "frequency_scaling": scaling}
    taste = tiny(dims=2, alpha=2.0, iterations=300, **settings)
    taste.fit(Interactions.from_scipy(sparse.csr_array(values.astype(float))))
    items = np.random.default_rng(0).standard_normal((7, 2))
    for _ in range(300):
        users = solved(items, values, 2.0, 0.5, scaling)
        items = solved(users, values.T, 2.0, 0.5, scaling)
    users = solved(items, values, 2.0, 0.5, scaling)
    found = taste.user_embeddings_.vectors @ taste.item_embeddings_.vectors.T
    np.testing.assert_allclose(found, users @ items.T, atol=2e-3)


def test_users_are_exact_solutions(fitted, used):
    """Users solve equation 4 for the items that were learned."""
    items = fitted.item_embeddings_.vectors.astype(np.float64)
    expected = solved(items, dense(used), 5.0, 1.0)
    np.testing.assert_allclose(fitted.user_embeddings_.vectors, expected, atol=1e-4)


def test_loss_falls_with_iterations(used):
    """Each further round over both sides makes what is minimised smaller."""

    def lost(iterations):
        taste = tiny(iterations=iterations, alpha=5.0).fit(used)
        users, items = taste.user_embeddings_.vectors, taste.item_embeddings_.vectors
        strength = [np.ones(len(side), np.float32) for side in (users, items)]
        return loss(used.indptr, used.indices, 1 + 5 * used.values, users, items, *strength)

    losses = [lost(iterations) for iterations in (1, 2, 4, 8, 16)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("threads", [2, 3, 64])
def test_fit_is_the_same_to_the_bit_on_any_number_of_threads(fitted, used, threads):
    """Threads and runs change no byte; the seed does."""
    other = tiny(alpha=5.0, seed=2, threads=threads).fit(used)
    for name in ("user_embeddings_", "item_embeddings_"):
        one, two = getattr(fitted, name), getattr(other, name)
        assert one.vectors.tobytes() == two.vectors.tobytes()
        assert one.card.fingerprint == two.card.fingerprint
    reseeded = tiny(alpha=5.0, seed=3).fit(used)
    assert reseeded.item_embeddings_.card.fingerprint != one.card.fingerprint


@pytest.mark.parametrize("dims", [1, 3, 17, 100])
def test_fit_takes_any_width(used, dims):
    """Widths that are no multiple of a vector register give finite vectors of that width."""
    taste = tiny(dims=dims, iterations=3).fit(used)
    assert taste.item_embeddings_.vectors.shape == (48, dims)
    assert np.isfinite(taste.user_embeddings_.vectors).all()


def test_users_and_items_share_a_space(fitted):
    """Both sides carry one card: dot products between them are what is meant."""
    users, items = fitted.user_embeddings_.card, fitted.item_embeddings_.card
    assert users.relation_to(items) is Relation.SAME
    assert users.metric == "dot"
    assert users.roles == ("user", "item")
    nearest = fitted.item_embeddings_.nearest(vector=fitted.user("u3"), k=3)
    assert nearest.ids == fitted.recommend("u3", k=3, exclude_seen=False).ids


@pytest.mark.parametrize("changed", [{"alpha": 2.0}, {"regularization": 2.0}])
def test_fingerprint_counts_what_fold_in_uses(used, monkeypatch, changed):
    """The same bytes with another alpha would place a history elsewhere: another space."""
    same = [np.ones((count, 4), np.float32) for count in used.shape]
    monkeypatch.setattr(ALS, "_alternated", lambda *_: same)
    one, other = (tiny(**({"alpha": 1.0} | more)).fit(used) for more in ({}, changed))
    assert one.user_embeddings_.vectors.tobytes() == other.user_embeddings_.vectors.tobytes()
    assert one.item_embeddings_.card.relation_to(other.item_embeddings_.card) is Relation.FOREIGN


@pytest.mark.parametrize("regularization", [0.01, 1.0, 10.0])
def test_user_is_where_their_history_says(used, regularization):
    """A learned user and a stranger with the same history lie in the same place."""
    weighted = Interactions.from_triples(
        [f"u{u}" for u in range(30) for _ in range(5)],
        [(7 * u + 3 * j * j) % 40 for u in range(30) for j in range(5)],
        [1 + (u + j) % 4 for u in range(30) for j in range(5)],
    )
    for data in (used, weighted):
        taste = tiny(regularization=regularization).fit(data)
        for user in data.user_ids[:10]:
            known, folded = taste.user(user), taste.user(history=taste.history(user))
            np.testing.assert_allclose(known.vectors, folded.vectors, atol=1e-4)
            assert known.ids == (user,)
            assert folded.ids == ("history",)
            assert folded.card == known.card


def test_user_moves_with_the_values_of_a_history(fitted):
    """An item of a larger value pulls its own score up."""
    ids = ["g0i0", "g1i1"]
    even, more = fitted.user(history=ids), fitted.user(history={"g0i0": 1, "g1i1": 50})
    item = fitted.item_embeddings_["g1i1"]
    assert float(more.vectors[0] @ item) > float(even.vectors[0] @ item)
    np.testing.assert_array_equal(
        even.vectors, fitted.user(history=dict.fromkeys(ids, 1.0)).vectors
    )


def test_fold_in_belongs_to_the_fit(used):
    """set_params after fit moves no user and no recommendation until the next fit."""
    taste = tiny(alpha=5.0, seed=2).fit(used)
    before = taste.user(history=["g0i0"]).vectors.tobytes()
    taste.set_params(alpha=500.0, regularization=1e-3)
    assert taste.user(history=["g0i0"]).vectors.tobytes() == before


@given(
    history=st.dictionaries(
        st.sampled_from([f"g{i % GROUPS}i{i}" for i in range(24)]),
        st.floats(0.1, 20),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=50, deadline=None)
def test_causes_sum_to_the_score(fitted, history):
    """What the past items give adds up to the score, for each item and in each hit."""
    hits = fitted.recommend(history=history, k=5, exclude_seen=False)
    for hit in hits:
        causes = fitted.causes(hit.id, history=history)
        assert set(causes) == set(history)
        assert list(causes.values()) == sorted(causes.values(), reverse=True)
        assert sum(causes.values()) == pytest.approx(hit.score, abs=1e-5)
        largest = [(id, share) for id, share in list(causes.items())[:3] if share > 0]
        assert [id for id, _ in hit.because] == [id for id, _ in largest]
        assert [x for _, x in hit.because] == pytest.approx([share for _, share in largest])


def test_causes_of_a_learned_user_name_the_own_group(fitted, used):
    """A user's shares sum to the score too; for an item of the own group they are positive."""
    hit = fitted.recommend("u5", k=1)[0]
    causes = fitted.causes(hit.id, "u5")
    assert set(causes) == set(used.history("u5"))
    assert sum(causes.values()) == pytest.approx(hit.score, abs=1e-4)
    assert max(causes.values()) > 0
    assert hit.because[0][0] == next(iter(causes))


def test_directions_sum_to_the_user(fitted):
    """The columns of directions, in the order of the history, are what each item gives."""
    history = {"g2i2": 3.0, "g0i0": 1.0}
    directions = fitted.directions(history)
    assert directions.shape == (4, 2)
    vector = fitted.user(history=history).vectors[0]
    np.testing.assert_allclose(directions.sum(axis=1), vector, atol=1e-6)
    shares = fitted.item_embeddings_["g0i4"] @ directions
    causes = fitted.causes("g0i4", history=history)
    np.testing.assert_allclose(shares, [causes["g2i2"], causes["g0i0"]])


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([], "must hold at least one item"),
        ({}, "must hold at least one item"),
        ("g0i0", r"Wrap a single one: \['g0i0'\]"),
        (["g0i0", "g0i4", "g0i0"], "items of a history must differ.*such as 'g0i0'"),
        ({"g0i0": 0}, "above 0 .*got 0 for 'g0i0'"),
        ({"g0i0": -1.0}, "above 0 .*got -1.0"),
        ({"g0i0": float("nan")}, "above 0 .*got nan"),
        ({"g0i0": float("inf")}, "above 0 .*got inf"),
        ({"g0i0": "much"}, "above 0 .*got 'much'"),
        ({"g0i0": True}, "above 0 .*got True"),
        ([1.5], "An id must be a str or an int"),
    ],
)
def test_history_is_refused_with_the_reason(fitted, history, words):
    """Every door that takes a history refuses the same things in the same words."""
    for door in (
        fitted.user,
        fitted.recommend,
        lambda history: fitted.causes("g0i0", history=history),
    ):
        with pytest.raises(InputError, match=words):
            door(history=history)
    with pytest.raises(InputError, match=words):
        fitted.directions(history)


def test_unknown_ids_are_named(fitted):
    """A user or an item that was not learned is an UnknownIdError with all its ids."""
    with pytest.raises(UnknownIdError, match="2 items of the history were not learned") as caught:
        fitted.recommend(history=["g0i0", "x", "y"])
    assert caught.value.ids == ("x", "y")
    for ask in (fitted.user, fitted.recommend, fitted.history):
        with pytest.raises(UnknownIdError) as caught:
            ask("nobody")
        assert caught.value.ids == ("nobody",)
    with pytest.raises(UnknownIdError):
        fitted.causes("x", "u0")


def test_recommend_wants_a_user_or_a_history(fitted):
    """Neither, both, and a k below 1 are refused."""
    for ask in (fitted.user, fitted.recommend):
        with pytest.raises(InputError, match="exactly one of a user id and history="):
            ask()
        with pytest.raises(InputError, match="exactly one"):
            ask("u0", history=["g0i0"])
    for k in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="k must be"):
            fitted.recommend("u0", k=k)


def test_users_without_a_history_lie_at_zero_and_get_no_recommendation():
    """Empty rows of a SciPy matrix are learned as zeros, and asking for them says why not."""
    matrix = sparse.csr_array(([1.0, 1.0, 1.0], ([0, 0, 2], [0, 3, 3])), shape=(4, 5))
    taste = tiny(dims=3).fit(Interactions.from_scipy(matrix))
    assert taste.history(1) == {}
    assert not taste.user(1).vectors.any()
    assert not taste.item_embeddings_[4].any()
    for ask in (taste.recommend, lambda user: taste.causes(0, user)):
        with pytest.raises(InputError, match=r"must have used something; 1 has not.*history="):
            ask(1)
    assert taste.recommend(2, k=1).ids == (0,)
    assert taste.recommend(np.int64(2), k=1).ids == (0,)


def test_fit_refuses_vectors_that_vanish(used):
    """Too much regularization would leave a space of zeros: it is refused with a lower one."""
    with pytest.raises(InputError, match=r"regularization=5000 on .* Pass a lower one: 500\."):
        tiny(regularization=5000).fit(used)


def test_nothing_is_answered_before_fit():
    """Every question before fit is a NotFittedError."""
    taste = ALS()
    for ask in (taste.user, taste.recommend, taste.history):
        with pytest.raises(NotFittedError):
            ask("u0")
    with pytest.raises(NotFittedError):
        taste.causes("i", "u0")
    with pytest.raises(NotFittedError):
        taste.directions(["i"])


def test_load_gives_back_what_was_saved(fitted, used, tmp_path):
    """Vectors, card, settings, seen items and answers come back to the bit."""
    fitted.save(tmp_path / "taste")
    back = ALS.load(tmp_path / "taste")
    assert back.get_params() == fitted.get_params()
    for name in ("user_embeddings_", "item_embeddings_"):
        one, two = getattr(fitted, name), getattr(back, name)
        assert (one.ids, one.card) == (two.ids, two.card)
        assert one.vectors.tobytes() == two.vectors.tobytes()
    for user in used.user_ids[:5]:
        assert back.history(user) == fitted.history(user)
        assert back.recommend(user) == fitted.recommend(user)
    history = {"g0i0": 2.0, "g1i1": 1.0}
    assert back.recommend(history=history) == fitted.recommend(history=history)
    assert back.causes("g0i4", "u0") == fitted.causes("g0i4", "u0")


def test_load_refuses_other_files(fitted, tmp_path):
    """A missing file, and a file of another kind, say so."""
    with pytest.raises(FileNotFoundError):
        ALS.load(tmp_path / "nothing")
    fitted.item_embeddings_.save(tmp_path / "vectors")
    with pytest.raises(FileFormatError, match="must hold als; it holds embeddings"):
        ALS.load(tmp_path / "vectors")


def test_als_similar_ranks_by_cosine_without_the_item_itself():
    """The order is that of plain cosines; popularity does not count."""
    generator = np.random.default_rng(0)
    pairs = {
        (int(u), int(i)) for u, i in zip(*np.nonzero(generator.random((60, 20)) < 0.3), strict=True)
    }
    used = Interactions.from_triples(*zip(*sorted(pairs), strict=True))
    taste = ALS(dims=8, regularization=1.0, threads=1).fit(used)
    vectors = taste.item_embeddings_.vectors.astype(np.float64)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first = taste.item_embeddings_.ids[0]
    order = np.argsort(-(units @ units[0]), kind="stable")[1:6]
    found = taste.similar(first, k=5)
    assert found.ids == tuple(taste.item_embeddings_.ids[place] for place in order)
    assert np.allclose(found.scores, (units @ units[0])[order], atol=1e-5)
    assert len(taste.similar(first, k=99)) == 19
    with pytest.raises(UnknownIdError, match="not learned"):
        taste.similar("nobody")


def test_als_takes_numpy_scalars_as_settings(tmp_path):
    """Settings out of a NumPy grid work and are saved."""
    used = Interactions.from_triples(["a", "a", "b"], ["x", "y", "x"])
    told = {"dims": np.int64(2), "regularization": np.float32(0.5), "threads": np.int64(1)}
    taste = ALS(**told).fit(used)
    taste.save(tmp_path / "m")
    assert ALS.load(tmp_path / "m").get_params()["dims"] == 2


def test_als_leaves_out_what_nobody_used():
    """A column without a pair is neither recommended nor similar to anything."""
    matrix = sparse.csr_array(np.eye(6, 7) + np.eye(6, 7, -1))
    taste = ALS(dims=3, regularization=0.1, threads=1).fit(Interactions.from_scipy(matrix))
    assert 6 not in taste.recommend(0, k=99).ids
    assert 6 not in taste.similar(0, k=99).ids
    with pytest.raises(InputError, match="Nobody used the item 6"):
        taste.similar(6)


def test_als_keeps_the_counts_of_its_interactions(tmp_path):
    """What was merged and dropped is known after loading, too."""
    used = Interactions.from_triples(["a", "a", "a", "b"], ["x", "x", "y", "x"], [1, 1, 0, 1])
    ALS(dims=2, regularization=0.1, threads=1).fit(used).save(tmp_path / "m")
    found = ALS.load(tmp_path / "m").interactions_
    assert (found.merged, dict(found.dropped)) == (1, {"value of zero": 1})


class TestALS(TasteContract):
    learner = ALS
    small = {"dims": 4, "regularization": 1.0, "threads": 1, "seed": 2}
    refused = {
        "dims": [0, 4097, 2.0, True],
        "iterations": [0, 1.0],
        "seed": [-1, None],
        "regularization": [0, -1, 1e10, "1", None, float("nan")],
        "alpha": [0, float("nan"), 10**400],
        "frequency_scaling": [-0.1, 2.1, None],
        "steps": [0, 1.5],
        "threads": [0, 2.0],
    }
