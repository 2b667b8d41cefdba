"""Arrays without numbers, and the operations on them."""

import numpy as np
import pytest

from bpx.program.operation import DTYPES, HALVES, Operation, Value, dtype_of, needed


@pytest.mark.parametrize("name", [each for each in DTYPES if each != "bfloat16"])
def test_dtypes_are_as_numpys(name):
    dtype, theirs = dtype_of(name), np.dtype(name)
    assert dtype.itemsize == theirs.itemsize
    assert np.isdtype(theirs, dtype.kind)
    assert str(dtype) == dtype.name == name


def test_numpy_has_all_but_bfloat16():
    dtype = dtype_of("bfloat16")
    assert (dtype.itemsize, dtype.kind, str(dtype)) == (2, "real floating", "bfloat16")
    assert set(HALVES) == {each.name for each in DTYPES.values() if each.itemsize == 2} - {
        "int16", "uint16"
    }  # fmt: skip


def test_there_is_no_other_dtype():
    with pytest.raises(KeyError):
        dtype_of("complex64")


@pytest.mark.parametrize(
    ("shape", "size"), [((), 1), ((3,), 3), ((3, 4), 12), ((0, 4), 0), ((2, 1, 5), 10)]
)
def test_sizes_of_a_value(shape, size):
    value = Value(shape, dtype_of("int16"))
    assert (value.size, value.nbytes) == (size, 2 * size)


def test_values_are_equal_only_to_themselves():
    one, other = (Value((2,), dtype_of("float32"), "x") for _ in range(2))
    assert one != other
    assert len({one, other}) == 2


def test_an_operation_tells_arrays_from_numbers():
    x = Value((2,), dtype_of("float32"))
    operation = Operation("where", (x, 1.0, x), x, (("axis", 0),))
    assert operation.values == (x, x)
    assert operation.attribute("axis") == 0
    assert operation.attribute("keepdims") is None
    assert operation.attribute("keepdims", False) is False


def test_what_an_output_does_not_depend_on_is_not_needed():
    x, y, z, other = (Value((2,), dtype_of("float32"), name) for name in ("x", "", "", ""))
    one = Operation("exp", (x,), y)
    two = Operation("add", (y, 1.0), z)
    left = Operation("multiply", (y, y), other)
    assert needed([one, left, two], [z]) == (one, two)
    assert needed([one, left, two], [x]) == ()
