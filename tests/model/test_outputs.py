"""Outputs in chunks, and the classes that they mean."""

import numpy as np
import pytest

import bpx
from bpx.model.outputs import are_probable, check_classes, classes, outputs
from tests.backends import host


@pytest.mark.parametrize("immutable", [True, False, None])
def test_chunks_are_put_together_as_the_library_allows(monkeypatch, immutable):
    net, x = bpx.Network([3, 2], seed=0, backend="numpy"), np.ones((7, 3), "float32")
    whole = net.predict(x)
    parts = lambda spec, x: iter([x[:3, ...], x[3:6, ...], x[6:, ...]])  # noqa: E731
    monkeypatch.setattr("bpx.model.outputs.chunks", parts)
    if immutable is None:
        monkeypatch.delattr(net.home.backend, "immutable")
    else:
        monkeypatch.setattr(net.home.backend, "immutable", immutable)
    joins = []
    concat = np.concat
    monkeypatch.setattr(np, "concat", lambda arrays: joins.append(1) or concat(arrays))
    np.testing.assert_array_equal(net.predict(x), whole)
    assert bool(joins) == (immutable is not False)  # who does not say, may not be written


def test_outputs_of_many_samples_are_those_of_each(target, monkeypatch):
    net = target.network([4, 3, 2], seed=0, dtype="float64")
    x = target.asarray(np.random.default_rng(0).random((9, 4)), "float64")
    whole = host(net.forward(x).a[-1])
    fours = lambda spec, x: (x[i : min(i + 4, 9), :] for i in (0, 4, 8))  # noqa: E731
    monkeypatch.setattr("bpx.model.outputs.chunks", fours)
    np.testing.assert_allclose(host(outputs(net.spec, net.parameters, x)), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], [1, 0]),
        ([[0.5], [0.51], [0.0]], [0, 1, 0]),
        ([[0.9, 0.6], [0.1, 0.4], [0.2, 0.2]], [0, 1, 0]),
    ],
)
def test_classes(target, a, expected):
    found = classes(target.asarray(a))
    assert host(found).tolist() == expected
    assert str(found.dtype).endswith("int32")


@pytest.mark.parametrize("output", ["identity", "tanh", "relu"])
def test_a_single_number_is_no_class(output):
    with pytest.raises(bpx.InputError, match=rf"{output}.*use predict"):
        check_classes(bpx.Network([2, 1], output=output, seed=0).spec)
    check_classes(bpx.Network([2, 3], output=output, seed=0).spec)
    check_classes(bpx.Network([2, 1], seed=0).spec)


def test_which_outputs_can_be_probabilities():
    sigmoid = bpx.activations.sigmoid
    own = bpx.Elementwise("mine", sigmoid.sigma, sigmoid.sigma_prime)
    within = bpx.Elementwise("mine", sigmoid.sigma, sigmoid.sigma_prime, reach=(0.0, 1.0))
    expected = {"sigmoid": True, "softmax": True, "identity": False, "tanh": False}
    for output, is_so in {**expected, own: False, within: True}.items():
        assert are_probable(bpx.Network([2, 2], output=output, seed=0).spec) is is_so
