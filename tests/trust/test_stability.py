"""The laws of stability: planted chance is found, the same seed repeats, nothing is lost."""

import numpy as np
import pytest

from embedry.data.corpus import Corpus
from embedry.data.graph import Graph
from embedry.data.interactions import Interactions
from embedry.embeddings import Embeddings
from embedry.errors import InputError, UnknownIdError
from embedry.learn.graph import Node2Vec
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec
from embedry.learn.words.ngrams import Subwords
from embedry.trust.stability import stability

IDS = [f"n{number}" for number in range(40)]


class Planted:
    """A learner of which the first half of the ids does not depend on the seed."""

    def __init__(self, seed=0, noise=1.0, drop=0):
        self.seed, self.noise, self.drop = seed, noise, drop

    def get_params(self):
        return {"seed": self.seed, "noise": self.noise, "drop": self.drop}

    def set_params(self, **settings):
        vars(self).update(settings)
        return self

    def fit(self, data):
        rows = np.zeros((40, 12))
        rows[:20, :6] = data[:20]
        generator = np.random.default_rng(self.seed)
        rows[20:, 6:] = data[20:] + self.noise * generator.normal(size=(20, 6))
        kept = 40 - (self.drop if self.seed else 0)
        self.embeddings_ = Embeddings(IDS[:kept], rows[:kept])
        return self


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(0).normal(size=(40, 6))


@pytest.fixture(scope="module")
def corpus():
    generator = np.random.default_rng(0)
    return Corpus.from_lines(
        [" ".join(f"w{n}" for n in generator.integers(0, 30, 12)) for _ in range(200)]
    )


def small(**settings):
    return Word2Vec(**({"dims": 8, "min_count": 1, "epochs": 1, "threads": 1} | settings))


def test_stability_tells_what_the_seed_decides(data):
    """Ids whose vectors stay keep all neighbours; those that are drawn anew keep few."""
    found = stability(data, Planted(noise=50.0), replicas=4, k=5)
    assert found.per_id[:20].tolist() == [1.0] * 20
    assert found.per_id[20:].max() < 0.8
    assert found.mean == pytest.approx(found.per_id.mean())
    assert [id for id, _ in found.most(3)] == IDS[:3]
    assert {id for id, _ in found.least(20)} == set(IDS[20:])
    assert [share for _, share in found.least(40)] == sorted(found.per_id)


def test_stability_shares_are_counted_one_by_one(data):
    """Of each neighbour, the retrains that find it; of each id, the neighbours that stay."""
    learner = Planted(noise=0.7)
    found = stability(data, learner, replicas=3, k=4, seed=5)
    reference = Planted(noise=0.7).fit(data).embeddings_
    retrains = [Planted(seed=seed, noise=0.7).fit(data).embeddings_ for seed in found.seeds]
    jaccards = []
    for row, id in enumerate(IDS):
        hits = reference.nearest(id=id, k=4)
        others = [set(space.nearest(id=id, k=4).ids) for space in retrains]
        for neighbour, hit in zip(found.of(id), hits, strict=True):
            assert (neighbour.id, neighbour.score) == (hit.id, hit.score)
            assert neighbour.share == pytest.approx(np.mean([hit.id in near for near in others]))
        own = set(hits.ids)
        np.testing.assert_allclose(found.overlaps[row], [len(own & near) / 4 for near in others])
        jaccards += [len(own & near) / len(own | near) for near in others]
    assert found.jaccard == pytest.approx(np.mean(jaccards))
    assert found.each_mean == pytest.approx(tuple(found.overlaps.mean(axis=0)))


def test_stability_of_a_learner_without_chance_is_whole(data):
    """Every neighbour stays in every retrain."""
    found = stability(data, Planted(noise=0.0), replicas=2)
    assert (found.mean, found.jaccard) == (1, 1)
    assert "100.0% of the 10 nearest stay" in str(found)


def test_stability_takes_a_fitted_learner_as_the_reference(data):
    """Its space is looked at, and the learner stays as it was."""
    fitted = Planted(seed=9).fit(data)
    space = fitted.embeddings_
    found = stability(data, fitted, replicas=1)
    assert found.reference is space
    assert fitted.embeddings_ is space
    assert fitted.seed == 9
    unfitted = Planted(seed=9)
    assert stability(data, unfitted, replicas=1).reference.ids == space.ids
    assert not hasattr(unfitted, "embeddings_")


def test_stability_counts_ids_that_retrains_lack(data):
    """They have no share, and the others count without them."""
    found = stability(data, Planted(drop=3), replicas=2, k=5)
    assert found.missing == (3, 3)
    assert np.isnan(found.per_id[37:]).all()
    assert np.isfinite(found.mean)
    assert not {id for id, _ in found.least(40)} & set(IDS[37:])
    assert "ids that retrains lack: 3, 3" in str(found)
    nobody = stability(data, Planted(drop=3), replicas=1, k=5, ids=IDS[38:])
    assert np.isnan(nobody.mean)


def test_stability_of_some_ids_is_that_of_all(data):
    """In the order asked for."""
    whole = stability(data, Planted(), replicas=2)
    some = stability(data, Planted(), replicas=2, ids=["n30", "n2"])
    assert some.ids == ("n30", "n2")
    assert some.of("n30") == whole.of("n30")
    assert some.of("n2") == whole.of("n2")
    with pytest.raises(UnknownIdError, match="was not asked about"):
        some.of("n3")


def test_stability_k_is_at_most_the_others(data):
    """More neighbours than there are gives all, which always stay."""
    found = stability(data, Planted(noise=9.0), replicas=1, k=1000)
    assert found.k == 39
    assert found.mean == 1


def test_stability_seeds_differ_and_repeat(data):
    """From each other and from the learner's; the same seed draws the same."""
    one, two = (stability(data, Planted(seed=3), replicas=5, seed=8) for _ in range(2))
    assert len({*one.seeds, 3}) == 6
    assert one.seeds == two.seeds
    taken = Planted(seed=one.seeds[0])
    assert stability(data, taken, replicas=2, seed=8).seeds == one.seeds[1:3]
    np.testing.assert_array_equal(one.shares, two.shares)
    assert stability(data, Planted(seed=3), replicas=5, seed=9).seeds != one.seeds


def test_stability_of_words_repeats_to_the_byte(corpus):
    """Word2Vec on one thread; all retrains share the vocabulary."""
    learner = small()
    one, two = (stability(corpus, learner, replicas=2, k=5) for _ in range(2))
    np.testing.assert_array_equal(one.shares, two.shares)
    assert one.missing == (0, 0)
    assert 0 < one.mean < 1


def test_stability_of_taste_looks_at_items():
    """ALS has no ``embeddings_``; its items are compared."""
    users, items = np.random.default_rng(0).integers(0, 25, (2, 300))
    used = Interactions.from_triples(users, items)
    found = stability(used, ALS(dims=4, iterations=3, threads=1), replicas=2, k=5)
    assert found.reference.ids == used.item_ids


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"replicas": 0}, InputError, "replicas"),
        ({"k": 0}, InputError, "k must be"),
        ({"seed": -1}, InputError, "seed"),
        ({"ids": []}, InputError, "at least one id"),
        ({"ids": ["n1", "n1"]}, InputError, "differ from each other"),
        ({"ids": ["n1", "gone"]}, UnknownIdError, "'gone'"),
        ({"learner": object()}, InputError, "seed among them"),
        ({"learner": Planted}, InputError, "not its class"),
        ({"learner": Word2Vec}, InputError, r"Pass Word2Vec\(\)"),
    ],
)
def test_stability_refuses_what_cannot_be_asked(data, settings, error, message):
    """Settings out of range, ids that repeat or are not there, and what is no learner."""
    with pytest.raises(error, match=message):
        stability(data, settings.pop("learner", Planted()), **settings)
    with pytest.raises(InputError, match="count"):
        stability(data, Planted(), replicas=1).least(0)


def test_stability_refuses_a_learner_whose_settings_were_changed_since(corpus):
    """The reference would have been learned with others than the retrains; threads change none."""
    learner = small(learning_rate=[0.05, 0.01]).fit(corpus)
    assert stability(corpus, learner.set_params(threads=None), replicas=1).k == 10
    with pytest.raises(InputError, match="dims, window were changed since fit"):
        stability(corpus, learner.set_params(dims=2, window=3), replicas=1)
    assert learner.embeddings_.dims == 8
    users, items = np.random.default_rng(0).integers(0, 25, (2, 300))
    used = Interactions.from_triples(users, items)
    taste = ALS(dims=4, iterations=3, threads=1).fit(used)
    with pytest.raises(InputError, match="alpha was changed since fit"):
        stability(used, taste.set_params(alpha=3.0), replicas=1)


def test_stability_takes_a_loaded_learner(corpus, tmp_path):
    """What a file gave back is as if it had just been fitted."""
    small(learning_rate=(0.05, 0.01), subwords=Subwords(2, 3, 50)).fit(corpus).save(tmp_path / "w")
    assert stability(corpus, Word2Vec.load(tmp_path / "w"), replicas=1).mean > 0
    graph = Graph.from_edges([(n, (n + step) % 20) for n in range(20) for step in (1, 2)])
    node2vec = Node2Vec(dims=4, walks=2, length=5, epochs=1, threads=1, extended=True).fit(graph)
    node2vec.save(tmp_path / "n")
    for learner in (node2vec, Node2Vec.load(tmp_path / "n")):
        assert stability(graph, learner, replicas=1, k=3).mean > 0


def test_stability_refuses_data_that_the_learner_never_saw(corpus):
    """Without an id in common there is nothing to tell, instead of nan."""
    foreign = Corpus.from_lines(["a b c d", "b c d a"] * 20)
    with pytest.raises(InputError, match="none of the 30 ids of the reference"):
        stability(foreign, small().fit(corpus), replicas=1)


def test_stability_refuses_a_learner_that_has_grown(corpus):
    """One fit cannot repeat what fit and partial_fit made."""
    grown = small().fit(corpus).partial_fit(Corpus.from_lines(["w1 w2 new", "new w3"] * 9))
    with pytest.raises(InputError, match="grown by partial_fit"):
        stability(corpus, grown, replicas=1)
