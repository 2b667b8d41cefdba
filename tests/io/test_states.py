"""Files of a training's state: what is read is what was written, and nothing else."""

import json

import numpy as np
import pytest

import bpx
from bpx.io import states, tensors


def test_arrays_and_numbers_come_back(tmp_path):
    path = tmp_path / "state.safetensors"
    arrays = {"parameters.w[0]": np.ones((2, 3)), "optimizer.t": np.array([4], "int32")}
    states.save(path, arrays, {"epochs": 2, "seed": 2**60})
    found, numbers = states.read(path)
    assert numbers == {"epochs": 2, "seed": 2**60}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    "told",
    [
        None,
        "no json",
        "[]",
        "{}",
        json.dumps({"format": 2, "epochs": 1}),
        json.dumps({"format": 1, "epochs": -1}),
        json.dumps({"format": 1, "epochs": True}),
        json.dumps({"format": 1, "epochs": 1.5}),
    ],
)
def test_what_save_state_did_not_write_is_refused(tmp_path, told):
    path = tmp_path / "state.safetensors"
    tensors.write(path, {"x": np.ones(2)}, {} if told is None else {"bpx.training": told})
    with pytest.raises(bpx.FileFormatError, match="expected a file that save_state wrote"):
        states.read(path)
