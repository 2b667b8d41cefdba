"""The arrays in an ONNX file, none larger than what the file holds of it."""

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpx.errors import FileFormatError

__all__ = ["DOUBLE", "FLOAT", "array_of"]

FLOAT, DOUBLE = 1, 11
"""The numbers of float32 and float64 in TensorProto.DataType."""


class _Kind(NamedTuple):
    """A type of elements: how raw data holds it, and the field that holds it otherwise."""

    dtype: str
    field: str


_AXES = 8
_KINDS = {
    FLOAT: _Kind("<f4", "float_data"),
    DOUBLE: _Kind("<f8", "double_data"),
    6: _Kind("<i4", "int32_data"),
    7: _Kind("<i8", "int64_data"),
    9: _Kind("?", "int32_data"),
}


def array_of(tensor: Any, label: str) -> NDArray[Any]:
    """Return the values of a TensorProto, which may share its memory.

    Raises
    ------
    FileFormatError
        If they are in another file, of a type that bpx does not read, or do not fit the shape.
    """
    shown = f"{label}: the array {tensor.name!r}"
    kind = _KINDS.get(tensor.data_type)
    if tensor.data_location or tensor.external_data:
        raise FileFormatError(
            f"{shown} is in another file; expected a model in one file: "
            "torch.onnx.export(..., external_data=False) writes one, and "
            "bpx.from_onnx(onnx.load(path)) reads a model of several"
        )
    if kind is None:
        raise FileFormatError(
            f"{shown} has the type {tensor.data_type} of ONNX; expected float32 or float64"
        )
    if len(tensor.dims) > _AXES:
        raise FileFormatError(f"{shown} has {len(tensor.dims)} axes; expected at most {_AXES}")
    values, shape = _values(tensor, kind, shown), tuple(tensor.dims)
    if min(shape, default=1) < 1 or prod(shape) != len(values):
        raise FileFormatError(
            f"{shown} has the shape {shape} and {len(values)} elements; expected as many as "
            "the shape says, and at least one"
        )
    return values.reshape(shape)


def _values(tensor: Any, kind: _Kind, shown: str) -> NDArray[Any]:
    dtype = np.dtype(kind.dtype)
    if tensor.HasField("raw_data"):
        raw = tensor.raw_data
        if len(raw) % dtype.itemsize:
            raise FileFormatError(f"{shown} is truncated")
        return np.frombuffer(raw, dtype)
    held = getattr(tensor, kind.field)
    # One by one: a list of Python's numbers would take eight times the memory.
    return np.fromiter(held, dtype, len(held))
