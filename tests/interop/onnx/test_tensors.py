"""Arrays of files: their values, and the lies that they are refused for."""

import numpy as np
import pytest

import bpx

onnx = pytest.importorskip("onnx", reason="the imports need onnx")

from bpx.interop.onnx.tensors import array_of  # noqa: E402 - after the skip

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.bool_]


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_values(dtype, raw):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    values = array.tobytes() if raw else array.reshape(-1).tolist()
    tensor = onnx.helper.make_tensor("a", kind, (2, 3), values, raw=raw)
    found = array_of(tensor, "m.onnx")
    assert found.dtype == dtype
    assert (found == array).all()


def lie(**changed):
    tensor = onnx.numpy_helper.from_array(np.ones((2, 3), np.float32), "a")
    for name, value in changed.items():
        field = getattr(tensor, name)
        if name == "external_data":
            field.add(key="location", value="/etc/passwd")
        elif isinstance(value, list):
            del field[:]
            field.extend(value)
        else:
            setattr(tensor, name, value)
    return tensor


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dims": [2, 4]}, r"the array 'a' has the shape \(2, 4\) and 6 elements"),
        ({"dims": [10**12, 10**12]}, "and 6 elements"),
        ({"dims": [-2, -3]}, "and 6 elements"),
        ({"dims": [0, 6]}, "and 6 elements"),
        ({"dims": [1] * 9}, "has 9 axes; expected at most 8"),
        ({"raw_data": b"12345"}, "is truncated"),
        ({"raw_data": b""}, "and 0 elements"),
        ({"data_type": 8}, "has the type 8 of ONNX; expected float32 or float64"),
        ({"data_type": 999}, "has the type 999"),
        ({"data_location": 1}, r"is in another file; expected .*external_data=False\)"),
        ({"external_data": None}, r"is in another file; .* bpx\.from_onnx\(onnx\.load\(path"),
    ],
)
def test_lies(changed, message):
    with pytest.raises(bpx.FileFormatError, match=message):
        array_of(lie(**changed), "m.onnx")
