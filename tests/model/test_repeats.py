"""Computations with the same parameters: which are bound, for how long, and for whom."""

import copy
import pickle
from threading import Thread

import numpy as np
import pytest

import bpx
from bpx.layers import residual
from bpx.model import outputs
from bpx.model.repeats import AFTER, MOST
from bpx_backends import _numpy
from tests.backends import host

LAYERS = {
    "dense": ((4, 5, 3), {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}),
    "norms": ((4, 5, 6, 3), {"norm": "layer", "dropout": 0.5, "hidden": "gelu_tanh"}),
    "batch": ((4, 5, 3), {"norm": "batch", "hidden": "silu"}),
    "softplus": ((4, 5, 1), {"hidden": "softplus", "output": "identity"}),
    "elu": ((4, 5, 2), {"hidden": "elu", "output": "exponential"}),
    "leaky": ((4, 5, 2), {"hidden": "leaky_relu"}),
}


@pytest.fixture
def bindings(monkeypatch):
    """How often a function was bound."""
    found, bind = [], _numpy.bound
    monkeypatch.setattr(_numpy, "bound", lambda *given: found.append(1) or bind(*given))
    return found


def rows(n, k=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n, k)).astype("float32")


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_bits_are_those_of_the_passes(kind, n, bindings):
    sizes, settings = LAYERS[kind]
    net = bpx.Network(sizes, seed=0, backend="numpy", **settings)
    for i in range(AFTER + 3):
        x = rows(n, seed=i)
        np.testing.assert_array_equal(net.predict(x), net.forward(x).a[-1])
    assert len(bindings) == 1


def test_skips_and_embeddings_are_bound_too(bindings):
    layers = [bpx.Embedding(4, columns=[3], levels=[3], dim=2), bpx.Dense(5, 6, "relu")]
    layers += [bpx.Residual([bpx.Dense(6, 6, "relu")]), bpx.Dense(6, 2, "sigmoid")]
    net = bpx.Network(layers, seed=0, backend="numpy")
    assert any(isinstance(each, residual.Add) for each in net.spec.layers)
    for i in range(AFTER + 3):
        x = rows(4, seed=i)
        x[:, 3] = [0, 1, 2, 1]
        np.testing.assert_array_equal(net.predict(x), net.forward(x).a[-1])
    assert len(bindings) == 1


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float64"])
def test_samples_of_other_dtypes_are_cast_as_before(dtype):
    net = bpx.Network([4, 5, 3], seed=0, backend="numpy")
    for i in range(AFTER + 3):
        x = (10 * rows(3, seed=i)).astype(dtype)
        expected = net.forward(x.astype("float32")).a[-1]
        np.testing.assert_array_equal(net.predict(x), expected)


def test_outputs_are_in_memory_of_their_own(target):
    net = target.network([4, 5, 3], seed=0)
    x = target.asarray(rows(2))
    found = [net.predict(x) for _ in range(AFTER + 4)]
    kept = [np.array(host(each)) for each in found]
    net.predict(target.asarray(rows(2, seed=1)))
    for each, then in zip(found, kept, strict=True):
        np.testing.assert_array_equal(host(each), then)


def test_weights_that_are_written_are_read(bindings):
    net, x = bpx.Network([4, 5, 3], seed=0, backend="numpy"), rows(2)
    for _ in range(AFTER + 1):
        net.predict(x)
    net.weights[0][...] *= 2.0
    np.testing.assert_array_equal(net.predict(x), net.forward(x).a[-1])
    net.parameters = [w + 1.0 for w in net.weights], net.biases
    np.testing.assert_array_equal(net.predict(x), net.forward(x).a[-1])
    assert len(bindings) == 1


def test_a_part_of_a_users_own_runs_at_each_call(bindings):
    calls = []

    def sigma(z):
        calls.append(1)
        return z * 1.0

    own = bpx.Elementwise("own", sigma, lambda z, a: z * 0.0 + 1.0)
    net = bpx.Network([4, 5, 3], hidden=own, seed=0, backend="numpy")
    for _ in range(2 * AFTER):
        net.predict(rows(2))
    assert len(calls) == 2 * AFTER
    assert not bindings


def test_an_activation_that_only_has_the_name_of_one_is_a_users_own():
    mine = bpx.Elementwise("relu", lambda z: z, lambda z, a: z * 0.0 + 1.0)
    assert not bpx.Network([4, 5, 3], hidden=mine, seed=0).spec.is_own
    assert bpx.Network([4, 5, 3], hidden="relu", seed=0).spec.is_own


def test_many_samples_are_not_bound():
    net, x = bpx.Network([4, 400, 3], seed=0, backend="numpy"), rows(1000)
    answer = outputs._Outputs(net.spec)
    for _ in range(AFTER + 2):
        net.predict(x)
    assert _numpy.bound(answer, net.parameters, x) is None
    assert net.parameters.repeats(answer, net.parameters, x) is None


def test_only_so_many_kinds_are_kept(bindings):
    net = bpx.Network([4, 5, 3], seed=0, backend="numpy")
    for n in range(1, MOST + 2):
        for _ in range(AFTER):
            net.predict(rows(n))
    assert len(bindings) == MOST + 1
    assert len(net.parameters.repeats._free) == 1


def test_several_threads_get_their_own_outputs():
    net = bpx.Network([4, 64, 64, 3], seed=0, backend="numpy")
    wrong = []

    def work(seed):
        x = rows(2, seed=seed)
        expected = net.forward(x).a[-1]
        wrong.extend(1 for _ in range(300) if (net.predict(x) != expected).any())

    threads = [Thread(target=work, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_parameters_is_of_its_own(copied):
    net, x = bpx.Network([4, 5, 3], seed=0, backend="numpy"), rows(2)
    for _ in range(AFTER + 1):
        expected = net.predict(x)
    other = copied(net)
    other.weights[0][...] = 0.0
    assert not other.parameters.repeats._free
    np.testing.assert_array_equal(net.predict(x), expected)
    np.testing.assert_array_equal(other.predict(x), other.forward(x).a[-1])


def test_every_backend_gives_the_same_bits_each_time(target):
    net = target.network([4, 5, 3], seed=0)
    x = target.asarray(rows(2))
    first, *others = (host(net.predict(x)) for _ in range(AFTER + 3))
    for each in others:
        np.testing.assert_array_equal(first, each)
