"""The log: one file, all or nothing, and errors that say what to do."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from embedry.card import Card
from embedry.errors import CollectionError, FileFormatError, InputError
from embedry.store.disk import log as log_module
from embedry.store.disk.log import Log


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path / "log.sqlite3")
    yield made
    made.close()


def put(log, *items):
    with log.write() as writer:
        writer.put_items((id, document, "{}") for id, document in items)
        return writer.rows([id for id, _ in items])


def seen(log, after=-1):
    with log.read() as reader:
        return reader.change, reader.texts(after), reader.removed(after)


def test_log_keeps_ids_of_two_types_apart(log):
    """1 and "1" are two ids, and every int64 and every text comes back as it went in."""
    ids = [1, "1", 2**63 - 1, -(2**63), "ünï", "東京", "a'b", "", "nul\0in"]
    put(log, *((id, None) for id in ids))
    assert [id for _, id, _ in seen(log)[1]] == ids


def test_log_write_is_all_or_nothing(log):
    """A block that raises leaves no row and no change number."""
    put(log, ("a", "one"))

    def half(writer):
        writer.put_items([("b", None, "{}")])
        raise KeyError("b")

    with pytest.raises(KeyError), log.write() as writer:
        half(writer)
    assert seen(log)[:2] == (1, [(1, "a", "one")])
    put(log, ("c", None))
    assert seen(log)[0] == 2


def test_log_write_of_nothing_is_no_change(log):
    """A transaction that wrote nothing gets no change number."""
    with log.write() as writer:
        writer.remove_items([])
    assert seen(log)[0] == 0


def test_log_never_uses_a_row_again(log):
    """Rows ascend in the order of insertion, also after the last one was removed."""
    rows = put(log, ("a", None), ("b", None))
    with log.write() as writer:
        writer.remove_items([rows["b"]])
    again = put(log, ("b", None), ("c", None))
    assert rows["a"] < rows["b"] < again["b"] < again["c"]
    assert seen(log, after=1)[2] == [rows["b"]]


def test_log_replacing_an_item_keeps_its_row(log):
    """An item written again keeps its place and is reported as written by the later change."""
    rows = put(log, ("a", "one"), ("b", None))
    assert put(log, ("a", "two")) == {"a": rows["a"]}
    assert seen(log, after=1)[1] == [(rows["a"], "a", "two")]


def test_log_looks_up_more_ids_than_sqlite_takes_at_once(log):
    """Thousands of ids are found in parts."""
    rows = put(log, *((n, None) for n in range(2_345)))
    assert list(rows) == list(range(2_345))
    assert len(log.items([*rows.values(), 99_999])) == 2_345


def test_log_read_is_of_one_moment(log, tmp_path):
    """What another connection commits during a read is seen by the next one."""
    other = Log(tmp_path / "log.sqlite3")
    with log.read() as reader:
        assert reader.change == 0
        put(other, ("a", None))
        assert (reader.change, reader.ids(-1)) == (0, [])
    assert seen(log)[0] == 1
    other.close()


def test_log_version_changes_with_each_commit_of_anyone(log, tmp_path):
    """Its version equals that of the last read exactly while nothing was committed since."""
    other = Log(tmp_path / "log.sqlite3")
    for writer in (log, other):
        with log.read() as reader:
            version = reader.version
        assert log.version == version
        put(writer, ("a", None))
        assert log.version != version
    other.close()


def test_log_gives_vectors_and_says_which_went(log):
    """Vectors come by ascending row with their change; one taken away is named until rewritten."""
    rows = put(log, ("a", None), ("b", None))
    with log.write() as writer:
        field = writer.put_field("f", Card.declared(2), None)
        writer.put_vectors(field, [rows["b"], rows["a"]], np.float32([[1, 2], [3, 4]]))
    with log.write() as writer:
        writer.remove_vectors(field, [rows["a"]])
    with log.read() as reader:
        found = reader.vectors(reader.fields()[0], -1)
    assert found.rows.tolist() == [rows["b"]]
    assert found.changes.tolist() == [2]
    assert found.vectors.tolist() == [[1, 2]]
    assert found.removed == [rows["a"]]


def test_log_removes_the_vectors_of_removed_items(log):
    """An item that goes takes its vectors of every field along."""
    rows = put(log, ("a", None), ("b", None))
    with log.write() as writer:
        for name in ("f", "g"):
            field = writer.put_field(name, Card.declared(1), None)
            writer.put_vectors(field, list(rows.values()), np.float32([[1], [2]]))
        writer.remove_items([rows["a"]])
    with log.read() as reader:
        left = [reader.vectors(field, -1) for field in reader.fields()]
    assert [found.vectors.tolist() for found in left] == [[[2]], [[2]]]
    assert not left[0].removed


def test_log_refuses_a_second_field_of_a_name(log):
    """Two fields of one name are an error of the caller, not of the file."""
    with log.write() as writer:
        writer.put_field("f", Card.declared(2), None)
    with pytest.raises(InputError, match="field 'f' already"), log.write() as writer:
        writer.put_field("f", Card.declared(3), None)


def test_log_keeps_what_calibrates_a_field(log):
    """The background is stored as it was given, the card and encoder beside it."""
    card, background = Card.declared(2), {"item": {"low": -1.0, "high": 0.1, "items": 3}}
    with log.write() as writer:
        writer.put_background(writer.put_field("f", card, {"kind": "x"}), background)
    with log.read() as reader:
        (row,) = reader.fields()
    assert (row.name, row.card, row.encoder, row.background) == (
        "f",
        card,
        {"kind": "x"},
        background,
    )


@pytest.mark.parametrize(("durability", "level"), [("commit", 2), ("os", 1)])
def test_log_durability_sets_how_sqlite_syncs(tmp_path, durability, level):
    """FULL syncs each commit; NORMAL leaves that to the operating system."""
    log = Log(tmp_path / "log.sqlite3", durability)
    assert log._writer.execute("PRAGMA synchronous").fetchone() == (level,)
    assert log._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    log.close()


def test_log_refuses_an_unknown_durability(tmp_path):
    """And makes no file."""
    with pytest.raises(InputError, match="'commit' or 'os'; got 'never'"):
        Log(tmp_path / "log.sqlite3", "never")
    assert not list(tmp_path.iterdir())


def test_log_refuses_a_newer_format(log):
    """The message names both formats."""
    with log.write():
        log._writer.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(FileFormatError, match="format 99; this Embedry reads format 1"):
        Log(log.path)


def test_log_refuses_a_file_that_lacks_its_marks(log):
    """A log without its format is damaged."""
    with log.write():
        log._writer.execute("DELETE FROM meta WHERE key = 'format'")
    with pytest.raises(FileFormatError, match=r"damaged: format is missing\. Restore"):
        Log(log.path)


def test_log_refuses_what_is_not_sqlite(tmp_path):
    """A file of something else is left as it is."""
    path = tmp_path / "log.sqlite3"
    path.write_text("a shopping list, long enough to be read as a header of a database" * 20)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="damaged or not a collection") as caught:
        Log(path)
    assert caught.value.path == str(path)
    assert path.read_bytes() == before


def test_log_refuses_another_sqlite_file(tmp_path):
    """A database of somebody else gets no tables of ours."""
    path = tmp_path / "log.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(FileFormatError, match="another SQLite file"):
        Log(path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    other.close()


def test_log_says_that_overwritten_pages_are_damage(log):
    """Pages of zeros are told as damage, by the opening or by the read that meets them."""
    put(log, *((n, "x" * 100) for n in range(500)))
    log.close()
    raw = bytearray(log.path.read_bytes())
    raw[4096:] = bytes(len(raw) - 4096)
    log.path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="damaged"), closing(Log(log.path)) as damaged:
        seen(damaged)


def test_log_says_that_a_vector_of_the_wrong_length_is_damage(log):
    """A blob that is not dims numbers is not read as vectors."""
    rows = put(log, ("a", None))
    with log.write() as writer:
        field = writer.put_field("f", Card.declared(2), None)
        writer.put_vectors(field, [rows["a"]], np.float32([[1, 2, 3]]))
    with log.read() as reader, pytest.raises(FileFormatError, match="'f' has the wrong length"):
        reader.vectors(reader.fields()[0], -1)


def test_log_says_that_it_is_closed(log):
    """Whoever still uses it hears that it was closed, not that the file is damaged."""
    log.close()
    with pytest.raises(CollectionError, match="was closed while it was in use"):
        log.items([1])
    with pytest.raises(CollectionError, match="was closed"):
        put(log, ("a", None))


def test_log_says_that_another_writes(log, monkeypatch):
    """Who waits too long for the other writer hears it, and can write when that one is done."""
    monkeypatch.setattr(log_module, "_SECONDS_TO_WAIT", 0.05)
    impatient = Log(log.path)
    with log.write() as writer:
        writer.put_items([("a", None, "{}")])
        with pytest.raises(CollectionError, match="another process is writing"):
            put(impatient, ("b", None))
    put(impatient, ("b", None))
    assert seen(log)[0] == 2
    impatient.close()


def test_log_is_made_once_by_many_at_once(tmp_path):
    """All who open a new log at the same moment open the same one."""
    barrier = threading.Barrier(4)

    def uid(path):
        barrier.wait()
        with closing(Log(path)) as log:
            return log.uid

    with ThreadPoolExecutor(4) as pool:
        for trial in range(10):
            path = tmp_path / f"{trial}.sqlite3"
            assert len(set(pool.map(uid, [path] * 4))) == 1


def test_log_is_made_while_another_still_looks_at_the_file(tmp_path):
    """SQLite does not wait by itself when the mode of a new file is chosen: the log does."""
    path = tmp_path / "log.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA user_version = 1")
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        release = threading.Timer(0.1, other.execute, ["COMMIT"])
        release.start()
        with closing(Log(path)) as log:
            assert log._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        release.join()


def test_log_that_cannot_write_ahead_says_so(tmp_path, monkeypatch):
    """Where somebody keeps the new file in use, or the disk does not allow it."""
    monkeypatch.setattr(log_module, "_SECONDS_TO_WAIT", 0.05)
    path = tmp_path / "log.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA user_version = 1")
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        with pytest.raises(CollectionError, match=r"write ahead .* or try again"):
            Log(path)
