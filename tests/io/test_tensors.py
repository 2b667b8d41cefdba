"""Safetensors files: whole or not at all, and told what is wrong with them."""

import numpy as np
import pytest

import bpx
from bpx.io import tensors


def test_arrays_and_metadata_come_back(tmp_path):
    path = tmp_path / "some.safetensors"
    x = np.arange(12.0).reshape(3, 4)
    given = {"x": x, "turned": x.T, "every_other": x[:, ::2]}
    tensors.write(path, given, {"key": "value"})
    with tensors.opened(path, "a test") as file:
        found, metadata = tensors.arrays(file), file.metadata()
    assert metadata == {"key": "value"}
    assert found.keys() == given.keys()
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_file_that_is_not_there_or_truncated_names_its_writer(tmp_path):
    path = tmp_path / "some.safetensors"
    tensors.write(path, {"x": np.ones(9)}, {})
    path.write_bytes(path.read_bytes()[:-1])
    with (
        pytest.raises(bpx.FileFormatError, match=r"truncated .* one that a test wrote"),
        tensors.opened(path, "a test"),
    ):
        pass
    with (
        pytest.raises(bpx.InputError, match=r"there is no file .*; expected one that a test"),
        tensors.opened(tmp_path / "none", "a test"),
    ):
        pass


def test_an_onnx_model_names_what_reads_it(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x0a\x12\x05torch" * 9)
    with pytest.raises(
        bpx.FileFormatError, match=r"Network\.save wrote: bpx\.from_onnx reads ON"
    ):
        bpx.load(path)
