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

import math
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import models, register_model

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

# float32 lanes of one vector: a register of AVX-512, else of AVX2 (two of ARM NEON).
LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8

LINE = 64  # bytes of a cache line, and of the widest vector
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)

# The lanes of two vectors laid side by side that each step of `sums_of_eight` adds: (a, b) to
# (a+ b+ a+ b+ ...), two of these to (a+ b+ c+ d+ ...), two of these to (a+ ... h+). Every line
# is one cheap unpack or permute; pairing neighbours would become the slow horizontal add.
_TREE = (
    ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]),
    ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
    ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
)


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
        super().__init__(dmm, fe_type, _vector(fe_type.count))


def _vector(count: int, of: ir.Type = _FLOAT) -> ir.VectorType:
    return ir.VectorType(of, count)


def _constant(number: float, count: int) -> ir.Constant:
    return ir.Constant(_vector(count), [number] * count)


def _emits(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Give Numba a code generator that needs the builder and the values alone."""
    return lambda _context, builder, _signature, values: emit(builder, *values)


def _address(context: Any, builder: Any, signature: Any, values: Any, argument: int) -> Any:
    """Return the address of element ``values[argument + 1]`` of array ``values[argument]``."""
    array = context.make_array(signature.args[argument])(context, builder, values[argument])
    return builder.gep(array.data, [values[argument + 1]])


def _check_array(array: Any) -> None:
    """Refuse at compile time what raw addresses would read wrongly."""
    good = isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"
    if not good:
        msg = f"lanes need a C-contiguous float32 array; got {array}"
        raise TypingError(msg)


def _load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place = _address(context, builder, signature, values, 0)
    vector = _vector(signature.return_type.count)
    return builder.load(builder.bitcast(place, vector.as_pointer()), align=4)


@intrinsic
def load(_typing: Any, array: Any, offset: Any) -> Any:
    """Read ``LANES`` numbers of a C-contiguous float32 array from the flat ``offset`` on."""
    _check_array(array)
    return LanesType(LANES)(array, types.intp), _load


@intrinsic
def load_eight(_typing: Any, array: Any, offset: Any) -> Any:
    """Read eight numbers of a C-contiguous float32 array from the flat ``offset`` on."""
    _check_array(array)
    return LanesType(8)(array, types.intp), _load


@intrinsic
def store(_typing: Any, lanes: Any, array: Any, offset: Any) -> Any:
    """Write lanes to a C-contiguous float32 array from the flat ``offset`` on."""
    _check_array(array)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _address(context, builder, signature, values, 1)
        vector = _vector(signature.args[0].count)
        builder.store(values[0], builder.bitcast(place, vector.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp), emit


@intrinsic
def prefetch(_typing: Any, array: Any, offset: Any) -> Any:
    """Ask for the cache line of the flat ``offset``, soon to be read and written."""
    _check_array(array)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        place = builder.bitcast(_address(context, builder, signature, values, 0), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], fnty=kind)
        to_write, all_caches, data = (ir.Constant(_INT, number) for number in (1, 3, 1))
        builder.call(function, [place, to_write, all_caches, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic
def zero(_typing: Any) -> Any:
    """Return ``LANES`` zeros."""
    return LanesType(LANES)(), _emits(lambda _builder: _constant(0.0, LANES))


@intrinsic
def splat(_typing: Any, number: Any) -> Any:
    """Return one number in all ``LANES`` lanes."""

    def emit(builder: Any, number: Any) -> Any:
        first = builder.insert_element(ir.Constant(_vector(1), ir.Undefined), number, _INT(0))
        return _pick(builder, first, first, [0] * LANES)

    return LanesType(LANES)(types.float32), _emits(emit)


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
    return left(left, left, left), _emits(_fma)


@intrinsic
def total(_typing: Any, lanes: Any) -> Any:
    """Return the sum of all lanes."""

    def emit(builder: Any, lanes: Any) -> Any:
        return builder.extract_element(_fold(builder, lanes, 1), _INT(0))

    return types.float32(lanes), _emits(emit)


@intrinsic
def sums_of_eight(
    _typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any
) -> Any:
    """Return eight lanes: the sum of all lanes of each of eight vectors, in their order.

    A tree of seven additions does the work of eight sums; zeros among the eight cost less.
    """

    def emit(builder: Any, *eight: Any) -> Any:
        rows = [_fold(builder, lanes, 8) for lanes in eight]
        for low, high in _TREE:
            rows = [
                builder.fadd(_pick(builder, left, right, low), _pick(builder, left, right, high))
                for left, right in zip(rows[::2], rows[1::2], strict=True)
            ]
        return rows[0]

    return LanesType(8)(a, a, a, a, a, a, a, a), _emits(emit)


@intrinsic
def logistic(_typing: Any, lanes: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` of each lane, to about 3e-6; x is cut at 80 either way."""
    return lanes(lanes), _emits(_logistic)


def _pick(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    """Return the numbered lanes of two vectors laid side by side."""
    return builder.shuffle_vector(left, right, ir.Constant(_vector(len(lanes), _INT), lanes))


def _fma(builder: Any, left: Any, right: Any, more: Any) -> Any:
    # llvmlite cannot spell the suffix of a vector type by itself.
    kind = ir.FunctionType(left.type, [left.type] * 3)
    name = f"llvm.fmuladd.v{left.type.count}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [left, right, more])


def _fold(builder: Any, lanes: Any, count: int) -> Any:
    """Add the upper half of the lanes to the lower half until ``count`` are left."""
    while lanes.type.count > count:
        half = lanes.type.count // 2
        low = _pick(builder, lanes, lanes, list(range(half)))
        high = _pick(builder, lanes, lanes, list(range(half, 2 * half)))
        lanes = builder.fadd(low, high)
    return lanes


def _logistic(builder: Any, lanes: Any) -> Any:
    """Divide one by one plus exp(-x); exp(-x) is 2**k exp(r) with abs(r) <= log(2) / 2."""
    count = lanes.type.count
    whole = _vector(count, _INT)
    bound = _constant(80.0, count)
    low, high = builder.fneg(bound), bound
    lanes = builder.select(builder.fcmp_ordered("<", lanes, high), lanes, high)
    lanes = builder.select(builder.fcmp_ordered(">", lanes, low), lanes, low)
    # Adding 1.5 * 2**23 leaves no room for a fraction: the sum ends in the bits of round(x).
    rounder = _constant(1.5 * 2**23, count)
    shifted = _fma(builder, lanes, _constant(-1 / math.log(2), count), rounder)
    power = builder.fsub(shifted, rounder)
    rest = _fma(builder, power, _constant(-math.log(2), count), builder.fneg(lanes))
    series = _constant(1 / 120, count)
    for factorial in (24, 6, 2, 1, 1):
        series = _fma(builder, series, rest, _constant(1 / factorial, count))
    bits = builder.shl(builder.bitcast(shifted, whole), ir.Constant(whole, [23] * count))
    scale = builder.add(bits, builder.bitcast(_constant(1.0, count), whole))
    exponential = builder.fmul(series, builder.bitcast(scale, lanes.type))
    one = _constant(1.0, count)
    return builder.fdiv(one, builder.fadd(one, exponential))
