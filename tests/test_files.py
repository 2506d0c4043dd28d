"""Files: all or nothing on disk, arrays that come back, and a private cache."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from embedry import atomic
from embedry.errors import FileFormatError, InputError
from embedry.files import cache_dir, read_arrays, write_arrays, write_atomically

DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<u4", "u1", "?"]


def names(folder):
    """List what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_write_atomically_puts_the_file_in_place(tmp_path):
    """What the block wrote is there, and nothing else."""
    for text in ("first", "second"):
        with write_atomically(tmp_path / "f") as aside:
            assert aside.parent == tmp_path
            aside.write_text(text)
            assert aside.name != "f"
        assert (tmp_path / "f").read_text() == text
        assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_write_atomically_that_fails_leaves_the_old_file(tmp_path, error):
    """Whatever the block raises, the old file stays and nothing is left beside it."""
    (tmp_path / "f").write_text("old")
    with pytest.raises(error), write_atomically(tmp_path / "f") as aside:  # noqa: PT012
        aside.write_text("new")
        raise error
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_write_atomically_syncs_before_it_renames(tmp_path, monkeypatch):
    """The bytes are on disk before the name points to them, and then the name is."""
    synced = []

    def sync(path):
        synced.append((path.is_dir(), (tmp_path / "f").exists()))

    monkeypatch.setattr(atomic, "fsync", sync)
    with write_atomically(tmp_path / "f") as aside:
        aside.write_text("new")
    assert synced == [(False, False), (True, True)]


def test_write_atomically_keeps_the_mode(tmp_path):
    """A new file has the mode the umask asks for, a replaced one the mode it had."""
    before = os.umask(0o027)
    try:
        with write_atomically(tmp_path / "f") as aside:
            aside.write_text("new")
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
        (tmp_path / "f").chmod(0o604)
        with write_atomically(tmp_path / "f") as aside:
            aside.write_text("newer")
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o604
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_write_arrays_gives_the_mode_of_the_umask(tmp_path, mask):
    """A new file has the mode that any other new file gets; one that was there keeps its own."""
    before = os.umask(mask)
    try:
        write_arrays(tmp_path / "f", "test", {}, {"a": np.zeros(2)})
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~mask
        (tmp_path / "f").chmod(0o640)
        write_arrays(tmp_path / "f", "test", {}, {"a": np.zeros(2)})
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
    finally:
        os.umask(before)


@pytest.mark.parametrize("path", ["missing/f", "file/f"])
def test_write_atomically_needs_its_folder(tmp_path, path):
    """A folder that is missing, or none, is an OSError before the block begins."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"f"), write_atomically(tmp_path / path):
        pytest.fail("the block must not run")


KILLED = """
import sys
from embedry.files import write_atomically
with write_atomically(sys.argv[1]) as aside:
    with aside.open("wb") as file:
        file.write(b"new" * 1000)
        file.flush()
        print("half way", flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_write_atomically_killed_half_way_leaves_the_old_file(tmp_path):
    """A process that dies while it writes leaves the old file whole."""
    path = tmp_path / "f"
    path.write_text("old")
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"half way\n"
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
    assert path.read_text() == "old"
    with write_atomically(path) as aside:
        aside.write_text("new")
    assert path.read_text() == "new"


SAVES = """
import sys
import numpy as np
from embedry.files import write_arrays
zeros = np.zeros(20_000_000)
print("saving", flush=True)
while True:
    write_arrays(sys.argv[1], "kind", {}, {"a": zeros})
"""


def aged(folder, seconds=3600):
    """Let the files of a folder look as old as told."""
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("wait", [0.02, 0.1])
def test_write_arrays_killed_leaves_what_the_next_save_takes_away(tmp_path, wait):
    """A killed save leaves at most its own part file, and a later save to the path sweeps it."""
    path = tmp_path / "f"
    command = [sys.executable, "-c", SAVES, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"saving\n"
        while not list(tmp_path.glob(".*")):
            time.sleep(0.001)
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert set(names(tmp_path)) <= {"f", *(n for n in names(tmp_path) if n.endswith(".part"))}
    aged(tmp_path)
    write_arrays(path, "kind", {}, {"a": np.ones(2)})
    assert names(tmp_path) == ["f"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
def test_write_atomically_sweeps_what_nobody_writes_to(tmp_path):
    """Old parts of the same name go; those at work, young ones and those of other files stay."""
    part = ".{}.0123456789abcdef.part"
    for name in ("f", "f.x", "g", "f*"):
        (tmp_path / part.format(name)).write_text("left")
    (tmp_path / ".f.mine.part").write_text("not ours")
    with write_atomically(tmp_path / "f") as at_work:
        at_work.write_text("first")
        aged(tmp_path, 50)
        with write_atomically(tmp_path / "f") as aside:
            aside.write_text("second")
        assert part.format("f") in names(tmp_path)
        aged(tmp_path)
        with write_atomically(tmp_path / "f") as aside:
            aside.write_text("third")
        assert at_work.read_text() == "first"
        assert part.format("f") not in names(tmp_path)
    assert (tmp_path / "f").read_text() == "first"
    kept = [".f.mine.part", *(part.format(name) for name in ("f.x", "g", "f*"))]
    assert names(tmp_path) == sorted(["f", *kept])


def test_write_atomically_names_the_file_that_was_asked_for(tmp_path):
    """What goes wrong with the file aside is told of the file that it would have become."""
    path = tmp_path / ("n" * 250)  # with what is added to it the name is too long
    with pytest.raises(OSError, match=r"n{250}'$") as caught, write_atomically(path):
        pytest.fail("the block must not run")
    assert caught.value.filename == str(path)
    path = tmp_path / "f"
    with pytest.raises(FileNotFoundError) as caught, write_atomically(path) as aside:
        aside.unlink()
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as caught, write_atomically(path):
        (tmp_path / "other").read_text()
    assert caught.value.filename == str(tmp_path / "other")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits")
def test_write_arrays_on_a_full_disk_is_an_oserror_that_names_the_file(tmp_path):
    """Where no byte more can be written, the old file stays and the error names it."""
    import resource

    path = tmp_path / "f"
    write_arrays(path, "kind", {}, {"a": np.ones(2)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        with pytest.raises(OSError, match=r"File too large: .*f'") as caught:
            write_arrays(path, "kind", {}, {"a": np.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(path)
    assert names(tmp_path) == ["f"]
    np.testing.assert_array_equal(read_arrays(path).arrays["a"], [1, 1])


headers = st.dictionaries(
    st.text(),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)
arrays_of_all_kinds = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name != "__metadata__"),
    st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3)).map(
        lambda kind: np.arange(np.prod(kind[1], dtype=int)).astype(kind[0]).reshape(kind[1])
    ),
    max_size=5,
)


@settings(max_examples=50, deadline=None)
@given(headers, arrays_of_all_kinds, st.booleans())
def test_arrays_round_trip(tmp_path_factory, header, arrays, mmap):
    """Names, dtypes, shapes, values and the header come back, read or mapped."""
    path = tmp_path_factory.mktemp("arrays") / "f"
    write_arrays(path, "kind", header, arrays)
    found = read_arrays(path, "kind", mmap=mmap)
    assert found.header == header | {"kind": "kind"}
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_arrays_are_plain_safetensors(tmp_path):
    """Anybody can read the arrays; a column order is written as rows."""
    table = np.arange(6, dtype=np.float32).reshape(2, 3).T
    write_arrays(tmp_path / "f", "kind", {}, {"a": table})
    np.testing.assert_array_equal(load_file(tmp_path / "f")["a"], table)


@settings(max_examples=50, deadline=None)
@given(arrays_of_all_kinds)
def test_arrays_are_read_by_safetensors(tmp_path_factory, arrays):
    """Its own reader finds every dtype and shape, also of nothing; each array lies aligned."""
    path = tmp_path_factory.mktemp("arrays") / "f"
    write_arrays(path, "kind", {}, arrays)
    found = load_file(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8:start])
    del entries["__metadata__"]
    for name, entry in entries.items():
        assert (start + entry["data_offsets"][0]) % arrays[name].itemsize == 0


def test_arrays_read_are_writeable_and_mapped_are_not(tmp_path):
    """What is read belongs to the reader; what is mapped is the file."""
    write_arrays(tmp_path / "f", "kind", {}, {"a": np.zeros(3)})
    read_arrays(tmp_path / "f").arrays["a"][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        read_arrays(tmp_path / "f", mmap=True).arrays["a"][0] = 1


def test_read_arrays_refuses_another_kind(tmp_path):
    """A model is not embeddings; without a kind asked for, any will do."""
    write_arrays(tmp_path / "f", "model", {}, {})
    with pytest.raises(FileFormatError, match="must hold embeddings; it holds model"):
        read_arrays(tmp_path / "f", "embeddings")
    assert read_arrays(tmp_path / "f").header["kind"] == "model"


@pytest.mark.parametrize("array", [np.zeros(2, complex), np.array([None]), np.zeros(2, np.uint16)])
def test_write_arrays_refuses_what_cannot_be_read_back(tmp_path, array):
    """Another dtype is an error, and the old file stays."""
    (tmp_path / "f").write_text("old")
    with pytest.raises(InputError, match="must be of a dtype"):
        write_arrays(tmp_path / "f", "kind", {}, {"a": array})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_arrays(tmp_path / "f", "kind", {"a": float("nan")}, {})
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_read_arrays_of_no_file_says_so(tmp_path):
    """A missing file is FileNotFoundError."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_arrays(tmp_path / "f")


def test_cache_dir_lies_where_the_environment_says(tmp_path, monkeypatch):
    """EMBEDRY_CACHE first, then the platform's folder; each made, and private."""
    monkeypatch.setenv("EMBEDRY_CACHE", str(tmp_path / "own"))
    assert cache_dir("kernels") == tmp_path / "own" / "kernels"
    monkeypatch.delenv("EMBEDRY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_dir("kernels") == tmp_path / "xdg" / "embedry" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir("a/b") == tmp_path / ".cache" / "embedry" / "a" / "b"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_dir("a") == tmp_path / "Library" / "Caches" / "embedry" / "a"


def test_cache_dir_is_private(tmp_path, monkeypatch):
    """What is made has mode 0700, whatever the umask; an own root keeps its mode."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    before = os.umask(0)
    try:
        for root, mode in ((tmp_path / "new", 0o700), (shared, 0o755)):
            monkeypatch.setenv("EMBEDRY_CACHE", str(root))
            folder = cache_dir("kernels")
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE(root.stat().st_mode) == mode
    finally:
        os.umask(before)
    folder.chmod(0o777)
    assert stat.S_IMODE(cache_dir("kernels").stat().st_mode) == 0o700


def test_cache_dir_that_cannot_be_written_is_none(tmp_path, monkeypatch):
    """Below a file there is no folder, and without a home no cache: None, no error."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMBEDRY_CACHE", str(tmp_path / "file" / "cache"))
    assert cache_dir("kernels") is None
    monkeypatch.delenv("EMBEDRY_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_dir("kernels") is None


def test_write_atomically_refuses_what_is_no_place_for_a_file(tmp_path):
    """A missing folder, a folder and no path are named as they were given, before any work."""
    for path, error, match in (
        (tmp_path / "none" / "x", FileNotFoundError, "There is no folder .*none. Make it"),
        (tmp_path, InputError, "is a folder"),
        (None, InputError, "must be a str or a Path"),
    ):
        with pytest.raises(error, match=match), write_atomically(path):
            pytest.fail("nothing may be written")
    assert not list(tmp_path.iterdir())
