"""Vectors of float32 lanes for kernels, written down as LLVM instructions.

What it is: a Numba type, *lanes*, that stays in vector registers, and the few functions a
kernel needs on it: load, store, splat, multiply-add, sums, the logistic function, prefetch.
Numba's own loops over arrays that may overlap are seldom turned into vector code; these always
are, several times faster on the training loops. What it is not: a check. Pointers are raw:
offsets must be inside the array before a kernel is called. Outside a compiled function the
intrinsics cannot be called.

No instruction set is assumed. ``LANES`` follows the host, and LLVM splits a vector that is
wider than the registers it finds.

References
----------
LLVM language reference, "Vector Operations" and "llvm.fmuladd"; Numba manual, "Extending Numba:
low-level API". The logistic function: Cody and Waite, Software Manual for the Elementary
Functions (1980), chapter 6 (exp by argument reduction).
"""

# ruff: noqa: ARG001  (Numba reads the names and number of an intrinsic's arguments)
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import extending
from numba.core import types
from numba.extending import models, register_model

from embedry.kernels import emit
from embedry.kernels.emit import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "LANES",
    "add",
    "aligned",
    "fma",
    "load",
    "load_eight",
    "logistic",
    "multiply",
    "padded",
    "prefetch",
    "splat",
    "store",
    "subtract",
    "sums_of_eight",
    "total",
    "zero",
]

# An intrinsic is called without the typing context, which Numba's annotation does not say.
intrinsic: Any = extending.intrinsic

LINE = 64  # bytes of a cache line, and of the widest vector


def padded(dims: int) -> int:
    """Return the row width for ``dims`` numbers: the next multiple of 16.

    Examples
    --------
    >>> padded(100), padded(112)
    (112, 112)
    """
    return -(-dims // 16) * 16


def aligned(rows: int, dims: int) -> NDArray[np.float32]:
    """Make zeros whose rows start at cache lines and are wide enough for whole vectors.

    Parameters
    ----------
    rows, dims : int
        The shape wanted; ``dims`` is rounded up by `padded`.

    Returns
    -------
    ndarray, shape (rows, padded(dims)), float32
        C-contiguous zeros. Every row starts at a multiple of 64 bytes.

    Notes
    -----
    A row that straddles cache lines costs 1.2 to 1.7 times the training time.

    Examples
    --------
    >>> table = aligned(3, 20)
    >>> table.shape, table[1:].ctypes.data % 64
    ((3, 32), 0)
    """
    width = padded(dims)
    room = np.zeros(rows * width + LINE // 4, np.float32)
    start = -room.ctypes.data % LINE // 4
    return room[start : start + rows * width].reshape(rows, width)


class LanesType(types.Type):
    """The Numba type of a vector of ``count`` float32 lanes."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"float32x{count}")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    """Lanes live in an LLVM vector."""

    def __init__(self, dmm: Any, fe_type: LanesType) -> None:
        super().__init__(dmm, fe_type, emit.vector(fe_type.count))


def _emits(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Give Numba a code generator that needs the builder and the values alone."""
    return lambda _context, builder, _signature, values: emit(builder, *values)


def _address(context: Any, builder: Any, signature: Any, values: Any, argument: int) -> Any:
    """Return the address of element ``values[argument + 1]`` of array ``values[argument]``."""
    array = context.make_array(signature.args[argument])(context, builder, values[argument])
    return builder.gep(array.data, [values[argument + 1]])


def _load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place = _address(context, builder, signature, values, 0)
    return emit.load(builder, place, signature.return_type.count)


@intrinsic
def load(_typing: Any, array: Any, offset: Any) -> Any:
    """Read ``LANES`` numbers of a C-contiguous float32 array from the flat ``offset`` on."""
    emit.check_array(array)
    return LanesType(LANES)(array, types.intp), _load


@intrinsic
def load_eight(_typing: Any, array: Any, offset: Any) -> Any:
    """Read eight numbers of a C-contiguous float32 array from the flat ``offset`` on."""
    emit.check_array(array)
    return LanesType(8)(array, types.intp), _load


@intrinsic
def store(_typing: Any, lanes: Any, array: Any, offset: Any) -> Any:
    """Write lanes to a C-contiguous float32 array from the flat ``offset`` on."""
    emit.check_array(array)

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        emit.store(builder, values[0], _address(context, builder, signature, values, 1))
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp), write


@intrinsic
def prefetch(_typing: Any, array: Any, offset: Any) -> Any:
    """Ask for the cache line of the flat ``offset``, soon to be read and written."""
    emit.check_array(array)

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        emit.prefetch(builder, _address(context, builder, signature, values, 0))
        return context.get_dummy_value()

    return types.void(array, types.intp), write


@intrinsic
def zero(_typing: Any) -> Any:
    """Return ``LANES`` zeros."""
    return LanesType(LANES)(), _emits(lambda _builder: emit.constant(0.0, LANES))


@intrinsic
def splat(_typing: Any, number: Any) -> Any:
    """Return one number in all ``LANES`` lanes."""
    return LanesType(LANES)(types.float32), _emits(emit.splat)


@intrinsic
def add(_typing: Any, left: Any, right: Any) -> Any:
    """Return ``left + right``, lane by lane."""
    return left(left, left), _emits(lambda builder, *two: builder.fadd(*two))


@intrinsic
def subtract(_typing: Any, left: Any, right: Any) -> Any:
    """Return ``left - right``, lane by lane."""
    return left(left, left), _emits(lambda builder, *two: builder.fsub(*two))


@intrinsic
def multiply(_typing: Any, left: Any, right: Any) -> Any:
    """Return ``left * right``, lane by lane."""
    return left(left, left), _emits(lambda builder, *two: builder.fmul(*two))


@intrinsic
def fma(_typing: Any, left: Any, right: Any, more: Any) -> Any:
    """Return ``left * right + more``, lane by lane, in one step where the host can."""
    return left(left, left, left), _emits(emit.fma)


@intrinsic
def total(_typing: Any, lanes: Any) -> Any:
    """Return the sum of all lanes."""

    def write(builder: Any, lanes: Any) -> Any:
        return builder.extract_element(emit.fold(builder, lanes, 1), emit.INT(0))

    return types.float32(lanes), _emits(write)


@intrinsic
def sums_of_eight(
    _typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any
) -> Any:
    """Return eight lanes: the sum of all lanes of each of eight vectors, in their order.

    A tree of seven additions does the work of eight sums; zeros among the eight cost less.
    """
    kind = LanesType(8)(a, a, a, a, a, a, a, a)
    return kind, _emits(lambda builder, *eight: emit.sums_of_eight(builder, list(eight)))


@intrinsic
def logistic(_typing: Any, lanes: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` of each lane, to about 3e-6; x is cut at 80 either way."""
    return lanes(lanes), _emits(emit.logistic)
