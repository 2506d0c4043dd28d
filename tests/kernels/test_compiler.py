"""Laws of the decorator that compiles kernels and keeps them on disk."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedry.kernels import compiler
from embedry.kernels.compiler import compiled

KERNEL = """
from embedry.kernels.compiler import compiled

@compiled
def double(values):
    return 2 * values.sum()
"""

CALL = """
import numpy as np
import kernel_of_a_test
assert kernel_of_a_test.double(np.ones(3)) == 6
stats = kernel_of_a_test.double.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), stats.cache_path)
"""


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one module that holds a kernel."""
    (tmp_path / "kernel_of_a_test.py").write_text(KERNEL)
    return tmp_path


def fresh_process(folder: Path, cache: Path, said: str = "") -> list[str]:
    """Call the kernel in a new Python; return its cache hits, misses and cache folder."""
    environment = os.environ | {"PYTHONPATH": str(folder), "EMBEDRY_CACHE": str(cache)}
    command = [sys.executable, "-W", "error", "-c", CALL]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)
    return done.stdout.split()


def test_compiled_kernel_is_loaded_by_the_next_process(folder):
    """What one process compiled, the next loads from Embedry's own folder, mode 0700."""
    cache = folder / "cache"
    assert fresh_process(folder, cache)[:2] == ["0", "1"]
    hits, misses, path = fresh_process(folder, cache)
    assert (hits, misses) == ("1", "0")
    assert Path(path).parent == cache / "kernels"
    assert Path(path).stat().st_mode & 0o777 == 0o700
    assert not list(folder.rglob("__pycache__/*.nbi"))


def plus_one(number):
    return number + 1


def hits_of_a_new_kernel() -> int:
    """Compile or load ``plus_one`` as a new process would; return how often it was loaded."""
    kernel = compiled(plus_one)
    assert kernel(1) == 2
    return sum(kernel.stats.cache_hits.values())


def test_compiled_kernel_is_compiled_anew_when_a_source_changes(tmp_path, monkeypatch):
    """A cached kernel is used only with the sources it was compiled from."""
    monkeypatch.setattr(compiler, "cache_dir", lambda _: tmp_path)
    stamp = ["one"]
    monkeypatch.setattr(compiler._KernelLocator, "get_source_stamp", lambda _: stamp[0])
    assert [hits_of_a_new_kernel(), hits_of_a_new_kernel()] == [0, 1]
    stamp[0] = "two"
    assert [hits_of_a_new_kernel(), hits_of_a_new_kernel()] == [0, 1]


@pytest.mark.parametrize("damage", [b"", b"not a cache"])
def test_compiled_kernel_survives_damaged_cache_files(tmp_path, monkeypatch, damage):
    """Files cut short or overwritten cost a compilation, no error; then they are whole again."""
    monkeypatch.setattr(compiler, "cache_dir", lambda _: tmp_path)
    monkeypatch.setattr(compiler._KernelLocator, "get_source_stamp", lambda _: "one")
    hits_of_a_new_kernel()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    for path in files:
        path.write_bytes(damage)
        assert [hits_of_a_new_kernel(), hits_of_a_new_kernel()] == [0, 1]


def test_compiled_kernel_runs_where_nothing_can_be_written(folder):
    """Without a folder the kernel is compiled in memory: same result, and it is said once."""
    (folder / "file").touch()
    said = "Nothing is cached: "
    assert fresh_process(folder, folder / "file" / "cache", said=said) == ["0", "1", "None"]


def test_compiled_source_stamp_covers_the_modules_beside(tmp_path, monkeypatch):
    """The stamp changes with the kernel's own file and with any source beside the compiler."""
    beside = tmp_path / "kernels"
    beside.mkdir()
    kernel = tmp_path / "kernel.py"
    kernel.write_text("one")
    (beside / "simd.py").write_text("one")
    monkeypatch.setattr(compiler, "__file__", str(beside / "compiler.py"))
    locator = compiler._KernelLocator(plus_one, str(kernel), tmp_path)
    stamps = [locator.get_source_stamp()]
    for path in (kernel, beside / "simd.py", beside / "new.py"):
        path.write_text("two")
        stamps.append(locator.get_source_stamp())
    assert len(set(stamps)) == 4
    assert stamps[-1] == locator.get_source_stamp()


def test_compiled_import_touches_no_disk(monkeypatch):
    """Decorating a function makes no folder; only its first call does."""
    asked = []
    monkeypatch.setattr(compiler, "cache_dir", asked.append)

    kernel = compiled(plus_one)
    assert asked == []
    assert kernel(1) == 2
    assert asked[0].startswith("kernels/")
    assert kernel.stats.cache_path is None


def test_compiled_divides_as_numpy_does_and_takes_settings():
    """Division by zero gives infinity; with fastmath the function is the same function."""

    @compiled(fastmath=True)
    def total(values):
        result = 0.0
        for value in values:
            result += value
        return result

    @compiled
    def divide(left, right):
        return left / right

    assert total(np.arange(10.0)) == 45
    assert total.py_func(np.arange(10.0)) == 45
    assert divide(1.0, 0.0) == np.inf


def test_package_imports_no_compiler():
    """The package of the kernels is light; only its modules load Numba."""
    code = "import sys, embedry.kernels; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@compiled(inline=True)
def _inner(number):
    return number + 1


@compiled
def _outer(number):
    return 2 * _inner(number)


def test_compiled_inner_function_is_for_kernels_alone():
    """It is compiled without the code that takes Python's arguments: a call says so."""
    assert _outer(3) == 8
    assert _inner.py_func(3) == 4
    with pytest.raises(TypeError, match=r"call _inner\.py_func"):
        _inner(3)
