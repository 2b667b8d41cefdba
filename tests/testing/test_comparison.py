"""Backends that agree, and backends that do not: where they part, and what is not blamed."""

import numpy as np
import pytest

import bpx
from bpx.testing import compare
from bpx.testing.lockstep import Run

STRICT = pytest.importorskip(
    "array_api_strict", reason="the second library is array-api-strict"
)
PAIR = ["numpy", "strict"]


def network(hidden="tanh", **more):
    more = {"output": "softmax", "cost": "cross_entropy", "seed": 3, **more}
    return bpx.Network([6, 5, 4, 3], hidden=hidden, **more)


def parting(net, backends=PAIR, **more):
    """Where the second backend parts from the first."""
    return compare(net, backends, engines=False, **more).twins[0].parting


def on_strict(z):
    return type(z).__module__.startswith("array_api_strict")


# They agree


def test_a_backend_agrees_with_itself_to_the_last_bit():
    comparison = compare(network(), ["numpy", "numpy"], steps=30, engines=False)
    (twins,) = comparison.twins
    assert twins == (bpx.testing.Twins("numpy", "numpy", None, (0.0,) * 30))
    assert not comparison.parted
    assert "numpy and numpy: they are identical" in str(comparison)


@pytest.mark.parametrize("optimizer", [bpx.SGD(0.5, 0.9, nesterov=True), bpx.Adam(1e-2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_backends_differ_by_rounding_alone(target, dtype, optimizer):
    if not target.value.compile:
        pytest.skip("eager steps and engines are both compared with compile")
    net = network(dtype=dtype)
    comparison = compare(net, ["numpy", target.spec], steps=12, optimizer=optimizer)
    assert not comparison.parted
    ulp = {"float32": 2.0**-23, "float64": 2.0**-52}[dtype]
    assert all(max(each.growth) < 100 * ulp for each in comparison.twins)
    labels = [(each.first, each.other) for each in comparison.twins]
    assert labels[0] == ("numpy", target.spec)
    assert ("numpy", "its engine") in labels


@pytest.mark.parametrize("feedback", ["fa", "kp", "brsf"])
def test_with_another_feedback(feedback):
    comparison = compare(network(feedback=feedback), PAIR, steps=10)
    assert not comparison.parted
    assert max(comparison.twins[0].growth) < 1e-5


def test_the_steps_are_those_of_training():
    net, rng = network(dtype="float64"), np.random.default_rng(0)
    x, y = rng.standard_normal((50, 6)), rng.integers(3, size=50)
    before = [np.array(w) for w in net.weights]
    settings = {"batch_size": 8, "optimizer": bpx.SGD(0.3), "seed": 4}
    seen = []

    def watched(self, rows):
        take(self, rows)
        seen.append(self.after.parameters)

    take = Run.take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "take", watched)
        compare(net, ["numpy"], (x, y), steps=12, engines=False, **settings)
    assert all(map(np.array_equal, before, net.weights))
    net.fit(x, y, epochs=2, drop_last=True, compile=False, **settings)  # 6 steps each
    assert all(map(np.array_equal, seen[-1].w, net.weights))
    assert len(seen) == 12


def test_two_dtypes_start_from_the_same_numbers():
    net = network(dtype="float64")
    homes = [net.home, net.home.stored_as("float32")]
    twins = compare(net, homes, steps=20, engines=False).twins[0]
    assert (twins.first, twins.other) == ("numpy float64", "numpy float32")
    assert twins.parting is None
    assert 1e-9 < twins.growth[0] < 1e-6


# They do not: each equation by name, at its layer, and no other


def test_a_sigma_that_differs_on_one_library():
    def sigma(z):
        return bpx.namespace(z).tanh(z) + (1e-3 if on_strict(z) else 0.0)

    odd = bpx.Elementwise("odd", sigma, lambda z, a: 1.0 - a * a)
    net = network(activations=["tanh", odd, "softmax"])
    found = parting(net, steps=5)
    assert found[:3] == (1, 2, "a")
    assert found.difference == pytest.approx(1e-3, rel=1e-3)
    assert found.allowed < 1e-4


@pytest.mark.parametrize("layer", [1, 2])
def test_a_sigma_prime_that_differs_on_one_library_is_bp2(layer):
    def prime(z, a):
        return (1.0 - a * a) * (1.01 if on_strict(z) else 1.0)

    names = ["tanh", "tanh", "softmax"]
    names[layer - 1] = bpx.Elementwise("odd", bpx.activations.tanh.sigma, prime)
    assert parting(network(activations=names), steps=5)[:3] == (1, layer, "BP2")


def test_a_delta_that_differs_on_one_library_is_bp1():
    plain = bpx.costs.quadratic
    odd = bpx.Cost("odd", plain.value, lambda a, y: (a - y) * (1.01 if on_strict(a) else 1.0))
    net = network(output="tanh", cost=odd)
    assert parting(net, steps=5)[:3] == (1, 3, "BP1")


def test_a_value_that_differs_on_one_library_is_the_cost():
    plain = bpx.costs.quadratic
    odd = bpx.Cost("odd", lambda a, y: plain.value(a, y) + 0.01 * on_strict(a), plain.grad_a)
    net = network(output="tanh", cost=odd)
    assert parting(net, steps=5)[:3] == (1, 3, "C")


@pytest.mark.parametrize(
    ("name", "equation", "layer"), [("forward", "z", 1), ("bp3", "BP3", 3), ("bp4", "BP4", 3)]
)
def test_products_and_sums_that_differ_on_one_library(monkeypatch, name, equation, layer):
    from bpx import equations
    from bpx.model import passes

    right = getattr(equations, name)

    def odd(*arrays):
        return right(*arrays) * (1.001 if on_strict(arrays[-1]) else 1.0)

    monkeypatch.setattr(equations, name, odd)
    if hasattr(passes, name):
        monkeypatch.setattr(passes, name, odd)
    assert parting(network(), steps=5)[:3] == (1, layer, equation)


def odd_update(gradients, state, parameters):
    moved, state = bpx.SGD(0.1).update(gradients, state, parameters)
    if not on_strict(moved.w[1]):
        return moved, state
    w = (moved.w[0], moved.w[1] + 1e-4, *moved.w[2:])
    return bpx.Parameters(w, moved.b), state


class Odd:
    update = staticmethod(odd_update)

    def init(self, parameters):
        return bpx.SGD(0.1).init(parameters)


def test_an_update_that_differs_on_one_library():
    found = parting(network(), optimizer=Odd(), steps=5)
    assert found[:3] == (1, 2, "update")
    assert found.difference == pytest.approx(1e-4, rel=1e-3)


def test_the_step_is_that_in_which_it_begins():
    """An activation that differs only above a threshold, which is crossed while training."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 6)), rng.integers(3, size=40)
    settings = {"steps": 40, "batch_size": 10, "optimizer": bpx.SGD(1.0), "seed": 1}
    largest = []

    def watched(self, rows):
        take(self, rows)
        largest.append(float(self.taken.passed.z[1].max()))

    take = Run.take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "take", watched)
        compare(network(), ["numpy"], (x, y), engines=False, **settings)
    threshold = (sorted(largest)[-6] + sorted(largest)[-5]) / 2.0
    first = next(step for step, z in enumerate(largest, 1) if z > threshold)
    assert first > 1

    def sigma(z):
        xp = bpx.namespace(z)
        return xp.tanh(z) + (1e-2 * xp.astype(z > threshold, z.dtype) if on_strict(z) else 0.0)

    odd = bpx.Elementwise("odd", sigma, bpx.activations.tanh.sigma_prime)
    net = network(activations=["tanh", odd, "softmax"])
    assert parting(net, data=(x, y), **settings)[:3] == (first, 2, "a")


def test_an_engine_that_differs_from_the_eager_steps(monkeypatch):
    from bpx_backends import _numpy

    right = _numpy.scan

    def odd(step, state, data, rows, start, stop, donate=False):
        after = right(step, state, data, rows, start, stop, donate)
        w = (after.parameters.w[0], after.parameters.w[1] * 1.001, after.parameters.w[2])
        return after._replace(parameters=after.parameters._replace(w=w))

    monkeypatch.setattr(_numpy, "scan", odd)
    (twins,) = compare(network(), ["numpy"], steps=5).twins
    assert twins.parting[:3] == (1, 2, "step")
    assert 1e-4 < twins.growth[0] < twins.growth[-1]


def test_weights_that_do_not_arrive_whole(monkeypatch):
    from bpx.testing import lockstep

    right = lockstep.placed

    def odd(spec, parameters, feedback, home):
        arrived, drawn = right(spec, parameters, feedback, home)
        if home.backend.name == "strict":
            arrived = arrived._replace(b=(arrived.b[0], arrived.b[1] + 1e-6, arrived.b[2]))
        return arrived, drawn

    monkeypatch.setattr(lockstep, "placed", odd)
    assert parting(network(), steps=2)[:3] == (0, 2, "weights")


def test_a_table_tells_where_and_how_it_grows():
    def prime(z, a):
        return (1.0 - a * a) * (1.01 if on_strict(z) else 1.0)

    odd = bpx.Elementwise("odd", bpx.activations.tanh.sigma, prime)
    comparison = compare(network(hidden=odd), PAIR, steps=60, engines=False)
    text = str(comparison)
    assert "numpy and strict: they part in step 1, layer 2, BP2: off by" in text
    assert (
        "6-5-4-3, odd, odd, softmax, categorical_cross_entropy, float32; SGD, eta 0.1, " in text
    )
    marks = [line.split()[0] for line in text.splitlines() if line[:1].isdigit()][1:]
    assert marks == ["1", "2", "5", "10", "20", "50", "60"]
    assert comparison.parted == comparison.twins
    growth = comparison.twins[0].growth
    assert growth[0] < growth[9] < growth[59]


def test_what_diverges_is_still_compared():
    comparison = compare(
        network(output="identity", cost="quadratic", hidden="relu"),
        PAIR,
        steps=30,
        optimizer=bpx.SGD(1e30),
        engines=False,
    )
    assert len(comparison.twins[0].growth) == 30


# What cannot be compared


def test_a_backend_that_is_not_there():
    with pytest.raises(bpx.BackendError, match="no backend 'nunpy'"):
        compare(network(), ["numpy", "nunpy"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"backends": "numpy"}, r"backends='numpy' was given; expected a list"),
        ({"backends": []}, r"backends=\[\] was given"),
        ({"steps": 0}, "steps=0"),
        ({"batch_size": 257}, "batch_size=257 was given; expected a whole number in 1 ... 256"),
        ({"optimizer": bpx.SGD}, "optimizer="),
        ({"data": [1, 2, 3]}, "data is list; expected a pair"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_used_is_refused(more, words):
    with pytest.raises(bpx.InputError, match=words):
        compare(network(), **{"backends": ["numpy"], **more})
