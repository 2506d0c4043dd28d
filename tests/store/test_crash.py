"""Processes: what was acknowledged survives a kill, and two writers lose nothing of each other."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import embedry as em

# Each item can be told from its number: document, metadata and vector.
ITEM = """
def item(n):
    angle = n * 0.37
    return f"item number{n}", {"n": n}, [math.cos(angle), math.sin(angle)]
"""
WRITER = (
    """
import itertools, math, sys
import embedry as em
"""
    + ITEM
    + """
path, name, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with em.Collection.open(path) as collection:
    for start in range(first, last, 3):
        ns = range(start, start + 3)
        documents, metadata, vectors = zip(*map(item, ns))
        collection.upsert([f"{name}{n}" for n in ns], documents, metadata, {"free": vectors})
        print(start, flush=True)
"""
)


def start(path, name, first, last):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def assert_whole(collection, name, numbers):
    """Every item of the numbers is there with its document, metadata and vector."""
    items = collection.get([f"{name}{n}" for n in numbers])
    assert [item.metadata["n"] for item in items] == list(numbers)
    assert [item.document for item in items] == [f"item number{n}" for n in numbers]
    field = collection.field("free").vectors
    positions = collection.mirror.items.positions(item.id for item in items)
    angles = 0.37 * np.array(list(numbers))
    expected = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(field.vectors_of(positions), expected, atol=1e-6)


def assert_answers(collection, name, n):
    """The searches find an item by its words, its vector and its metadata."""
    vector = [np.cos(0.37 * n), np.sin(0.37 * n)]
    assert collection.search(f"number{n}", mode="text", k=1)[0].id == f"{name}{n}"
    hits = collection.search(vector=vector, where={"n": n})
    assert f"{name}{n}" in hits.ids
    assert hits[0].score == pytest.approx(1)


def test_kill_loses_no_acknowledged_upsert(tmp_path):
    """Killed again and again: all that was acknowledged is there, and nothing is half there."""
    path, random, first = tmp_path / "c", np.random.default_rng(), 0
    with em.Collection.open(path) as collection:
        collection.add_field("free", dims=2)
    for _ in range(4):
        child = start(path, "k", first, 10**9)
        acknowledged = [int(child.stdout.readline())]
        killer = threading.Timer(random.uniform(0, 0.15), child.send_signal, [signal.SIGKILL])
        killer.start()
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
        assert child.wait(30) == -signal.SIGKILL
        child.stdout.close()
        killer.join()
        last = acknowledged[-1] + 3
        assert acknowledged == list(range(first, last, 3))
        with em.Collection.open(path, must_exist=True) as collection:
            assert len(collection) in {last, last + 3}, "all of a batch or nothing of it"
            first = len(collection)
            assert_whole(collection, "k", range(first))
            assert_answers(collection, "k", last - 1)
            assert collection.upsert(["after"], ["the kill"]).inserted == 1
            collection.delete(["after"])


def test_two_processes_write_and_none_is_lost(tmp_path):
    """They wait for each other; a third that has it open sees all in its next search."""
    path = tmp_path / "c"
    with em.Collection.open(path) as onlooker:
        onlooker.add_field("free", dims=2)
        assert len(onlooker.search("number1")) == 0
        children = [start(path, name, 0, 90) for name in ("x", "y")]
        for child in children:
            assert child.wait(60) == 0
            child.stdout.close()
        assert len(onlooker) == 180
        for name in ("x", "y"):
            assert_whole(onlooker, name, range(90))
        assert set(onlooker.search("number7", mode="text", k=2).ids) == {"x7", "y7"}


def test_another_process_is_seen_at_once(tmp_path):
    """After each acknowledgement, without reopening."""
    with em.Collection.open(tmp_path / "c") as onlooker:
        onlooker.add_field("free", dims=2)
        child = start(tmp_path / "c", "z", 0, 15)
        for line in child.stdout:
            n = int(line)
            assert_whole(onlooker, "z", range(n + 3))
            assert_answers(onlooker, "z", n)
        assert child.wait(30) == 0
        child.stdout.close()
        assert len(onlooker) == 15
