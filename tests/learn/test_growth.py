"""Laws of growth: what moved is measured and named."""

import numpy as np
import pytest

from embedry.learn.growth import Growth, measure_growth


def test_growth_names_what_moved_and_what_is_new():
    """Of a hundred known words one is turned round: it alone moved, by 2."""
    rng = np.random.default_rng(0)
    before = rng.standard_normal((100, 8)).astype(np.float32)
    after = np.concatenate([before, before[:2]])
    after[7] *= -1
    found = measure_growth([f"w{n}" for n in range(102)], before, after, np.full(100, 5))
    assert found.added == ("w100", "w101")
    assert found.moved[0] == ("w7", pytest.approx(2.0))
    assert found.moved[1][1] == pytest.approx(0.0, abs=1e-6)
    assert found.displacement == pytest.approx(0.02)
    assert 0.8 < found.fidelity < 1
    assert "2 new" in str(found)


def test_growth_of_nothing_is_none():
    """The same vectors: no displacement, all neighbours kept."""
    rows = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    found = measure_growth(range(50), rows, rows, np.ones(50, np.int64))
    assert found.fidelity == 1
    assert found.displacement == pytest.approx(0, abs=1e-6)


def test_growth_fidelity_of_fresh_vectors_is_chance():
    """Unrelated vectors keep about k of n neighbours."""
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((2, 400, 16)).astype(np.float32)
    assert measure_growth(range(400), first, second, np.ones(400, np.int64)).fidelity < 0.08


def test_growth_is_that_of_whole_copies(monkeypatch):
    """Distances and kept neighbours in blocks are those of all rows at once."""
    rng = np.random.default_rng(3)
    before = rng.standard_normal((90, 6)).astype(np.float32)
    after = before + rng.standard_normal((90, 6)).astype(np.float32) / 4
    monkeypatch.setattr("embedry.learn.growth._ROWS_AT_ONCE", 7)
    found = measure_growth(range(90), before, after, np.arange(1, 91))
    units_of, near = [], []
    for rows in (before.astype(float), after.astype(float)):
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        units_of.append(units)
        scores = units @ units.T - 3 * np.eye(90)
        near.append(np.argsort(-scores, axis=1)[:, :10])
    moved = 1 - (units_of[0] * units_of[1]).sum(axis=1)
    assert found.displacement == pytest.approx(moved.mean(), abs=1e-6)
    assert [place for place, _ in found.moved] == np.argsort(-moved)[:20].tolist()
    kept = [len(set(were) & set(are)) / 10 for were, are in zip(*near, strict=True)]
    assert found.fidelity == pytest.approx(np.mean(kept))
    uses = np.arange(1, 91)
    assert found.displacement_by_use == pytest.approx(np.average(moved, weights=uses), abs=1e-6)
    assert found.fidelity_by_use == pytest.approx(np.average(kept, weights=uses), abs=0.02)


def test_growth_by_use_sees_what_few_frequent_items_do():
    """Of a hundred items only the most frequent moved: little on average, much by use."""
    rng = np.random.default_rng(4)
    before = rng.standard_normal((100, 8)).astype(np.float32)
    after = before.copy()
    after[0] *= -1
    counts = np.array([900] + [1] * 99)
    found = measure_growth(range(100), before, after, counts)
    assert found.displacement == pytest.approx(0.02)
    assert found.displacement_by_use == pytest.approx(2 * 900 / 999)
    assert found.fidelity > 0.8
    assert found.fidelity_by_use < 0.2


def test_growth_of_a_single_item_compares_nothing():
    """One item has no neighbours to lose."""
    one = np.ones((1, 3), np.float32)
    assert measure_growth(["a"], one, one, np.ones(1, np.int64)).fidelity == 1


def test_growth_is_kept_in_json():
    """What JSON makes of it is read back."""
    found = Growth(("a",), 0.5, 0.6, (("b", 0.25),), 0.75, 0.7)
    assert Growth.from_dict({**vars(found), "moved": [["b", 0.25]], "added": ["a"]}) == found
