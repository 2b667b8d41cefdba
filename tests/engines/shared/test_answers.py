"""Functions of parameters and samples, bound to the parameters: recorded, or left alone."""

from dataclasses import dataclass

import numpy as np

import bpx
from bpx_backends.engines.numpy.answers import bound
from bpx_backends.engines.shared import answers


@dataclass(frozen=True)
class Scaled:
    """Each row, times a number, and the sum of its products with w."""

    factor: float

    def __call__(self, parameters, x):
        xp = bpx.namespace(x)
        return xp.sum(self.factor * (x @ parameters[0]) + parameters[1], axis=-1)


def given(n=3):
    rng = np.random.default_rng(0)
    return (rng.random((4, 5)), rng.random(5)), rng.random((n, 4))


def test_it_computes_what_the_function_does():
    parameters, x = given()
    run = bound(Scaled(2.0), parameters, x)
    for each in (x, x + 1.0, x):
        np.testing.assert_array_equal(run(each), Scaled(2.0)(parameters, each))
    parameters[1][...] = 7.0
    np.testing.assert_array_equal(run(x), Scaled(2.0)(parameters, x))


def test_the_result_is_nobody_elses():
    parameters, x = given()
    run = bound(Scaled(2.0), parameters, x)
    first = run(x)
    kept = first.copy()
    run(x + 1.0)
    np.testing.assert_array_equal(first, kept)


def test_what_cannot_be_recorded_is_not_bound():
    def reads(parameters, x):
        return x if float(x[0, 0]) > 0.0 else -x

    assert bound(reads, *given()) is None
    assert bound(reads, *given()) is None


def test_a_function_is_planned_once_for_any_parameters(monkeypatch):
    planned = []
    record = answers.record
    monkeypatch.setattr(bound, "_known", {})
    monkeypatch.setattr(answers, "record", lambda *given: planned.append(1) or record(*given))
    for factor in (1.0, 1.0, 2.0):
        bound(Scaled(factor), *given())
    bound(Scaled(2.0), *given(n=2))
    assert len(planned) == 3


def test_large_ones_are_left_to_the_function(monkeypatch):
    parameters, x = given()
    monkeypatch.setattr(bound, "_known", {})
    monkeypatch.setattr(answers, "LARGEST", x.nbytes)
    assert bound(Scaled(2.0), parameters, x) is None


def test_only_so_many_plans_are_known(monkeypatch):
    known = {}
    monkeypatch.setattr(bound, "_known", known)
    monkeypatch.setattr(answers, "KEPT", 2)
    for factor in (1.0, 2.0, 3.0):
        bound(Scaled(factor), *given())
    assert len(known) == 1
