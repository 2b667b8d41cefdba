"""Samples of one byte a number: kept so, cast where they are used, to the same bits."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.errors import DivergenceError
from bpx.training.arguments import Options, checked
from tests.backends import Target, flags, host
from tests.engines.each import BYTES

SETTINGS = {"epochs": 2, "batch_size": 8, "seed": 1}
NETWORK = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "seed": 0}


def samples(dtype, n=42):
    rng = np.random.default_rng(3)
    x = rng.integers(-100 if dtype == "int8" else 0, 2 if dtype == "bool" else 100, (n, 6))
    return x.astype(dtype), rng.integers(0, 3, n)


def pairs(dtype, as_numbers="float32"):
    """The same samples, as bytes and as numbers."""
    x, y = samples(dtype)
    return (x, y), (x.astype(as_numbers), y)


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(host(a), host(b))


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.01, 0.9), bpx.Adam(0.01)])
@pytest.mark.parametrize("stored", BYTES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_comes_to_the_same_bits(target, dtype, stored, optimizer):
    """A ragged last batch and validation among it."""
    nets, records = [], []
    for data in pairs(stored, dtype):
        net = target.network([6, 5, 3], dtype=dtype, **NETWORK)
        settings = {"compile": target.value.compile, "validation": data}
        with flags(target):
            history = net.fit(*data, optimizer=optimizer, **SETTINGS, **settings)
        nets.append(net)
        records.append([(e.cost, e.accuracy, e.validation) for e in history])
    same(*([*net.weights, *net.biases] for net in nets))
    assert records[0] == records[1]


@pytest.mark.parametrize("layers", [{"dropout": 0.3}, {"feedback": "kp"}])
def test_with_other_parts(target, layers):
    nets = [target.network([6, 5, 3], **NETWORK, **layers) for _ in range(2)]
    for net, data in zip(nets, pairs("uint8"), strict=True):
        net.fit(*data, optimizer=bpx.SGD(0.01), compile=target.value.compile, **SETTINGS)
    same(*([*net.weights, *net.biases] for net in nets))


@pytest.mark.parametrize("stored", BYTES)
def test_they_stay_bytes_at_home(target, stored):
    net, data = target.network([6, 3], seed=0), samples(stored)
    with net.home.active():
        held = checked(net, data, Options(bpx.SGD(1.0), validation=data), epochs=1)
    for ours in (held.data.x, held.validation.x):
        assert net.home.owns(ours)
        assert str(ours.dtype).rpartition(".")[2] == stored


@pytest.mark.parametrize("stored", BYTES)
def test_answers_are_the_same(target, stored):
    net = target.network([6, 5, 3], **NETWORK)
    (x, y), (numbers, _) = pairs(stored)
    same([net.predict(x), net.classify(x)], [net.predict(numbers), net.classify(numbers)])
    asked = {"metrics": ["absolute_error"]}
    one, other = net.evaluate(x, y, **asked), net.evaluate(numbers, y, **asked)
    assert (one, one.metrics) == (other, other.metrics)
    there = target.asarray(x, stored)
    same([net.predict(there)], [net.predict(numbers)])


def test_several_chunks_come_to_the_same(target, monkeypatch):
    parts = lambda spec, x: iter([x[:20, ...], x[20:40, ...], x[40:, ...]])  # noqa: E731
    net, ((x, y), _) = target.network([6, 5, 3], **NETWORK), pairs("uint8")
    whole = host(net.predict(x)), net.evaluate(x, y).cost
    for module in ("evaluate", "outputs"):
        monkeypatch.setattr(f"bpx.model.{module}.chunks", parts)
    np.testing.assert_allclose(host(net.predict(x)), whole[0], rtol=1e-5)
    assert net.evaluate(x, y).cost == pytest.approx(whole[1], rel=1e-5)
    assert net.predict(x).shape == (42, 3)


def test_a_compiled_step_is_not_left_for_the_plain_loop(target, caplog):
    net, (data, _) = target.network([6, 5, 3], **NETWORK), pairs("uint8")
    with caplog.at_level("WARNING", "bpx"):
        net.fit(*data, optimizer=bpx.SGD(0.01), compile=target.value.compile, **SETTINGS)
    assert not caplog.records


# What else looks at samples


def test_health(target):
    found = []
    for data in pairs("uint8"):
        net = target.network([6, 5, 3], **NETWORK)
        settings = {"optimizer": bpx.SGD(0.01), "compile": target.value.compile}
        found.append(net.fit(*data, health=True, **settings, **SETTINGS)[-1].health)
        found.append(inspect.examine(net, *data))
    assert found[:2] == found[2:]


def test_influence_and_checks(target):
    net = target.network([6, 5, 3], **NETWORK)
    bytes_, numbers = pairs("uint8")
    same([inspect.el2n(net, *bytes_)], [inspect.el2n(net, *numbers)])
    few = tuple(each[:4] for each in bytes_), tuple(each[:4] for each in numbers)
    same(*([inspect.tracin(net, each, each, eta=0.1)] for each in few))
    report = inspect.check(net, *bytes_)
    assert report.ok, report


def test_operators_of_curvature(target):
    pytest.importorskip("scipy.sparse.linalg", reason="the solvers are SciPy's")
    if target.spec == "cupy":
        pytest.skip("its operator takes vectors of the device")
    from bpx.interop.operators import curvature_operator

    net = target.network([6, 5, 3], **NETWORK)
    operators = [curvature_operator(net, *data) for data in pairs("uint8")]
    v = np.random.default_rng(0).standard_normal(operators[0].shape[0]).astype("float32")
    same(*([operator @ v] for operator in operators))


def test_private_training(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    nets = [target.network([6, 5, 3], **NETWORK) for _ in range(2)]
    privacy = bpx.privacy.DPSGD(noise_multiplier=1.0, delta=1e-3, accountant="rdp", seed=0)
    settings = {"epochs": 2, "batch_size": 8, "optimizer": bpx.SGD(0.01)}
    for net, data in zip(nets, pairs("uint8"), strict=True):
        net.fit(*data, privacy=privacy, compile=target.value.compile, **settings)
    same(*(net.weights for net in nets))


def test_a_comparison_of_backends(target):
    if not target.value.compile:
        pytest.skip("eager steps and engines are both compared with compile")
    net = bpx.Network([6, 5, 3], **NETWORK)
    x, y = samples("uint8")
    settings = {"steps": 10, "optimizer": bpx.SGD(1e-3)}
    comparison = bpx.testing.compare(net, ["numpy", target.spec], (x, y), **settings)
    assert not comparison.parted


def test_a_divergence_is_found(target):
    found = []
    for data in pairs("uint8"):
        net = target.network([6, 5, 3], hidden="relu", output="identity", seed=0)
        settings = {"optimizer": bpx.SGD(1e30), "compile": target.value.compile}
        with pytest.raises(DivergenceError) as error:
            net.fit(*data, **settings, **SETTINGS)
        found.append((error.value.epoch, error.value.step, error.value.layer, str(error.value)))
    assert found[0] == found[1]


def test_an_observer_sees_them_as_they_are_stored():
    class Seen:
        name = "seen"

        def __call__(self, state, data, epoch):
            return data.x.dtype.name

    net, (data, _) = bpx.Network([6, 3], seed=0), pairs("uint8")
    history = net.fit(*data, optimizer=bpx.SGD(0.01), observers=[Seen()], **SETTINGS)
    assert history[0].observed["seen"] == "uint8"


def test_other_whole_numbers_are_cast_at_once():
    net = Target.NUMPY.network([6, 3], seed=0)
    x, y = samples("int16")
    told = bpx.training.arguments.samples(net.home, net.spec, x, y)
    assert told.x.dtype == np.float32
