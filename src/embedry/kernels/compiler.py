"""Compile a kernel once, keep it in Embedry's own cache folder, load it ever after.

What it is: one decorator, ``compiled``, around Numba's ``njit``. Compiling takes seconds and
loading a fraction of one, so each kernel is kept on disk, keyed by the versions of Embedry and
Numba, the types of its arguments, the CPU, and the text of every kernel source: a changed
source compiles anew, even where the change is in another module that a kernel builds on
(Numba's own cache sees the kernel's file alone). What it is not: a setting of Numba. Nothing
global is touched; where the folder cannot be written, kernels are compiled in memory.

Numba keeps its files with pickle, which is why the folder must be this user's alone (0700).

References
----------
Numba manual, "Notes on caching". The classes of ``numba.core.caching`` that are extended here
have no promise of stability; ``tests/kernels/test_compiler.py`` watches over them.
"""

from __future__ import annotations

import hashlib
import pickle
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import numba
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    NullCache,
    _Cache,
    _CacheLocator,
)
from numba.core.registry import CPUDispatcher

from embedry.files import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")

# What reading a file that was cut short, or written by something else, ends in.
_DAMAGE = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.PickleError,
)


@overload
def compiled(function: Kernel) -> Kernel: ...


@overload
def compiled(*, fastmath: bool = False, inline: bool = False) -> Callable[[Kernel], Kernel]: ...


def compiled(
    function: Kernel | None = None, *, fastmath: bool = False, inline: bool = False
) -> Kernel | Callable[[Kernel], Kernel]:
    """Compile a kernel at its first call, or load what an earlier process compiled.

    The kernel releases the GIL and divides as NumPy does (by zero: infinity or NaN, no error).

    Parameters
    ----------
    function : callable
        A function at the top of a module. It takes arrays and numbers, and calls only other
        compiled functions and intrinsics. A closure would never find its cache again.
    fastmath : bool, default False
        Let LLVM reorder sums and assume that there is no NaN.
    inline : bool, default False
        Make the function part of each kernel that calls it. A call that passes many arrays
        costs some 20 ns, as much as the work of a short inner function. It can then be called
        from kernels alone; ``.py_func`` from anywhere.

    Returns
    -------
    callable
        The dispatcher of the compiled function; ``.py_func`` is the plain one.

    Notes
    -----
    Compiling a training kernel takes 1 to 2 s; loading it, half a second, nearly all of it Numba.

    Examples
    --------
    Bare, or with settings::

        @compiled(fastmath=True)
        def total(values):
            result = 0.0
            for value in values:
                result += value
            return result
    """

    def compile_lazily(function: Kernel) -> Kernel:
        # The code that unpacks Python's arguments takes as long to compile as a short function.
        wrappers: dict[str, Any] = {"no_cpython_wrapper": inline, "no_cfunc_wrapper": True}
        dispatcher: Any = numba.njit(
            nogil=True, fastmath=fastmath, forceinline=inline, error_model="numpy", **wrappers
        )(function)
        if inline:
            dispatcher.__class__ = _InnerFunction  # without unpacking, a call would crash
        dispatcher._cache = _KernelCache(function)  # where njit(cache=True) puts one
        typed: Kernel = dispatcher
        return typed

    return compile_lazily if function is None else compile_lazily(function)


class _InnerFunction(CPUDispatcher):
    """A compiled function that Python cannot call."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: only kernels can pass arguments to it."""
        name = self.py_func.__name__
        raise TypeError(f"{name} must be called from a kernel; call {name}.py_func from Python.")


class _KernelLocator(_CacheLocator):
    """Say where a kernel is kept, and which sources it stands for."""

    def __init__(self, function: Callable[..., Any], file: str, folder: Path) -> None:
        self._file = Path(file)
        self._line = function.__code__.co_firstlineno
        self._folder = folder

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self | None:
        """Return the locator, or None where there is no folder or no source to read."""
        folder = cache_dir(f"kernels/embedry-{version('embedry')}-numba-{numba.__version__}")
        if folder is None or not Path(py_file).is_file():
            return None
        return cls(py_func, py_file, folder)

    def get_cache_path(self) -> str:
        """Return Embedry's own folder for these versions."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return a digest of the kernel's file and of all sources of kernels."""
        sources = {*Path(__file__).parent.rglob("*.py"), self._file}
        digest = hashlib.sha256()
        for source in sorted(sources):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
        return digest.hexdigest()

    def get_disambiguator(self) -> str:
        """Return what tells apart two kernels of one name in files of one name."""
        place = hashlib.sha256(str(self._file.resolve()).encode()).hexdigest()[:8]
        return f"{place}-{self._line}"


class _KernelCacheImpl(CompileResultCacheImpl):
    """Numba's way to write and read compiled functions, in our place only."""

    _locator_classes = [_KernelLocator]  # type: ignore[list-item]  # noqa: RUF012


class _KernelFiles(FunctionCache):
    """Numba's cache files of one function, in our place only."""

    _impl_class = _KernelCacheImpl


class _KernelCache(_Cache):
    """The cache of one kernel; it touches no disk before the kernel is first called.

    A cache can only save time: whatever is wrong with its files, the kernel is compiled.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def _files(self) -> Any:
        try:
            return _KernelFiles(self._function)
        except (OSError, RuntimeError):  # RuntimeError: the locator found no place
            return NullCache()

    @property
    def cache_path(self) -> str | None:
        """The folder, or None when kernels are kept in memory only."""
        path: str | None = self._files.cache_path
        return path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function of one signature, or None to have it compiled."""
        try:
            return self._files.load_overload(sig, target_context)
        except _DAMAGE:
            self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep one compiled function, where the disk takes it."""
        with suppress(OSError):
            self._files.save_overload(sig, data)

    def enable(self) -> None:
        """Use the files."""
        self._files.enable()

    def disable(self) -> None:
        """Leave the files alone."""
        self._files.disable()

    def flush(self) -> None:
        """Forget what was kept."""
        with suppress(OSError):
            self._files.flush()
