"""Items in memory: a replay of the log, whoever wrote it and however often it is caught up."""

import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedry.store.disk.log import Log
from embedry.store.memory.items import Items

IDS = st.sampled_from([1, "1", "a", "ünï", -5, ""])
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "catch up"]), st.lists(IDS, unique=True)),
    max_size=25,
)


def write(log, kind, ids):
    with log.write() as writer:
        if kind == "put":
            writer.put_items((id, None, "{}") for id in ids)
        elif kind == "remove":
            writer.remove_items(list(writer.rows(ids).values()))


def caught_up(log, items=None):
    items = items or Items()
    with log.read() as reader:
        items.catch_up(reader)
    return items


def alive(items):
    return [items.ids[position] for position in np.flatnonzero(items.alive)]


@settings(max_examples=50, deadline=None)
@given(steps=STEPS)
def test_items_are_a_replay_of_the_log(steps):
    """Caught up at any moments, they hold what a dict of the same history holds, in its order."""
    expected, long_lived = {}, Items()
    with tempfile.TemporaryDirectory() as folder, closing(Log(Path(folder) / "log")) as log:
        for kind, ids in steps:
            write(log, kind, ids)
            for id in ids if kind == "remove" else []:
                expected.pop(id, None)
            expected |= dict.fromkeys(ids) if kind == "put" else {}
            if kind == "catch up":
                caught_up(log, long_lived)
        for items in (caught_up(log, long_lived), caught_up(log)):
            assert alive(items) == list(expected)
            assert items.count == len(expected)
            assert items.missing([*expected, "never"]) == ["never"]
            assert [items.ids[p] for p in items.positions(expected)] == list(expected)
            assert (np.diff(items.rows) > 0).all()


def test_items_position_stays_while_the_collection_is_open(tmp_path):
    """An item that left and came back has a new position; the others keep theirs."""
    with closing(Log(tmp_path / "log")) as log:
        write(log, "put", ["a", "b", "c"])
        items = caught_up(log)
        before = items.alive
        write(log, "remove", ["b"])
        write(log, "put", ["b"])
        caught_up(log, items)
    assert [items.position(id) for id in "abc"] == [0, 3, 2]
    assert before.tolist() == [True] * 3, "who holds the old mask still sees the old moment"


def test_items_positions_of_rows_leave_out_what_was_never_seen(tmp_path):
    """Rows that came and went between two looks have no position."""
    with closing(Log(tmp_path / "log")) as log:
        write(log, "put", ["a"])
        write(log, "put", ["b"])
        write(log, "remove", ["b"])
        write(log, "put", ["c"])
        items = caught_up(log)
    assert items.ids == ["a", "c"]
    assert items.positions_of_rows([3, 2, 1, 99]).tolist() == [1, 0]
    assert Items().positions_of_rows([1]).tolist() == []
