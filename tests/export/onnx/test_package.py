"""Where onnx is missing, the message says how to install it."""

import sys

import pytest

import bpx


def test_it_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(bpx.BackendError, match=r"pip install 'onnx>=1\.18'"):
        bpx.Network([2, 1], seed=0).to_onnx()
