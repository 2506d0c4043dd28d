"""LLVM instructions on rows of float32, written where a kernel calls an intrinsic.

What it is: the pen of `kernels.simd`, whose functions each write an instruction or a few, and of
whole micro-kernels, which write their loops with a tile of rows unrolled: `Writer` and `written`.
Numba types and lowers every line of a kernel; a tile of seven rows unrolled in Python takes it
longer than all the rest, and the same tile from a loop of the pen nearly nothing. What it is not:
a check. Pointers are raw: offsets must be inside the array before a kernel is called.

References
----------
LLVM language reference, "Vector Operations" and "llvm.fmuladd"; Numba manual, "Extending Numba:
low-level API". The logistic function: Cody and Waite, Software Manual for the Elementary
Functions (1980), chapter 6 (exp by argument reduction).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "LANES",
    "Writer",
    "check_array",
    "constant",
    "fma",
    "fold",
    "load",
    "logistic",
    "prefetch",
    "splat",
    "store",
    "sums_of_eight",
    "vector",
    "written",
]

# float32 lanes of one vector: a register of AVX-512, else of AVX2 (two of ARM NEON).
LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8

FLOAT, INT = ir.FloatType(), ir.IntType(32)
_INTEGERS = (types.Integer, types.IntegerLiteral)
_BYTES = ir.IntType(8).as_pointer()

# The lanes of two vectors laid side by side that each step of `sums_of_eight` adds: (a, b) to
# (a+ b+ a+ b+ ...), two of these to (a+ b+ c+ d+ ...), two of these to (a+ ... h+). Every line
# is one cheap unpack or permute; pairing neighbours would become the slow horizontal add.
_TREE = (
    ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]),
    ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
    ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
)


def vector(count: int, of: ir.Type = FLOAT) -> ir.VectorType:
    """Return the type of a vector of ``count`` lanes."""
    return ir.VectorType(of, count)


def constant(number: float, count: int) -> ir.Constant:
    """Return a vector of one number."""
    return ir.Constant(vector(count), [number] * count)


def check_array(array: Any) -> None:
    """Refuse at compile time what raw addresses would read wrongly."""
    good = isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"
    if not good:
        msg = f"lanes need a C-contiguous float32 array; got {array}"
        raise TypingError(msg)


def load(builder: Any, place: Any, count: int) -> Any:
    """Read ``count`` lanes from an address of float32."""
    return builder.load(builder.bitcast(place, vector(count).as_pointer()), align=4)


def store(builder: Any, lanes: Any, place: Any) -> None:
    """Write lanes to an address of float32."""
    builder.store(lanes, builder.bitcast(place, lanes.type.as_pointer()), align=4)


def prefetch(builder: Any, place: Any) -> None:
    """Ask for the cache line of an address, soon to be read and written."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, INT, INT, INT])
    function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], fnty=kind)
    to_write, all_caches, data = (ir.Constant(INT, number) for number in (1, 3, 1))
    builder.call(function, [builder.bitcast(place, _BYTES), to_write, all_caches, data])


def splat(builder: Any, number: Any) -> Any:
    """Return one number in all ``LANES`` lanes."""
    first = builder.insert_element(ir.Constant(vector(1), ir.Undefined), number, INT(0))
    return _pick(builder, first, first, [0] * LANES)


def fma(builder: Any, left: Any, right: Any, more: Any) -> Any:
    """Return ``left * right + more``, lane by lane, in one step where the host can."""
    # llvmlite cannot spell the suffix of a vector type by itself.
    kind = ir.FunctionType(left.type, [left.type] * 3)
    name = f"llvm.fmuladd.v{left.type.count}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [left, right, more])


def fold(builder: Any, lanes: Any, count: int) -> Any:
    """Add the upper half of the lanes to the lower half until ``count`` are left."""
    while lanes.type.count > count:
        half = lanes.type.count // 2
        low = _pick(builder, lanes, lanes, list(range(half)))
        high = _pick(builder, lanes, lanes, list(range(half, 2 * half)))
        lanes = builder.fadd(low, high)
    return lanes


def sums_of_eight(builder: Any, eight: list[Any]) -> Any:
    """Return eight lanes: the sum of all lanes of each of eight vectors, in their order.

    A tree of seven additions does the work of eight sums; zeros among the eight cost less.
    """
    rows = [fold(builder, lanes, 8) for lanes in eight]
    for low, high in _TREE:
        rows = [
            builder.fadd(_pick(builder, left, right, low), _pick(builder, left, right, high))
            for left, right in zip(rows[::2], rows[1::2], strict=True)
        ]
    return rows[0]


def logistic(builder: Any, lanes: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` of each lane, to about 3e-6; x is cut at 80 either way.

    exp(-x) is 2**k exp(r) with abs(r) <= log(2) / 2.
    """
    count = lanes.type.count
    whole = vector(count, INT)
    bound = constant(80.0, count)
    low, high = builder.fneg(bound), bound
    lanes = builder.select(builder.fcmp_ordered("<", lanes, high), lanes, high)
    lanes = builder.select(builder.fcmp_ordered(">", lanes, low), lanes, low)
    # Adding 1.5 * 2**23 leaves no room for a fraction: the sum ends in the bits of round(x).
    rounder = constant(1.5 * 2**23, count)
    shifted = fma(builder, lanes, constant(-1 / math.log(2), count), rounder)
    power = builder.fsub(shifted, rounder)
    rest = fma(builder, power, constant(-math.log(2), count), builder.fneg(lanes))
    series = constant(1 / 120, count)
    for factorial in (24, 6, 2, 1, 1):
        series = fma(builder, series, rest, constant(1 / factorial, count))
    bits = builder.shl(builder.bitcast(shifted, whole), ir.Constant(whole, [23] * count))
    scale = builder.add(bits, builder.bitcast(constant(1.0, count), whole))
    exponential = builder.fmul(series, builder.bitcast(scale, lanes.type))
    one = constant(1.0, count)
    return builder.fdiv(one, builder.fadd(one, exponential))


def _pick(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    """Return the numbered lanes of two vectors laid side by side."""
    return builder.shuffle_vector(left, right, ir.Constant(vector(len(lanes), INT), lanes))


def written(micro_kernel: Callable[..., None], *arguments: Any) -> Any:
    """Return what an intrinsic must return: its signature, and the micro-kernel as its code.

    Parameters
    ----------
    micro_kernel : callable
        Is handed a `Writer`, then for each argument the pointer to an array's first number, or
        the value of a number.
    arguments : Numba types
        Arrays of float32 or int64, C-contiguous; whole numbers; float32.

    Raises
    ------
    TypingError
        If an argument is something else.

    Notes
    -----
    What is written is optimised with the whole kernel, as if Numba had written it.
    """
    for argument in arguments:
        _check_argument(argument)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        plain = [
            context.make_array(kind)(context, builder, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, values, strict=True)
        ]
        micro_kernel(Writer(context, builder), *plain)
        return context.get_dummy_value()

    kinds = [types.intp if isinstance(kind, _INTEGERS) else kind for kind in arguments]
    return types.void(*kinds), emit


def _check_argument(kind: Any) -> None:
    """Refuse at compile time what a micro-kernel would read wrongly."""
    if isinstance(kind, types.Array):
        good = kind.dtype in (types.float32, types.int64) and kind.layout == "C"
    else:
        good = isinstance(kind, _INTEGERS) or kind == types.float32
    if not good:
        msg = (
            "a micro-kernel takes C-contiguous arrays of float32 or int64, whole numbers and "
            f"float32; got {kind}"
        )
        raise TypingError(msg)


class Writer:
    """Writes a micro-kernel: loops, and vectors of ``LANES`` columns of rows.

    A row is named by the flat offset of its first number. Columns and offsets are LLVM's 64-bit
    integers, or Python's where they are known.
    """

    def __init__(self, context: Any, builder: Any) -> None:
        self._builder = builder
        self._whole = context.get_value_type(types.intp)

    def sum_of(self, *numbers: Any) -> Any:
        """Return the sum of whole numbers."""
        total, *others = (self._number(number) for number in numbers)
        for other in others:
            total = self._builder.add(total, other)
        return total

    def times(self, number: Any, factor: int) -> Any:
        """Return a whole number times a known one."""
        return self._builder.mul(self._number(number), self._whole(factor))

    def whole(self, array: Any, place: Any) -> Any:
        """Read a whole number."""
        return self._builder.load(self._builder.gep(array, [self._number(place)]))

    def wholes(self, array: Any, start: Any, count: int) -> list[Any]:
        """Read neighbouring whole numbers."""
        return [self.whole(array, self.sum_of(start, place)) for place in range(count)]

    def spread(self, array: Any, place: Any) -> Any:
        """Read a number into all lanes."""
        address = self._builder.gep(array, [self._number(place)])
        return self.lanes_of(self._builder.load(address))

    def lanes_of(self, number: Any) -> Any:
        """Return a number in all lanes."""
        return splat(self._builder, number)

    def load(self, array: Any, row: Any, column: Any = 0, lanes: int = 0) -> Any:
        """Read columns of a row."""
        address = self._builder.gep(array, [self.sum_of(row, column)])
        return load(self._builder, address, lanes or LANES)

    def store(self, lanes: Any, array: Any, row: Any, column: Any = 0) -> None:
        """Write columns of a row."""
        store(self._builder, lanes, self._builder.gep(array, [self.sum_of(row, column)]))

    def prefetch(self, array: Any, row: Any, column: Any) -> None:
        """Ask for the cache line of a column."""
        prefetch(self._builder, self._builder.gep(array, [self.sum_of(row, column)]))

    def fma(self, left: Any, right: Any, more: Any) -> Any:
        """Return ``left * right + more``."""
        return fma(self._builder, left, right, more)

    def product(self, left: Any, right: Any, more: Any) -> Any:
        """Return ``left * right``, plus more where there is more."""
        return self.multiply(left, right) if more is None else self.fma(left, right, more)

    def add(self, left: Any, right: Any) -> Any:
        """Return ``left + right``."""
        return self._builder.fadd(left, right)

    def subtract(self, left: Any, right: Any) -> Any:
        """Return ``left - right``."""
        return self._builder.fsub(left, right)

    def multiply(self, left: Any, right: Any) -> Any:
        """Return ``left * right``."""
        return self._builder.fmul(left, right)

    def sums_of_eight(self, vectors: list[Any]) -> Any:
        """Return the sums of up to eight vectors as eight lanes."""
        zeros = [constant(0.0, LANES)] * (8 - len(vectors))
        return sums_of_eight(self._builder, [*vectors, *zeros])

    def total(self, vectors: list[Any]) -> Any:
        """Return the sum of all lanes of some vectors, in all lanes."""
        while len(vectors) > 1:
            half = len(vectors) // 2
            pairs = zip(vectors[:half], vectors[half : 2 * half], strict=True)
            vectors = [*(self.add(*pair) for pair in pairs), *vectors[2 * half :]]
        return self.lanes_of(
            self._builder.extract_element(fold(self._builder, vectors[0], 1), INT(0))
        )

    def steps(self, scores: Any, labels: Any, rates: Any) -> Any:
        """Return ``rates * (labels - logistic(scores))``."""
        guesses = logistic(self._builder, scores)
        return self._builder.fmul(self._builder.fsub(labels, guesses), rates)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: int) -> Iterator[Any]:
        """Write what follows as the body of a loop; gives the number that counts."""
        ends = self._number(start), self._number(stop), self._whole(step)
        with cgutils.for_range_slice(self._builder, *ends, self._whole) as (index, _):
            yield index

    def blocks(self, width: Any, size: int) -> Iterator[tuple[range, Any]]:
        """Write what follows twice: for blocks of ``size`` vectors of columns, and for the rest.

        Gives the offsets of the vectors within a block, and where the block starts.
        """
        block = size * LANES
        whole = self._builder.mul(self._builder.sdiv(width, self._whole(block)), self._whole(block))
        with self.loop(0, whole, block) as at:
            yield range(0, block, LANES), at
        with self.loop(whole, width, LANES) as at:
            yield range(0, LANES, LANES), at

    def running_sums(self, count: int) -> list[_Sum]:
        """Make vectors of zeros that loops add to."""
        return [_Sum(self._builder) for _ in range(count)]

    def _number(self, number: Any) -> Any:
        return self._whole(number) if isinstance(number, int) else number


class _Sum:
    """A vector that changes from turn to turn of a loop; LLVM keeps it in a register."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._place = cgutils.alloca_once(builder, vector(LANES))
        builder.store(constant(0.0, LANES), self._place)

    @property
    def value(self) -> Any:
        """The sum so far."""
        return self._builder.load(self._place)

    def add_product(self, left: Any, right: Any) -> None:
        """Add ``left * right``."""
        self._builder.store(fma(self._builder, left, right, self.value), self._place)
