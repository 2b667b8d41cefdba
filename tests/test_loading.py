"""Reading a network, to wherever it shall live."""

import numpy as np
import pytest

import bpx


def network(**settings):
    return bpx.Network(
        [4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1, **settings
    )


def test_the_dtype_can_be_chosen_on_loading(tmp_path):
    network(dtype="float64").save(tmp_path / "net")
    assert bpx.load(tmp_path / "net", dtype="float32").weights[0].dtype == np.float32


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(bpx.InputError, match="there is no file"):
        bpx.load(tmp_path / "absent")


def test_a_load_into_an_unusable_backend_says_so(tmp_path):
    network().save(tmp_path / "net")
    with pytest.raises(bpx.BackendError):
        bpx.load(tmp_path / "net", backend="strict:device9")
