"""``bpx predict``: what is written can be read again."""

import os

import numpy as np
import pytest

import bpx
from tests.cli.invoked import ok, refused


@pytest.mark.parametrize("given", ["inputs.csv", "bare.csv", "inputs.npy"])
@pytest.mark.parametrize("suffix", ["csv", "npy"])
def test_predictions_make_the_round_trip(trained, given, suffix):
    assert ok("predict", trained, given, "--out", f"out.{suffix}") == ""
    network = bpx.load("run/network.safetensors")
    expected = network.predict(bpx.data.read("inputs.npy").x)
    if suffix == "npy":
        found = np.load("out.npy")
    else:
        found = np.loadtxt("out.csv", delimiter=",", dtype=np.float32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_labels(trained):
    expected = bpx.load("run/network.safetensors").classify(bpx.data.read("inputs.npy").x)
    ok("predict", trained, "inputs.npy", "--labels", "--out", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected)
    printed = ok("predict", trained, "inputs.csv", "--labels", "--out", "-")
    assert [int(line) for line in printed.splitlines()] == expected.tolist()


def test_predictions_are_written_at_once_or_not_at_all(trained, monkeypatch):
    ok("predict", trained, "inputs.csv", "--out", "out.csv")
    with open("out.csv", encoding="utf-8") as file:
        before = file.read()

    def fails(file, *_, **__):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savetxt", fails)
    said = refused("predict", trained, "inputs.csv", "--out", "out.csv")
    assert "out.csv cannot be written: No space left on device" in said
    with open("out.csv", encoding="utf-8") as file:
        assert file.read() == before
    assert not [name for name in os.listdir() if name.startswith(".")]
