"""The cases, as they are named, and what they can learn."""

import numpy as np
import pytest

import bpx
from benchmarks.cases import CASES, MOMENTUM, network, optimizer, problem


def test_the_deep_network_does_not_die():
    case = CASES["deep"]._replace(samples=64)
    x = problem(case).x
    last = network(case, 0, "numpy").forward(x).a[-2]
    assert 0.1 < np.mean(last > 0.0) < 0.9
    assert 0.1 < np.std(last) < 10.0


def test_the_cases_are_those_of_the_issue():
    assert [case.short for case in CASES.values()] == [
        "S: 784-30-10, batch 10",
        "M: 784-512-512-10, batch 128",
        "L: 784-4096-4096-10, batch 1024",
        "deep: 784-[64]*16-10, batch 64",
        "wide: 784-512-512-10, batch 8192",
        "H: 28-[300]*5-1, batch 100",
        "tiny: 4-64-64-2, batch 64",
    ]
    assert all(case.samples % case.batch == 0 for case in CASES.values())
    assert CASES["L"].lasting(50_000).steps == 48


def test_the_answers_of_h_are_those_of_a_single_output():
    case = CASES["H"]._replace(samples=300)
    numbers = problem(case)
    assert numbers.x.shape == (300, 28)
    net = network(case, 0, "numpy")
    given = {"epochs": 1, "batch_size": case.batch, "optimizer": optimizer(case)}
    epoch = next(bpx.train(net, (numbers.x, numbers.y), **given))
    assert epoch.accuracy is not None
    assert net.forward(numbers.x[:5]).a[-1].shape == (5, 1)


@pytest.mark.parametrize(
    ("name", "rule"), [("sgd", bpx.SGD), ("momentum", bpx.SGD), ("adam", bpx.Adam)]
)
def test_the_optimizer_of_a_case(name, rule):
    found = optimizer(CASES["H"]._replace(optimizer=name, eta=0.5))
    assert isinstance(found, rule)
    assert found.eta == 0.5
    assert getattr(found, "momentum", None) == {"sgd": 0.0, "momentum": MOMENTUM}.get(name)
