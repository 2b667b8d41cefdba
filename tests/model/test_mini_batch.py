"""A mini-batch is brought home by its shapes and dtypes; a device is not asked for values."""

import numpy as np
import pytest

import bpx
from bpx.arrays import registry
from bpx.model.mini_batch import mini_batch, row_weights
from tests.backends import assert_at_home, host
from tests.training.small import network, samples


def test_it_arrives_at_home(target):
    (x, y), net = samples(), network(target)
    found = mini_batch(net.home, net.spec, x, y)
    assert_at_home(found.x, net, "float32")
    assert (found.accuracy, found.s) == ("argmax", None)
    assert "int32" in str(found.y.dtype)
    np.testing.assert_array_equal(host(found.y), y)


def test_arrays_that_are_there_are_taken_as_they_are(target):
    (x, y), net = samples(), network(target)
    x, y = target.asarray(x), target.asarray(y, "int32")
    found = mini_batch(net.home, net.spec, x, y)
    assert found.x is x
    assert found.y is y


def test_no_value_of_a_librarys_own_array_is_read(monkeypatch):
    """That would wait for the device at every step."""
    torch = pytest.importorskip("torch", reason="a library with devices")
    net = bpx.Network([5, 4, 3], backend="torch:cpu", seed=0)
    x, y = torch.ones(6, 5), torch.full((6,), 7)

    def read(array):
        raise AssertionError

    monkeypatch.setattr(registry.by_name("torch"), "to_host", read)
    monkeypatch.setattr(torch.Tensor, "__bool__", read)
    monkeypatch.setattr(torch.Tensor, "item", read)
    found = mini_batch(net.home, net.spec, x, y)
    assert found.y.dtype == torch.int32
    assert row_weights(net.home, torch.ones(6, 1), 6).shape == (6,)


def test_bytes_stay_bytes_and_numbers_become_the_homes(target):
    net = target.network([5, 4, 1], seed=0)
    found = mini_batch(net.home, net.spec, np.ones((4, 5), "uint8"), np.arange(4))
    assert "uint8" in str(found.x.dtype)
    assert "float32" in str(found.y.dtype)  # never an integer, for the cost's sake


@pytest.mark.parametrize(
    ("output", "y", "accuracy"),
    [
        ("sigmoid", np.array([0, 1, 1]), "threshold"),
        ("sigmoid", np.array([True, False, True]), "threshold"),
        ("sigmoid", np.array([0.0, 1.0, 1.0]), None),
        ("identity", np.array([0, 1, 1]), None),
    ],
)
def test_what_counts_as_right_is_told_by_the_dtype(output, y, accuracy):
    net = bpx.Network([2, 1], output=output, seed=0)
    assert mini_batch(net.home, net.spec, np.ones((3, 2)), y).accuracy == accuracy


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (
            np.ones((3, 4)),
            np.arange(3),
            r"x has shape \(3, 4\); expected \(n, 5\)",
        ),
        (np.ones((0, 5)), np.arange(0), r"x is empty, with shape \(0, 5\)"),
        (np.ones(5), np.arange(1), r"x has shape \(5,\)"),
        (np.ones((3, 5)), np.zeros((3, 1), int), r"expected labels \(3,\).*: y\[:, 0\]"),
        (
            np.ones((3, 5)),
            np.arange(4),
            r"y has shape \(4,\); expected labels \(3,\) or",
        ),
        (np.ones((3, 5)), np.array([0, 1, 3]), r"y\[2\] is 3"),
        (np.ones((3, 5)), np.array([0.5, 1, 2]), r"y\[0\] is 0.5"),
        (
            np.full((3, 5), 1e300),
            np.arange(3),
            "a number that overflows float32, first in row 0",
        ),
        (np.ones((3, 5)), np.full((3, 3), np.nan), "y holds NaN"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(x, y, said):
    net = network()
    with pytest.raises(bpx.InputError, match=said):
        mini_batch(net.home, net.spec, x, y)


def test_numbers_that_are_no_labels_of_a_library_are_refused():
    torch = pytest.importorskip("torch", reason="a library with devices")
    net = bpx.Network([5, 4, 3], backend="torch:cpu", seed=0)
    with pytest.raises(bpx.InputError, match="labels for 3 outputs are integers"):
        mini_batch(net.home, net.spec, torch.ones(3, 5), torch.ones(3))


def test_targets_that_the_cost_has_no_meaning_for_are_refused():
    net = bpx.Network([2, 1], cost="cross_entropy", seed=0)
    with pytest.raises(bpx.InputError, match=r"y is outside \[0, 1\] in row 1"):
        mini_batch(net.home, net.spec, np.ones((2, 2)), np.array([0.5, 2.0]))


def test_row_weights_are_one_for_each_sample():
    home = network().home
    for r in (0.5, np.full(3, 0.5), np.full((3, 1), 0.5), [0.5, 0.5, 0.5]):
        np.testing.assert_array_equal(row_weights(home, r, 3), np.full(3, 0.5, "float32"))
    with pytest.raises(bpx.InputError, match=r"r has shape \(1, 3\) for 3 samples"):
        row_weights(home, np.ones((1, 3)), 3)
