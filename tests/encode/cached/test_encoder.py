"""Laws of a cache of vectors: the same to the bit, nothing twice, bounded, and never in the way."""

import logging
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedry import CachedEncoder, Card, Collection, Encoded, InputError
from embedry.card import Probes, fingerprint

TEXTS = st.lists(st.text(max_size=6), max_size=12)


class Counting:
    """An encoder that counts what it is asked, cuts long texts, and knows no question marks."""

    dims = 8

    def __init__(self, name="a", *, tells=True):
        self.asked, self.tells = Counter(), tells
        self.card = Card("test", self.dims, "cosine", fingerprint(name), ("document", "query"))

    def encode(self, items, role="document"):
        self.asked.update((role, item) for item in items)
        vectors = np.array([self.vector(item, role) for item in items], np.float32)
        cut = np.array([len(item) > 5 for item in items], bool)
        return Encoded(
            vectors.reshape(len(items), self.dims),
            self.card,
            truncated=int(cut.sum()),
            empty=sum(not item.strip() for item in items),
            unknown=("?",) if any("?" in item for item in items) else (),
            truncated_items=cut if self.tells else None,
        )

    def vector(self, item, role):
        if not item.strip():
            return np.zeros(self.dims)
        text = f"{self.card.fingerprint}{item}".encode("utf-8", "surrogatepass")
        numbers = [len(role), *text]
        return np.random.default_rng(numbers).standard_normal(self.dims)

    def save(self, path):
        """Keep nothing."""


def same(one, other):
    np.testing.assert_array_equal(one.vectors, other.vectors)
    assert one.vectors.dtype == np.float32
    assert (one.truncated, one.empty, one.card) == (other.truncated, other.empty, other.card)


@given(st.lists(TEXTS, max_size=4), st.sampled_from(["document", "query"]))
def test_cached_gives_what_the_encoder_gives(tmp_path_factory, calls, role):
    """Vectors, order and counts are those of the encoder; a text is encoded once."""
    inner = Counting()
    cached = CachedEncoder(inner, path=tmp_path_factory.mktemp("cache") / "vectors")
    for texts in calls:
        same(cached.encode(texts, role=role), Counting().encode(texts, role=role))
    once = {pair: count for pair, count in inner.asked.items() if "?" not in pair[1]}
    assert set(once.values()) <= {1}
    assert cached.hits_ + cached.misses_ == sum(map(len, calls))


def test_cached_keeps_over_processes_and_tells_spaces_apart(tmp_path):
    """Another object finds what one kept; another space, precision or role finds nothing."""
    path = tmp_path / "vectors"
    CachedEncoder(Counting(), path=path).encode(["a", "b"])
    again = Counting()
    CachedEncoder(again, path=path).encode(["b", "a", "c"])
    assert again.asked == {("document", "c"): 1}
    CachedEncoder(again, path=path).encode(["a"], role="query")
    assert again.asked["query", "a"] == 1
    other = Counting("b")
    CachedEncoder(other, path=path).encode(["a"])
    assert other.asked["document", "a"] == 1
    rough = Counting()
    rough.card = replace(rough.card, precision="int8")
    CachedEncoder(rough, path=path).encode(["a"])
    assert rough.asked["document", "a"] == 1


def test_cached_counts_what_was_cut_each_time(tmp_path):
    """A truncated text is found and counted; unknown words, and untold cuts, are encoded again."""
    inner = Counting()
    cached = CachedEncoder(inner, path=tmp_path / "vectors")
    for _ in range(2):
        encoded = cached.encode(["long text", "a", "what?", " "])
        assert (encoded.truncated, encoded.empty, encoded.unknown) == (1, 1, ("?",))
        assert encoded.truncated_items.tolist() == [True, False, False, False]
    assert inner.asked["document", "long text"] == 1
    assert inner.asked["document", "what?"] == 2
    silent = Counting("c", tells=False)
    cached = CachedEncoder(silent, path=tmp_path / "vectors")
    for _ in range(2):
        assert cached.encode(["long text", "a"]).truncated == 1
    assert silent.asked["document", "a"] == 2


def test_cached_is_bounded_and_lets_the_least_used_go(tmp_path, monkeypatch):
    """It never holds much more than it may; what was used last stays."""
    clock = iter(range(10**9, 10**10, 10**5))
    monkeypatch.setattr("embedry.encode.cached.store.time.time", lambda: next(clock))
    inner = Counting()
    cached = CachedEncoder(inner, path=tmp_path / "vectors", most_bytes=2**16)
    rows = 2**16 // (4 * Counting.dims + 96)
    cached.encode(["kept"])
    for number in range(3 * rows // 50):
        cached.encode([f"{number}-{place}" for place in range(50)])
        cached.encode(["kept"])
        assert cached.used_bytes <= 2**16
    assert inner.asked["document", "kept"] == 1
    with closing(sqlite3.connect(tmp_path / "vectors")) as base:
        held = base.execute("SELECT COUNT(*), SUM(LENGTH(vector) + 96) FROM vectors").fetchone()
    assert held[0] > 0.5 * rows
    assert held[1] == cached.used_bytes


def test_cached_clear_forgets_its_own_or_all(tmp_path):
    """Clearing forgets this encoder's vectors, or everybody's, and gives the room back."""
    path = tmp_path / "vectors"
    one, other = (CachedEncoder(Counting(name), path=path) for name in "ab")
    for cached in (one, other):
        cached.encode(["a", "b"])
    whole = one.used_bytes
    one.clear()
    assert one.used_bytes == whole // 2
    other.encode(["a"])
    assert other.hits_ == 1
    other.clear(everything=True)
    assert one.used_bytes == 0
    one.encode(["a"])
    assert one.misses_ == 3


@pytest.mark.parametrize("kept", [100, 5000])
def test_cached_begins_a_damaged_file_anew(tmp_path, caplog, kept):
    """A damaged file costs time, never an answer; it is said."""
    path = tmp_path / "vectors"
    CachedEncoder(Counting(), path=path).encode(["a"])
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"vectors{suffix}").unlink(missing_ok=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept] + (b"" if kept > 100 else b"?" * (len(whole) - kept)))
    cached = CachedEncoder(Counting(), path=path)
    with caplog.at_level(logging.WARNING, "embedry"):
        same(cached.encode(["a"]), Counting().encode(["a"]))
    assert "was damaged, and is begun anew" in caplog.text
    cached.encode(["a"])
    assert cached.hits_ == 1


def test_cached_does_without_where_nothing_can_be_written(tmp_path, caplog):
    """No folder: vectors are made each time, and it is said once."""
    cached = CachedEncoder(Counting(), path=tmp_path / "none" / "vectors")
    with caplog.at_level(logging.WARNING, "embedry"):
        for _ in range(3):
            same(cached.encode(["a"]), Counting().encode(["a"]))
    assert caplog.text.count("Vectors are not cached in") == 1
    assert (cached.hits_, cached.misses_, cached.used_bytes) == (0, 3, 0)


def test_cached_lies_in_the_cache_folder_and_is_private(tmp_path, monkeypatch):
    """Without a path, it is a file of this user alone, in the folder of caches."""
    monkeypatch.setenv("EMBEDRY_CACHE", str(tmp_path / "cache"))
    CachedEncoder(Counting()).encode(["a"])
    path = tmp_path / "cache" / "vectors" / "vectors.sqlite"
    assert path.stat().st_mode & 0o777 == 0o600


def test_cached_serves_threads_at_once(tmp_path):
    """Threads share one, and each gets its own vectors."""
    cached = CachedEncoder(Counting(), path=tmp_path / "vectors")

    def ask(number):
        for turn in range(20):
            texts = [f"{turn}", f"{number}-{turn}"[:5]]
            same(cached.encode(texts), Counting().encode(texts))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, range(6)))
    assert cached.hits_ > 0


def test_cached_survives_a_process_killed_while_it_writes(tmp_path):
    """A process killed at any moment leaves a cache that works."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_encoder import Counting; from embedry import CachedEncoder\n"
        "cached = CachedEncoder(Counting(), path=sys.argv[1])\n"
        "print('go', flush=True)\n"
        "for number in range(10**9): cached.encode([str(number)])\n"
    )
    path = tmp_path / "vectors"
    here = str(__file__).rpartition("/")[0]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), here], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"go\n"
        child.kill()
    cached = CachedEncoder(Counting(), path=path)
    texts = [str(number) for number in range(50)]
    same(cached.encode(texts), Counting().encode(texts))
    same(cached.encode(texts), Counting().encode(texts))
    assert cached.hits_ >= 50


def test_cached_makes_a_field_of_a_collection(tmp_path):
    """A collection takes it as an encoder; the field lies in the space of the inner one."""
    inner = Counting()
    cached = CachedEncoder(inner, path=tmp_path / "vectors")
    with Collection.open(tmp_path / "things") as things:
        things.upsert(["a", "b"], documents=["apes", "bees"])
        things.add_field("content", encoder=cached)
        assert things.info().fields["content"].card == inner.card
        hits = things.search("bees", field="content", mode="dense")
    assert len(hits) == 2
    assert cached.misses_ >= 2


def test_cached_refuses():
    """What is no encoder, no text, or a size out of range is refused."""
    with pytest.raises(InputError, match="must have a card, encode and save; got str"):
        CachedEncoder("all-MiniLM")
    with pytest.raises(InputError, match="most_bytes must be"):
        CachedEncoder(Counting(), most_bytes=10)
    with pytest.raises(InputError, match="list of texts"):
        CachedEncoder(Counting()).encode("text")


def test_cached_says_which_of_many_it_cut(tmp_path):
    """Beyond the texts of one look into the file, which were cut is told for all."""
    texts = [f"{number}" for number in range(4990)] + ["long text"] * 10
    encoded = CachedEncoder(Counting(), path=tmp_path / "vectors").encode(texts)
    assert encoded.truncated_items.tolist() == [False] * 4990 + [True] * 10
    assert encoded.truncated == 10


def test_cached_finds_a_space_that_is_the_same_but_for_rounding(tmp_path):
    """A server that rounds otherwise after a restart is known by its probes; another is not."""
    path, made = tmp_path / "vectors", []
    vectors = np.random.default_rng(0).standard_normal((2, Counting.dims)).astype(np.float32)
    for number, moved in enumerate((0.0, 1e-6, 1e-6, 0.5)):
        inner = Counting()
        noise = np.random.default_rng(number).standard_normal(vectors.shape).astype(np.float32)
        probes = Probes.of(("one", "two"), vectors + np.float32(moved) * noise)
        inner.card = replace(inner.card, fingerprint=fingerprint(str(number)), probes=probes)
        cached = CachedEncoder(inner, path=path)
        cached.encode(["a", "b"])
        made.append(cached.misses_)
    assert made == [2, 0, 0, 2]


def test_cached_touches_no_file_that_is_none_of_its_own(tmp_path):
    """Notes, or another database, given as the path are refused and stay as they are."""
    notes, base = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    notes.write_text("my precious notes\n" * 100)
    with closing(sqlite3.connect(base)) as other:
        other.execute("CREATE TABLE vectors (key)")
        other.commit()
    for path in (notes, base, tmp_path):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(InputError, match="must be that of a cache of vectors, or of nothing"):
            CachedEncoder(Counting(), path=path)
        assert path.is_dir() or path.read_bytes() == before
    with pytest.raises(InputError, match="path must be"):
        CachedEncoder(Counting(), path=3)
