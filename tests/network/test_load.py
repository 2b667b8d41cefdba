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


def test_the_file_does_not_say_where_a_network_shall_live(tmp_path):
    pytest.importorskip("array_api_strict", reason="the other backend is array-api-strict")
    network(dtype="float64").save(tmp_path / "net")
    given = bpx.load(tmp_path / "net", backend="strict:device1")
    with bpx.use("strict:device1"):
        chosen = bpx.load(tmp_path / "net")
    for each in (given, chosen):
        assert (str(each.home), each.home.dtype) == ("strict:device1", "float64")
    assert str(bpx.load(tmp_path / "net").home) == "numpy"


def test_a_loaded_network_goes_on_as_the_saved_one_would(tmp_path):
    net, rng = network(dtype="float64", feedback="brsf"), np.random.default_rng(0)
    data = rng.random((20, 4)), np.arange(20) % 3
    settings = {"epochs": 2, "batch_size": 5, "optimizer": bpx.SGD(0.5), "seed": 0}
    net.fit(*data, **settings)
    net.save(tmp_path / "net")
    loaded = bpx.load(tmp_path / "net")
    assert loaded.seed == net.seed
    for each in (net, loaded):
        each.fit(*data, **settings)
    for one, other in zip(loaded.weights, net.weights, strict=True):
        np.testing.assert_array_equal(one, other)
