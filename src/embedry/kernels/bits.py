"""Bytes by the vector and bits by the word for kernels: what Numba has no name for.

What it is: the few LLVM instructions that a loop over text needs. What it is not: a check. As
in ``simd``, pointers are raw: the 8 or 64 bytes from the offset on must lie inside the array.
Outside a compiled function they cannot be called. No instruction set is assumed: LLVM splits a
vector that is wider than the registers it finds.

References
----------
LLVM language reference, "Vector Operations", "llvm.cttz" and "llvm.prefetch".
"""

# ruff: noqa: ARG001  (Numba reads the names and number of an intrinsic's arguments)
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import types
from numba.core.errors import TypingError

__all__ = ["ask_for", "bytes_within", "eight_bytes", "shift_bytes", "trailing_zeros"]

# An intrinsic is called without the typing context, which Numba's annotation does not say.
intrinsic: Any = extending.intrinsic

_BYTE, _INT, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_MANY = ir.VectorType(_BYTE, 64)


def _check_bytes(array: Any) -> None:
    """Refuse at compile time what raw addresses would read wrongly."""
    if not (isinstance(array, types.Array) and array.dtype == types.uint8 and array.layout == "C"):
        msg = f"bytes need a C-contiguous uint8 array; got {array}"
        raise TypingError(msg)


def _address(context: Any, builder: Any, signature: Any, values: Any, kind: ir.Type) -> Any:
    """Return where element ``values[1]`` of array ``values[0]`` is, as a pointer to ``kind``."""
    data = context.make_array(signature.args[0])(context, builder, values[0]).data
    return builder.bitcast(builder.gep(data, [values[1]]), kind.as_pointer())


def _splat(builder: Any, byte: Any) -> Any:
    first = builder.insert_element(ir.Constant(_MANY, ir.Undefined), byte, _INT(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_INT, 64), [0] * 64))


def _within(builder: Any, many: Any, low: Any, span: Any) -> Any:
    above = builder.sub(many, _splat(builder, low))
    return builder.icmp_unsigned("<=", above, _splat(builder, span))


@intrinsic
def trailing_zeros(_typing: Any, bits: Any) -> Any:
    """Return the place of the lowest bit that is set, as int64; some bit must be."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), emit


@intrinsic
def eight_bytes(_typing: Any, array: Any, offset: Any) -> Any:
    """Read eight bytes of a C-contiguous uint8 array from ``offset`` on, as one uint64."""
    _check_bytes(array)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_address(context, builder, signature, values, _WORD), align=1)

    return types.uint64(array, types.intp), emit


@intrinsic
def bytes_within(_typing: Any, array: Any, offset: Any, low: Any, span: Any) -> Any:
    """Return 64 bits: which of 64 bytes from ``offset`` on are from low to low + span."""
    _check_bytes(array)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        many = builder.load(_address(context, builder, signature, values, _MANY), align=1)
        return builder.bitcast(_within(builder, many, *values[2:]), _WORD)

    return types.uint64(array, types.intp, types.uint8, types.uint8), emit


@intrinsic
def shift_bytes(_typing: Any, array: Any, offset: Any, low: Any, span: Any, shift: Any) -> Any:
    """Add ``shift`` to those of 64 bytes from ``offset`` on that are from low to low + span."""
    _check_bytes(array)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _address(context, builder, signature, values, _MANY)
        many = builder.load(place, align=1)
        chosen = builder.sext(_within(builder, many, *values[2:4]), _MANY)
        shifts = builder.and_(chosen, _splat(builder, values[4]))
        builder.store(builder.add(many, shifts), place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint8, types.uint8, types.uint8), emit


@intrinsic
def ask_for(_typing: Any, array: Any, offset: Any) -> Any:
    """Ask for the cache line of the flat ``offset`` of an array, soon to be read and written."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _address(context, builder, signature, values, _BYTE)
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT, _INT, _INT])
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [_BYTE.as_pointer()], fnty=kind
        )
        to_write, all_caches, data = (ir.Constant(_INT, number) for number in (1, 3, 1))
        builder.call(function, [place, to_write, all_caches, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit
