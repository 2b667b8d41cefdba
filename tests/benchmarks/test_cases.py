"""The cases, as they are named, and what they can learn."""

import numpy as np

from benchmarks.cases import CASES, network, problem


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
    ]
    assert all(case.samples % case.batch == 0 for case in CASES.values())
    assert CASES["L"].lasting(50_000).steps == 48
