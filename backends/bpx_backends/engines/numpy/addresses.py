"""What compiled code does with an address: read and write there, call it, copy from it."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "bool_at",
    "call",
    "copy_bytes",
    "float32_at",
    "float64_at",
    "int8_at",
    "int16_at",
    "int32_at",
    "int64_at",
    "product32",
    "product64",
    "uint8_at",
    "uint16_at",
    "uint32_at",
    "uint64_at",
]

_BYTE = ir.IntType(8).as_pointer()
_INT, _LONG = ir.IntType(32), ir.IntType(64)


def _array(element: Any) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def at(context: Any, address: Any) -> Any:
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(*values, context.get_value_type(signature.return_type))

        return types.CPointer(element)(types.int64), write

    return at


bool_at = _array(types.uint8)
"""numba cannot store booleans through a pointer."""
int8_at, uint8_at = _array(types.int8), _array(types.uint8)
int16_at, uint16_at = _array(types.int16), _array(types.uint16)
int32_at, uint32_at = _array(types.int32), _array(types.uint32)
int64_at, uint64_at = _array(types.int64), _array(types.uint64)
float32_at, float64_at = _array(types.float32), _array(types.float64)


@intrinsic  # type: ignore[untyped-decorator]
def call(context: Any, function: Any, block: Any) -> Any:
    """Call ``void function(int64 *block)``; both are addresses."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_BYTE]).as_pointer()
        builder.call(builder.inttoptr(values[0], kind), [builder.inttoptr(values[1], _BYTE)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), write


@intrinsic  # type: ignore[untyped-decorator]
def copy_bytes(context: Any, to: Any, source: Any, count: Any) -> Any:
    """Copy so many bytes between addresses, which do not overlap."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        to, source = (builder.inttoptr(each, _BYTE) for each in values[:2])
        cgutils.raw_memcpy(builder, to, source, values[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), write


def _product(real: Any, of_real: ir.Type) -> Any:
    size = types.int64

    @intrinsic  # type: ignore[untyped-decorator]
    def product(  # cblas's, row by row
        context: Any, function: Any, first: Any, second: Any, m: Any, n: Any, k: Any,
        alpha: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any, c: Any, ldc: Any,
    ) -> Any:  # fmt: skip
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            function, first, second, *others = values
            flags_and_sizes = [*[_INT] * 3, *[_LONG] * 3]
            kind = ir.FunctionType(
                ir.VoidType(),
                [*flags_and_sizes, of_real, *[_BYTE, _LONG] * 2, of_real, _BYTE, _LONG],
            )
            for i in (4, 6, 9):
                others[i] = builder.inttoptr(others[i], _BYTE)
            flags = [builder.trunc(each, _INT) for each in (first, second)]
            called = builder.inttoptr(function, kind.as_pointer())
            builder.call(called, [_INT(101), *flags, *others])
            return context.get_dummy_value()

        return types.void(
            size, size, size, size, size, size, real, size, size, size, size, real, size, size
        ), write

    return product


product32 = _product(types.float32, ir.FloatType())
product64 = _product(types.float64, ir.DoubleType())
