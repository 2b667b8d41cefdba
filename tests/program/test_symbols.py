"""The book's symbols in a printed program: by the marks, whatever the functions are called."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx import equations
from bpx.costs import Cost
from bpx.feedback import Feedback
from bpx.layers.dense import Dense
from bpx.model import passes, run, view
from bpx.optim.chained import Chained
from bpx.program import marks
from bpx.program.marks import equation, symbols
from bpx.program.operation import DType, Value
from bpx.program.record import record
from bpx.program.symbols import free
from bpx.program.symbols import symbols as symbols_of
from bpx.training.step import TrainingStep
from tests.feedbacks import OJA
from tests.programs import ROWS, check_as_printed, recorded, texts, training

MARKED = [
    equations.forward,
    equations.bp1,
    equations.bp2,
    equations.bp3,
    equations.bp4,
    bpx.Elementwise.pullback,
    Dense.forward,
    Cost.delta,
    Cost.evaluate,
    Feedback.sent,
    passes.bp2,
    run._forward,
    view.rule_gradients,
    Chained.__call__,
    TrainingStep.__call__,
    TrainingStep.passes,
    TrainingStep.moved,
]
SETTINGS = [
    ((4, 3, 2), bpx.SGD(0.5), {}),
    ((4, 3, 2), bpx.Adam(), {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}),
    ((4, 3, 2), bpx.SGD(0.5, momentum=0.9), {"feedback": "usf", "output": "softmax"}),
    ((4, 3, 2), bpx.SGD(0.5), {"feedback": lambda w, delta, B: 0.5 * (delta[0] @ w[0])}),
    ((4, 3, 2), bpx.SGD(0.5), {"feedback": OJA}),
]


def test_what_a_function_is_called_changes_nothing(monkeypatch):
    steps = [training(sizes, 5, rule, **more) for sizes, rule, more in SETTINGS]
    before = [str(record(*step)) for step in steps]
    for function in MARKED:
        entry = marks._MARKS[id(function.__code__)]
        code = function.__code__.replace(co_name="renamed", co_qualname="renamed")
        monkeypatch.setattr(function, "__code__", code)
        monkeypatch.setitem(marks._MARKS, id(code), entry._replace(code=code))
    assert [str(record(*step)) for step in steps] == before


def test_without_its_mark_it_would(monkeypatch):
    """So that the test above can fail."""
    step = training((4, 3, 2), 5, bpx.SGD(0.5))
    before = str(record(*step))
    for function in (equations.bp4, Dense.forward, passes.bp2):
        with monkeypatch.context() as patch:
            patch.setattr(function, "__code__", function.__code__.replace())
            assert str(record(*step)) != before


def test_a_copy_with_the_same_mark_prints_alike(monkeypatch):
    step = training((4, 3, 2), 5, bpx.SGD(0.5))
    before = str(record(*step))

    @equation("dw^l", "BP4", of="delta")
    def by_the_weights(r, delta, a_prev):
        return (r * delta).mT @ a_prev

    monkeypatch.setattr(equations, "bp4", by_the_weights)
    assert str(record(*step)) == before


def test_layers_have_their_numbers_where_an_activation_does_nothing():
    lines = texts(record(*training((4, 3, 3, 2), 5, bpx.SGD(0.5), hidden="identity")))
    assert [line.partition(" = ")[0] for line in lines if line[0] in "zad"] == [
        *("z1", "z2", "z3", "a3", "delta3", "delta2", "delta1"),
        *("dw1", "db1", "dw2", "db2", "dw3", "db3"),
    ]
    assert "a3 = sigma(z3)" in lines


def test_what_is_two_functions_is_written_as_neither():
    """The derivatives of two layers of one shape are the same ones."""
    lines = texts(record(*training((4, 3, 3, 2), 5, bpx.SGD(0.5), hidden="identity")))
    assert [line for line in lines if "full(1" in line] == [
        "t1 = full(1, shape=(5, 3), dtype=float32)"
    ]
    assert "delta1 = delta2 @ parameters.w[1] * t1" in lines


def test_the_deltas_of_another_jacobian_have_their_layers_numbers():
    lines = texts(record(*training((4, 3, 2), 5, bpx.SGD(0.5), output="softmax")))
    assert "delta2 = a2 * (grad_a - sum(a2 * grad_a, axis=1, keepdims=True))" in lines
    assert "delta1 = delta2 @ parameters.w[1] * sigma_prime(z1)" in lines


def test_a_sigma_that_ends_with_something_else_is_no_lie():
    """Its result is not the last that it computes, and that is used elsewhere, too."""

    def sigma(z):
        a = 0.5 * z
        _ = bpx.namespace(z).abs(a)
        return a

    own = bpx.Elementwise("own", sigma, lambda z, a: 0.5 + 0.0 * bpx.namespace(z).abs(a))
    program = check_as_printed(*training((4, 3, 2), 5, bpx.SGD(0.5), hidden=own), own)
    assert "a1 = sigma(z1)" in texts(program)


def test_a_sigma_of_other_arrays_besides_is_written_out():
    seen = []

    def sigma(z):
        seen.append(z)
        return z * bpx.namespace(z).sum(seen[0])

    own = bpx.Elementwise("own", sigma, lambda z, a: bpx.namespace(z).ones_like(z))
    lines = texts(record(*training((4, 3, 3, 2), 5, bpx.SGD(0.5), hidden=own)))
    assert "a1 = sigma(z1)" in lines
    assert "a2 = z2 * t1" in lines
    assert "t1 = sum(z1, keepdims=False)" in lines


def test_a_derivative_of_another_a_names_both():
    """Where a is not sigma(z), it is one of the arguments."""
    tanh = bpx.activations.tanh

    @equation("a^l = sigma(z)", "tanh")
    def activated(z):
        a: Any = tanh.sigma(z)
        return a

    def step(z, other, g):
        a = activated(z)
        return a, tanh.pullback(z, other, g), tanh.pullback(z, a, g)

    assert texts(recorded(step, (2, 2), (2, 2), (2, 2)))[:3] == [
        "t1 = sigma([0])",
        "t2 = [2] * sigma_prime([0], [1])",
        "t3 = [2] * sigma_prime([0])",
    ]


def test_a_function_of_nothing_that_is_there_is_written_out():
    """Its argument is needed by nothing else, and so is not computed."""

    @equation("h = constant(u)")
    def constant(u):
        h: Any = bpx.namespace(u).ones_like(u)
        return h

    def step(x):
        return (constant(x * 2.0) + 1.0,)

    assert texts(recorded(step, (2,)))[0] == "h = full(1, shape=(2,), dtype=float64)"


class Named(NamedTuple):
    x: Any
    t1: Any


def test_an_inputs_name_is_no_other_values():
    @symbols("x")
    def doubled(entered):
        x: Any = entered * 2.0
        return x

    def step(state, data, rows):
        x = doubled(state.x)
        return Named(x + 1.0, bpx.namespace(x).exp(x + x))

    program = record(step, Named(np.ones(2), np.ones(2)), (), ROWS)
    assert texts(program)[0] == "x_2 = x * 2.0"
    assert {line.partition(" ")[0] for line in texts(program)[1:3]} == {"t2", "t1_2"}


def test_a_name_that_is_taken_gets_a_number():
    taken = {"x"}
    assert [free("x", taken) for _ in range(3)] == ["x_2", "x_3", "x_4"]
    assert free("y", taken) == "y"
    assert taken == {"x", "x_2", "x_3", "x_4", "y"}


def test_a_symbol_that_comes_twice_is_of_one_value():
    @equation("h")
    def scaled(x, by):
        return x * by

    lines = texts(recorded(lambda x: (scaled(x, 2.0) / scaled(x, 3.0),), (2,)))
    assert lines[:3] == ["h = [0] * 2.0", "h_2 = [0] * 3.0", "t1 = h / h_2"]


def test_of_no_numbered_value_there_is_no_numbered_symbol():
    @equation("h^l", of="x")
    def doubled(x):
        return x * 2.0

    assert texts(recorded(lambda x: (doubled(x),), (2,)))[0] == "t1 = [0] * 2.0"


def test_without_calls_nothing_is_named():
    assert list(symbols_of((), [Value((), DType("bool", "bool", 1), "x")])) == []


@dataclass(frozen=True)
class Doubled(bpx.Dropout):
    """A layer of one's own."""

    kind = "doubled"
    draws = False

    def forward(self, parameters, a_prev, context):
        return super().forward((), 2.0 * a_prev, context._replace(training=False))

    def error(self, saved, g):
        return 2.0 * g


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_of_ones_own_is_told_by_its_kind(dtype):
    layers = bpx.Dense(3, 4, "tanh"), Doubled(4, 0.0), bpx.Dense(4, 2, "sigmoid")
    net = bpx.Network(layers, seed=0, dtype=dtype)
    program = net.program(batch_size=5, optimizer=bpx.SGD(1.0))
    lines = str(program).splitlines()
    assert any(line.startswith("t1 = 2.0 * a1 ") and "# doubled" in line for line in lines)
    assert "z2 = t1 @ parameters.w[1].mT + parameters.b[1]" in texts(program)
    assert "delta1 = t2 * sigma_prime(z1)" in texts(program)
    assert f"{dtype} (5, 4)" in lines[4]
