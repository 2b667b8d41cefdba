"""The methods for exports: what they write, and what they leave as it was."""

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from tests.export.onnx.runtime import agree, answers


def test_the_text_is_what_is_written(tmp_path):
    net = bpx.Network([3, 4, 2], seed=0)
    text = net.to_c(tmp_path / "model.c", name="tiny")
    assert (tmp_path / "model.c").read_text(encoding="utf-8") == text
    assert "void tiny_predict(const float *x, float *y)" in text


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "model.c").write_text("before")
    with pytest.raises(InputError):
        bpx.Network([3, 2], seed=0).to_c(tmp_path / "model.c", batch_size=-1)
    assert (tmp_path / "model.c").read_text() == "before"
    with pytest.raises(InputError, match="cannot be written"):
        bpx.Network([3, 2], seed=0).to_c(tmp_path / "missing" / "model.c")


def test_the_network_is_unchanged():
    net = bpx.Network([3, 4, 2], dropout=0.5, seed=0)
    before = net.weights
    net.to_c(training=True, optimizer=bpx.Adam())
    assert all(one is other for one, other in zip(before, net.weights, strict=True))


def test_to_onnx_writes_what_it_returns(tmp_path):
    net = bpx.Network([3, 4, 2], seed=0)
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    model = net.to_onnx(path)
    assert path.read_bytes() == model.SerializeToString()
    x = np.ones((2, 3), np.float32)
    agree(answers(model, {"x": x})["y"], net.predict(x))


def test_a_file_stays_if_the_export_fails(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(bpx.InputError):
        bpx.Network([3, 2], seed=0).to_onnx(path, opset=3)
    assert path.read_bytes() == b"old"
