"""Vector sets: exact scans against NumPy, graphs against exact scans, frozen snapshots."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.metrics import as_metric
from embedry.store.indexes import vector_index
from embedry.store.indexes.vector_index import VectorSet, grown, load_graph, save_graph, wants_graph

METRICS = ["cosine", "dot", "euclidean"]
NOBODY = np.empty(0, np.int64)
DIMS = 12


@pytest.fixture
def small(monkeypatch):
    """Let small sets want a graph, and few vectors wait beside it."""
    monkeypatch.setattr(vector_index, "EXACT_BELOW", 1_000)
    monkeypatch.setattr(vector_index, "TAIL_ROWS", 50)


def clustered(n, seed=0, dims=DIMS):
    """Return rows around 20 centres."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((20, dims))
    rows = centres[random.integers(0, 20, n)] + 0.3 * random.standard_normal((n, dims))
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def big():
    """A set with a graph over 1,000 clustered rows: it is frozen, so that all may use it."""
    return grown(made(clustered(1_000)))


def put(vectors, positions, rows, count=None, gone=NOBODY, change=1):
    positions = np.asarray(positions, np.int64)
    count = count or max(len(vectors.slot_of), int(positions.max(initial=-1)) + 1)
    changes = np.full(len(positions), change)
    return vectors.changed(positions, np.float32(rows), changes, np.array(gone, np.int64), count)


def made(rows, metric="cosine"):
    return put(VectorSet.empty(as_metric(metric), rows.shape[1]), np.arange(len(rows)), rows)


def oracle(rows, query, k, metric="cosine", allowed=None):
    """Return positions and scores by the formula in float64; ``rows`` by position, None: none."""
    scored = []
    query = np.float64(query)
    for position, row in rows.items() if isinstance(rows, dict) else enumerate(rows):
        if allowed is not None and not allowed[position]:
            continue
        if metric == "euclidean":
            score = -np.linalg.norm(np.float64(row) - query)
        else:
            score = np.float64(row) @ query
            if metric == "cosine":
                score /= np.linalg.norm(row) * np.linalg.norm(query)
        scored.append((-round(score, 5), position))
    best = sorted(scored)[:k]
    return [position for _, position in best], [-score for score, _ in best]


def assert_exact(found, rows, query, k, metric="cosine", allowed=None):
    positions, scores = oracle(rows, query, k, metric, allowed)
    np.testing.assert_allclose(found.scores, scores, atol=2e-4)
    assert len(found.positions) == len(positions)
    assert sorted(found.positions.tolist()) == sorted(set(found.positions.tolist()))


def prepared(query, metric="cosine"):
    return as_metric(metric).prepare(np.float32(query)[None])[0]


def recall(graph, queries, k, allowed=None):
    """Return the share of the true k nearest that a set with a graph finds."""
    exact = replace(graph, graph=None)
    pairs = [(graph.search(q, k, allowed), exact.search(q, k, allowed)) for q in queries]
    assert all(len(a.positions) == len(b.positions) for a, b in pairs)
    return np.mean([len({*a.positions} & {*b.positions}) / len(b.positions) for a, b in pairs])


# --- exact --------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(0, 40), k=st.integers(1, 50), share=st.floats(0, 1))
def test_exact_scan_equals_the_oracle(metric, seed, n, k, share):
    """With and without a filter: the k best of a sort of all scores; k > n gives n."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((n, 5)).astype(np.float32)
    query = random.standard_normal(5)
    vectors, allowed = made(rows, metric), random.random(n) < share
    found = vectors.search(prepared(query, metric), k)
    assert_exact(found, rows, query, k, metric)
    assert found.method == "exact scan"
    found = vectors.search(prepared(query, metric), k, allowed)
    assert_exact(found, rows, query, k, metric, allowed)
    assert allowed[found.positions].all()


@pytest.mark.parametrize("metric", METRICS)
def test_exact_scan_breaks_ties_by_position(metric):
    """Equal vectors answer in the order of insertion, whichever was written last."""
    rows = np.tile(clustered(1), (30, 1))
    vectors = put(made(rows, metric), [3], rows[:1], change=2)
    assert vectors.search(prepared(rows[0], metric), 7).positions.tolist() == list(range(7))


def test_exact_scan_of_an_empty_set_finds_nothing():
    """Also with a filter and for items without a vector."""
    vectors = put(VectorSet.empty(as_metric("cosine"), 3), [], np.empty((0, 3)), count=4)
    found = vectors.search(prepared([1, 0, 0]), 5, np.ones(4, bool))
    assert (found.positions.tolist(), found.scores.tolist()) == ([], [])


def test_scores_of_items_without_a_vector_are_nan():
    """And the others' are exact."""
    vectors = put(made(np.eye(3)), [], np.empty((0, 3)), count=5, gone=[1])
    scores = vectors.scores_of(prepared([0, 3, 4]), np.array([2, 1, 0, 4]))
    np.testing.assert_allclose(scores, [0.8, np.nan, 0.0, np.nan])


# --- changes ------------------------------------------------------------------------------------

CHANGES = st.lists(
    st.tuples(st.lists(st.integers(0, 7), unique=True), st.lists(st.integers(0, 7), unique=True)),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES, seed=st.integers(0, 99), slack=st.sampled_from([0, 1_000]))
def test_set_after_any_history_equals_a_dict(changes, seed, slack):
    """Updates replace, removals forget, items may come back; compacted or not."""
    random, rows = np.random.default_rng(seed), {}
    vectors = VectorSet.empty(as_metric("cosine"), 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_index, "DEAD_SLOTS", slack)
        for change, (written, removed) in enumerate(changes):
            gone = [position for position in removed if position not in written]
            new = random.standard_normal((len(written), 3))
            vectors = put(vectors, written, new, 8, gone, change)
            rows = {p: row for p, row in rows.items() if p not in gone}
            rows |= dict(zip(written, new, strict=True))
    query = random.standard_normal(3)
    assert len(vectors) == len(rows)
    assert_exact(vectors.search(prepared(query), 8), rows, query, 8)
    assert_exact(vectors.compacted().search(prepared(query), 8), rows, query, 8)


def test_set_does_not_keep_what_was_replaced(monkeypatch):
    """However often an item is written, the memory is bounded by what lives."""
    monkeypatch.setattr(vector_index, "DEAD_SLOTS", 10)
    vectors = made(clustered(5))
    for change in range(200):
        vectors = put(vectors, [change % 5], clustered(1, change), change=change)
    assert len(vectors) == 5
    assert len(vectors.live) <= 5 + 5 + 10 + 1


def frozen(vectors):
    """Return all that a set answers, by value."""
    found = vectors.search(prepared(np.ones(DIMS)), 99)
    return found.positions.tolist(), found.scores.tolist(), vectors.rows.tolist()


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 6)), min_size=1, max_size=12))
def test_set_is_a_frozen_snapshot(steps):
    """Each set answers as when it was made, whatever later sets grew out of it, also two of one."""
    sets = [made(clustered(3))]
    answers = [frozen(sets[0])]
    for seed, count in steps:
        parent = sets[seed % len(sets)]
        positions = np.random.default_rng(seed).permutation(8)[:count]
        sets.append(put(parent, positions, clustered(count, seed), 8, change=seed))
        answers.append(frozen(sets[-1]))
    assert [frozen(vectors) for vectors in sets] == answers


# --- graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_graph_finds_what_an_exact_scan_finds(small, big, metric):
    """On clustered data, recall@10 is at least .9, and every score is exact."""
    rows, queries = clustered(1_000), clustered(40, seed=0)[:40]
    graph = big if metric == "cosine" else grown(made(rows, metric))
    assert graph.search(prepared(queries[0], metric), 10).method == "hnsw"
    assert recall(graph, [prepared(q, metric) for q in queries], 10) >= 0.9
    for query in queries[:5]:
        found = graph.search(prepared(query, metric), 10)
        by_hand = [oracle([rows[p]], query, 1, metric)[1][0] for p in found.positions]
        np.testing.assert_allclose(found.scores, by_hand, atol=2e-4)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_graph_under_a_filter_returns_only_what_passes(small, big, share):
    """As many as asked, all of them allowed, and recall stays at least .9."""
    allowed = np.random.default_rng(1).random(1_000) < share
    queries = [prepared(q) for q in clustered(40)]
    for query in queries:
        assert allowed[big.search(query, 10, allowed).positions].all()
    assert recall(big, queries, 10, allowed) >= 0.9


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, None])
def test_graph_after_updates_and_deletes_returns_only_the_living(small, big, share):
    """What was moved is found where it is now, what went is not found, and recall stays."""
    random, rows = np.random.default_rng(2), clustered(1_000)
    gone, moved = np.split(random.permutation(1_000)[:350], [150])
    rows[moved] = clustered(200, seed=0)
    vectors = put(big, moved, rows[moved], gone=gone, change=2)
    assert vectors.indexed == 1_000
    allowed = None if share is None else random.random(1_000) < share
    passing = np.ones(1_000, bool) if allowed is None else allowed.copy()
    passing[gone] = False
    queries = [prepared(q) for q in clustered(30)]
    for query in queries:
        found = vectors.search(query, 10, allowed)
        assert passing[found.positions].all()
        by_hand = [oracle([rows[p]], query, 1)[1][0] for p in found.positions]
        np.testing.assert_allclose(found.scores, by_hand, atol=2e-4)
    assert recall(vectors, queries, 10, allowed) >= 0.9


def test_graph_that_shows_too_little_is_not_believed(small, big):
    """Where the graph gives fewer than asked, though more pass, the answer is scanned exactly."""
    rows = clustered(1_000)
    far = np.argsort(rows @ rows[0])[:60]  # 6 %, all at the other end
    allowed = np.zeros(1_000, bool)
    allowed[far] = True
    found = big.search(prepared(rows[0]), 55, allowed)
    assert len(found.positions) == 55
    assert allowed[found.positions].all()


def test_graph_scans_what_came_since(small, big):
    """The newest vectors are found beside the graph before it grows."""
    rows = np.concatenate([clustered(1_000), clustered(100, seed=5)])
    vectors = put(big, range(1_000, 1_100), rows[1_000:])
    found = vectors.search(prepared(rows[1_050]), 5)
    assert (found.method, found.positions[0]) == ("hnsw + exact tail", 1_050)
    after = grown(vectors)
    assert (after.indexed, vectors.indexed) == (1_100, 1_000)
    assert after.search(prepared(rows[1_050]), 5).positions[0] == 1_050


def test_graph_is_wanted_only_where_it_helps(small, big):
    """By large sets without one, with much beside it, or mostly dead; never by dot products."""
    rows = clustered(1_000)
    assert wants_graph(made(rows))
    assert not wants_graph(big)
    assert not wants_graph(made(rows, "dot"))
    assert not wants_graph(made(rows[:50]))
    assert wants_graph(put(big, range(1_000, 1_200), rows[:200]))
    assert wants_graph(put(big, [], rows[:0], gone=range(350)))


def test_graph_of_mostly_dead_slots_is_built_anew(small, big):
    """Dead slots leave it, and the answers stay those of an exact scan."""
    rows = clustered(1_000)
    vectors = put(big, [], rows[:0], gone=range(500))
    after = grown(vectors)
    assert (after.indexed, len(after)) == (500, 500)
    query = prepared(rows[700])
    assert after.search(query, 5).positions[0] == 700
    assert recall(after, [prepared(q) for q in rows[500:530]], 10) >= 0.9


def test_dot_is_scanned_and_keeps_the_long_vectors(small):
    """The largest products win, however long the vector."""
    rows = clustered(300)
    rows[7] *= 100
    found = made(rows, "dot").search(rows[7], 3)
    assert (found.method, found.positions[0]) == ("exact scan", 7)
    np.testing.assert_allclose(found.scores, np.sort(rows @ rows[7])[::-1][:3], rtol=1e-5)


# --- the cache ----------------------------------------------------------------------------------


def log_rows(n):
    """Return what the log's rows of positions might be: ascending, with holes."""
    return np.arange(n) * 2 + 1


def test_cached_graph_is_used_where_nothing_changed(small, big, tmp_path):
    """The set that comes back answers as the one that was saved."""
    save_graph(tmp_path / "i" / "graph", "me", big, log_rows(1_000))
    fresh = made(clustered(1_000))
    loaded = load_graph(tmp_path / "i" / "graph", "me", fresh, log_rows(1_000))
    assert loaded.indexed == 1_000
    for query in map(prepared, clustered(20)):
        a, b = big.search(query, 10), loaded.search(query, 10)
        assert (a.positions.tolist(), a.scores.tolist()) == (
            b.positions.tolist(),
            b.scores.tolist(),
        )


def test_cached_graph_serves_a_set_that_moved_on(small, big, tmp_path):
    """Items that went, came or changed since are right; only what is as it was lies in it."""
    rows = np.concatenate([clustered(1_000), clustered(100, seed=5)])
    save_graph(tmp_path / "graph", "me", big, log_rows(1_000))
    # positions of another process: the first 100 items are gone, 100 came, 50 were rewritten
    now = rows[100:].copy()
    now[:50] = clustered(50, seed=9)
    fresh = made(now)
    fresh.change_of[:50] = 2
    fresh.change_of[900:] = 3
    loaded = load_graph(tmp_path / "graph", "me", fresh, log_rows(1_100)[100:])
    assert (loaded.indexed, len(loaded)) == (1_000, 1_000)
    assert int(loaded.live[:1_000].sum()) == 850
    for query in map(prepared, [*now[:5], *now[400:405], *now[950:955]]):
        assert loaded.search(query, 1).positions[0] == fresh.search(query, 1).positions[0]
    assert recall(loaded, [prepared(q) for q in clustered(30)], 10) >= 0.9


@pytest.mark.parametrize("harm", ["missing", "foreign", "truncated", "flipped", "emptied", "other"])
def test_cached_graph_that_is_not_whole_is_ignored(small, big, tmp_path, harm):
    """No cache, one of another collection, half of one, one wrong bit: the set stays as it is."""
    path, rows = tmp_path / "graph", clustered(1_000)
    save_graph(path, "me", big, log_rows(1_000))
    raw = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    elif harm == "flipped":
        path.write_bytes(raw[:-5_000] + bytes([raw[-5_000] ^ 4]) + raw[-4_999:])
    elif harm == "emptied":
        path.write_bytes(b"")
    elif harm == "other":
        path.write_text("something else")
    fresh = made(rows)
    uid = "you" if harm == "foreign" else "me"
    assert load_graph(path, uid, fresh, log_rows(1_000)) is fresh


def test_cached_graph_that_cannot_be_written_is_no_error(small, big, tmp_path):
    """Where the folder is a file, there is no cache."""
    (tmp_path / "indexes").write_text("in the way")
    save_graph(tmp_path / "indexes" / "graph", "me", big, log_rows(1_000))
    assert (tmp_path / "indexes").read_text() == "in the way"
