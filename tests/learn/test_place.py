"""Laws of placing: a planted map is found, and its confidence is the truth."""

import numpy as np
import pytest

from embedry.learn.place import PlacingEvidence, PlacingItems, fit_placing_map


def planted(count=2000, dims=12, seed=0):
    """Targets are a linear map of features, plus noise that falls with the support."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, dims))
    support = rng.integers(1, 200, count)
    true = rng.standard_normal((dims, dims))
    noise = rng.standard_normal((count, dims)) * 6 / np.sqrt(support)[:, None]
    return features, (features @ true + noise).astype(np.float32), support, true


def test_placing_map_finds_a_planted_map():
    """The matrix comes back, but for its length, and items go where it says."""
    features, targets, support, true = planted()
    found = fit_placing_map(features, targets, support)
    scale = np.linalg.norm(true) / np.linalg.norm(found.matrix)
    np.testing.assert_allclose(found.matrix * scale, true, atol=0.3)
    np.testing.assert_allclose(found.vectors(features), features @ found.matrix, atol=1e-5)


def test_placing_confidence_is_the_cosine_reached():
    """What is promised for fresh items is what they reach, within .03, at any support."""
    features, targets, support, _ = planted(count=8000)
    found = fit_placing_map(features[:2000], targets[:2000], support[:2000])
    fresh, wanted, known = features[2000:], targets[2000:], support[2000:]
    guess = fresh @ found.matrix
    cosines = np.einsum("nd,nd->n", guess, wanted)
    cosines /= np.linalg.norm(guess, axis=1) * np.linalg.norm(wanted, axis=1)
    promised = found.confidence(known)
    for lowest, highest in ((1, 10), (10, 50), (50, 200)):
        some = (known >= lowest) & (known < highest)
        assert promised[some].mean() == pytest.approx(cosines[some].mean(), abs=0.03)


def test_placing_confidence_never_falls_with_support():
    """More known, not less to expect; beyond the bins it stays, and 0 is no error."""
    features, targets, support, _ = planted(count=300)
    promised = fit_placing_map(features, targets, support).confidence(np.arange(0, 1000.0))
    assert (np.diff(promised) >= 0).all()
    assert np.isfinite(promised).all()


def test_placing_needs_a_hundred_items():
    """Where nothing can be shown, there is no map."""
    features, targets, support, _ = planted(count=99)
    assert fit_placing_map(features, targets, support) is None


def test_placing_of_featureless_items_is_no_error():
    """Zero features give zero vectors, not NaN."""
    found = fit_placing_map(np.zeros((150, 4)), np.ones((150, 4), np.float32), np.ones(150, int))
    assert not found.vectors(np.zeros((1, 4), np.float32)).any()


def test_placing_evidence_of_two_texts_is_that_of_both():
    """Items that come in two parts give the map that they give at once."""
    features, targets, support, _ = planted(count=600)
    fold = np.arange(600) % 5
    parts = [slice(0, 600), slice(0, 250), slice(250, 600)]
    items = [PlacingItems(features[p], targets[p], support[p], fold[p]) for p in parts]
    none = PlacingEvidence.none(12, 12)
    at_once, grown = none.joined(items[0]), none.joined(items[1]).joined(items[2])
    assert grown.items == at_once.items == 600
    np.testing.assert_allclose(grown.fitted().matrix, at_once.fitted().matrix, atol=1e-4)
    assert grown.reached[:, 0].tolist() == at_once.reached[:, 0].tolist()


def test_placing_evidence_judges_no_map_of_too_few_items():
    """Cosines are measured from the hundredth item on, and promised from twenty of them on."""
    features, targets, support, _ = planted(count=110)
    fold = np.arange(110) % 5
    parts = [slice(0, 95), slice(95, 110)]
    items = [PlacingItems(features[p], targets[p], support[p], fold[p]) for p in parts]
    evidence = PlacingEvidence.none(12, 12).joined(items[0])
    assert evidence.fitted() is None
    assert not evidence.reached.any()
    found = evidence.joined(items[1]).fitted()
    assert found.confidence(support) is None
    more = evidence.joined(items[1]).joined(items[0]).fitted()
    assert more.confidence(support).shape == (110,)
