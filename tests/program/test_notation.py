"""What a program looks like when it is printed."""

import re

import numpy as np
import pytest

import bpx
from bpx.program.contract import named_leaves
from bpx.program.record import record
from tests.programs import recorded, training

PRINTED = """\
t1 = take(data.x, rows, axis=0)                                   float32 (2, 3)       # step
t2 = take(data.y, rows, axis=0)                                   int32 (2,)           # step
t3 = astype(t2[:, None] == arange(0, 2, 1, dtype=int32), dtype=float32)  float32 (2, 2)       # as_targets
z1 = t1 @ parameters.w[0].mT + parameters.b[0]                    float32 (2, 2)       # forward
a1 = 0.5 * tanh(0.5 * z1) + 0.5                                   float32 (2, 2)       # sigmoid
z2 = a1 @ parameters.w[1].mT + parameters.b[1]                    float32 (2, 2)       # forward
a2 = 0.5 * tanh(0.5 * z2) + 0.5                                   float32 (2, 2)       # sigmoid
t4 = a2 - t3                                                      float32 (2, 2)       # quadratic_grad
delta2 = t4 * (a2 * (1.0 - a2))                                   float32 (2, 2)       # bp1
delta1 = delta2 @ parameters.w[1] * (a1 * (1.0 - a1))             float32 (2, 2)       # bp2
t5 = 0.5 * delta1                                                 float32 (2, 2)       # bp4
dw1 = t5.mT @ t1                                                  float32 (2, 3)       # bp4
db1 = sum(t5, axis=0, keepdims=False)                             float32 (2,)         # bp3
t6 = 0.5 * delta2                                                 float32 (2, 2)       # bp4
dw2 = t6.mT @ a1                                                  float32 (2, 2)       # bp4
db2 = sum(t6, axis=0, keepdims=False)                             float32 (2,)         # bp3
t7 = parameters.w[0] - optimizer.eta * dw1                        float32 (2, 3)       # added
t8 = parameters.w[1] - optimizer.eta * dw2                        float32 (2, 2)       # added
t9 = parameters.b[0] - optimizer.eta * db1                        float32 (2,)         # added
t10 = parameters.b[1] - optimizer.eta * db2                       float32 (2,)         # added
t11 = 0.5 * sum(t4 ** 2, axis=1, keepdims=False)                  float32 (2,)         # quadratic
t12 = metrics.cost + t11                                          float32 (2,)         # step
t13 = astype(argmax(a2, axis=1, keepdims=False) == t2, dtype=float32)  float32 (2,)         # hits
t14 = metrics.hits + t13                                          float32 (2,)         # add
parameters.w[0] <- t7
parameters.w[1] <- t8
parameters.b[0] <- t9
parameters.b[1] <- t10
metrics.cost <- t12
metrics.hits <- t14"""  # noqa: E501


def test_a_program_reads_as_the_equations():
    assert str(record(*training((3, 2, 2), 2, bpx.SGD(0.5)))) == PRINTED


def test_the_books_network_reads_as_a_small_one():
    """The same lines: only the shapes are others."""
    small, book = (
        [re.split(r" {2,}", line)[0] for line in str(record(*each)).splitlines()]
        for each in (
            training((784, 10, 10), 10, bpx.SGD(3.0)),
            training((784, 30, 10), 10, bpx.SGD(3.0)),
        )
    )  # fmt: skip
    assert small == book
    assert "z1 = t1 @ parameters.w[0].mT + parameters.b[0]" in book
    assert "delta1 = delta2 @ parameters.w[1] * (a1 * (1.0 - a1))" in book
    assert "t7 = parameters.w[0] - optimizer.eta * dw1" in book


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (lambda x, y: (x + y * 2.0, y), "t1 = [0] + [1] * 2.0"),
        (lambda x, y: ((x + y) * 2.0, y), "t1 = ([0] + [1]) * 2.0"),
        (lambda x, y: (x - (y - x), y), "t1 = [0] - ([1] - [0])"),
        (lambda x, y: (bpx.namespace(x).astype((x > y) == (y > 0.0), x.dtype), y),
         "t1 = astype(([0] > [1]) == ([1] > 0.0), dtype=float64)"),
        (lambda x, y: ((x - y) - x, y), "t1 = [0] - [1] - [0]"),
        (lambda x, y: (x / (y * x), y), "t1 = [0] / ([1] * [0])"),
        (lambda x, y: (-(x + y), y), "t1 = -([0] + [1])"),
        (lambda x, y: (-x * y, y), "t1 = -[0] * [1]"),
        (lambda x, y: (x ** (y + 1.0), y), "t1 = [0] ** ([1] + 1.0)"),
        (lambda x, y: ((-x) ** 2, y), "t1 = (-[0]) ** 2"),
        (lambda x, y: (-(x**2), y), "t1 = -[0] ** 2"),
        (lambda x, y: ((x @ y).mT, y), "t1 = ([0] @ [1]).mT"),
        (lambda x, y: (x @ (y @ x), y), "t1 = [0] @ ([1] @ [0])"),
        (lambda x, y: ((x + y)[None, :1, ...][0, :, ::-1], y),
         "t1 = ([0] + [1])[None, :1, ...][0, :, ::-1]"),
        (lambda x, y: (bpx.namespace(x).where(x > y, x, 0.0), y),
         "t1 = where([0] > [1], [0], 0.0)"),
        (lambda x, y: (bpx.namespace(x).reshape(x * y, (-1,)), y),
         "t1 = reshape([0] * [1], shape=(4,))"),
    ],
)  # fmt: skip
def test_brackets_stand_where_python_needs_them(step, line):
    first = str(recorded(step, (2, 2), (2, 2))).splitlines()[0]
    assert re.split(r" {2,}", first)[0] == line


STEPS = {
    "sgd": ((4, 3, 2), bpx.SGD(0.5), {}),
    "nesterov": ((4, 3, 2), bpx.SGD(0.1, momentum=0.9, nesterov=True), {"hidden": "softplus"}),
    "adam": ((4, 3, 5, 3), bpx.Adam(),
             {"hidden": "gelu_tanh", "output": "softmax", "cost": "cross_entropy"}),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_what_is_printed_computes_the_step(name):
    """The text is run as Python."""
    sizes, optimizer, settings = STEPS[name]
    step, state, data, rows = training(sizes, 6, optimizer, **settings)
    scope = {
        **vars(np), **state._asdict(), "data": data, "rows": rows,
        "astype": lambda x, dtype: x.astype(dtype),
        "full": lambda value, shape, dtype: np.full(shape, value, dtype),
    }  # fmt: skip
    after = {}
    for line in str(record(step, state, data, rows)).splitlines():
        text = re.split(r" {2,}", line)[0]
        place, arrow, result = text.partition(" <- ")
        if arrow:
            after[place] = scope[result]
        else:
            exec(text, scope)
    found = dict(named_leaves(step(state, data, rows)))
    assert {each.partition(".")[0] for each in set(found) - set(after)} == {"optimizer"}
    for place, array in after.items():
        assert array.dtype == found[place].dtype
        np.testing.assert_allclose(array, found[place], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_bind_less_than_all_else_and_alike(sign):
    def step(x, y):
        xp = bpx.namespace(x)
        first = xp.astype(eval(f"x {sign} (x + y)"), x.dtype)
        return first, xp.astype(eval(f"(x {sign} y) == (y {sign} x)"), x.dtype)

    first, second, *_ = str(recorded(step, (2, 2), (2, 2))).splitlines()
    assert first.startswith(f"t1 = astype([0] {sign} [0] + [1], dtype=float64)")
    assert second.startswith(
        f"t2 = astype(([0] {sign} [1]) == ([1] {sign} [0]), dtype=float64)"
    )
