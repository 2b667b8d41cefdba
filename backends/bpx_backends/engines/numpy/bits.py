"""The bits of a number as those of another type, in kernels."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["float32_of", "float64_of", "int32_of", "int64_of"]


def _cast(source: Any, target: Any, of_target: ir.Type) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def cast(context: Any, x: Any) -> Any:
        return target(source), lambda c, builder, s, values: builder.bitcast(*values, of_target)

    return cast


int32_of = _cast(types.float32, types.int32, ir.IntType(32))
float32_of = _cast(types.int32, types.float32, ir.FloatType())
int64_of = _cast(types.float64, types.int64, ir.IntType(64))
float64_of = _cast(types.int64, types.float64, ir.DoubleType())
