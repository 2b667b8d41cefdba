"""Backends that agree, and what cannot be compared: what is told of them."""

import pytest

import bpx
from bpx.testing import compare
from tests.testing.pairs import PAIR, network, on_strict

# They agree


def test_a_backend_agrees_with_itself_to_the_last_bit():
    comparison = compare(network(), ["numpy", "numpy"], steps=30, engines=False)
    (twins,) = comparison.twins
    assert twins == (bpx.testing.Twins("numpy", "numpy", None, (0.0,) * 30))
    assert not comparison.parted
    assert "numpy and numpy: they are identical" in str(comparison)


def test_a_schedule_over_all_the_steps():
    rule = bpx.SGD(bpx.optim.cosine_decay_schedule(0.5))
    found = compare(network(), ["numpy", "numpy"], steps=8, optimizer=rule, engines=False)
    assert not found.parted
    assert "SGD, eta <bpx.optim.Schedule cosine" in str(found)


@pytest.mark.parametrize(
    ("dtype", "optimizer"),
    [("float32", bpx.Adam(1e-2)), ("float64", bpx.SGD(0.5, 0.9, nesterov=True))],
)
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


def test_two_dtypes_start_from_the_same_numbers():
    net = network(dtype="float64")
    homes = [net.home, net.home.stored_as("float32")]
    twins = compare(net, homes, steps=20, engines=False).twins[0]
    assert (twins.first, twins.other) == ("numpy float64", "numpy float32")
    assert twins.parting is None
    assert 1e-9 < twins.growth[0] < 1e-6


# They do not


def test_a_table_tells_where_and_how_it_grows():
    def prime(z, a):
        return (1.0 - a * a) * (1.01 if on_strict(z) else 1.0)

    odd = bpx.Elementwise("odd", bpx.activations.tanh.sigma, prime)
    comparison = compare(network(hidden=odd), PAIR, steps=60, engines=False)
    text = str(comparison)
    assert "numpy and strict: they diverge in step 1, layer 2, BP2: off by" in text
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
