"""What a program looks like when it is printed."""

import re

import numpy as np
import pytest

import bpx
from bpx.program.record import record
from tests.costs.ends import ENDS
from tests.programs import check_as_printed, recorded, texts, training

PRINTED = """\
x = take(data.x, rows, axis=0)                                    float32 (2, 3)       # step
labels = take(data.y, rows, axis=0)                               int32 (2,)           # step
y = astype(labels[:, None] == arange(0, 2, 1, dtype=int32), dtype=float32)  float32 (2, 2)       # as_targets
z1 = x @ parameters.w[0].mT + parameters.b[0]                     float32 (2, 2)       # forward
a1 = sigma(z1)                                                    float32 (2, 2)       # sigmoid
z2 = a1 @ parameters.w[1].mT + parameters.b[1]                    float32 (2, 2)       # forward
a2 = sigma(z2)                                                    float32 (2, 2)       # sigmoid
grad_a = a2 - y                                                   float32 (2, 2)       # quadratic
delta2 = grad_a * sigma_prime(z2)                                 float32 (2, 2)       # BP1, sigmoid
delta1 = delta2 @ parameters.w[1] * sigma_prime(z1)               float32 (2, 2)       # BP2, sigmoid
t1 = 0.5 * delta1                                                 float32 (2, 2)       # BP4
dw1 = t1.mT @ x                                                   float32 (2, 3)       # BP4
db1 = sum(t1, axis=0, keepdims=False)                             float32 (2,)         # BP3
t2 = 0.5 * delta2                                                 float32 (2, 2)       # BP4
dw2 = t2.mT @ a1                                                  float32 (2, 2)       # BP4
db2 = sum(t2, axis=0, keepdims=False)                             float32 (2,)         # BP3
t3 = parameters.w[0] - optimizer.eta * dw1                        float32 (2, 3)       # added
t4 = parameters.w[1] - optimizer.eta * dw2                        float32 (2, 2)       # added
t5 = parameters.b[0] - optimizer.eta * db1                        float32 (2,)         # added
t6 = parameters.b[1] - optimizer.eta * db2                        float32 (2,)         # added
t7 = 0.5 * sum(grad_a ** 2, axis=1, keepdims=False)               float32 (2,)         # quadratic
t8 = metrics.cost + t7                                            float32 (2,)         # step
t9 = astype(argmax(a2, axis=1, keepdims=False) == labels, dtype=float32)  float32 (2,)         # hits
t10 = metrics.hits + t9                                           float32 (2,)         # add
parameters.w[0] <- t3
parameters.w[1] <- t4
parameters.b[0] <- t5
parameters.b[1] <- t6
metrics.cost <- t8
metrics.hits <- t10"""  # noqa: E501


def test_a_program_reads_as_the_equations():
    assert str(record(*training((3, 2, 2), 2, bpx.SGD(0.5)))) == PRINTED


def test_the_books_network_reads_as_a_small_one():
    """The same lines: only the shapes are others."""
    small, book = (
        texts(record(*training(sizes, 10, bpx.SGD(3.0))))
        for sizes in ((784, 10, 10), (784, 30, 10))
    )
    assert small == book
    assert "z1 = x @ parameters.w[0].mT + parameters.b[0]" in book
    assert "a1 = sigma(z1)" in book
    assert "delta1 = delta2 @ parameters.w[1] * sigma_prime(z1)" in book
    assert "t3 = parameters.w[0] - optimizer.eta * dw1" in book


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
    assert texts(recorded(step, (2, 2), (2, 2)))[0] == line


def leaky(z):
    return 0.1 * z + 0.9 * bpx.namespace(z).maximum(z, 0.0)


def leaky_prime(z, a):
    return 0.1 + 0.9 * bpx.namespace(z).astype(z > 0.0, z.dtype)


OWN = bpx.Elementwise("my leaky", leaky, leaky_prime)
ENTROPY = {"output": "softmax", "cost": "cross_entropy"}
STEPS = {
    "sgd": ((4, 3, 2), bpx.SGD(0.5), {}),
    "one layer": ((4, 2), bpx.SGD(0.5), {}),
    "nesterov": ((4, 3, 2), bpx.SGD(0.1, momentum=0.9, nesterov=True), {"hidden": "softplus"}),
    "adam": ((4, 3, 5, 3), bpx.Adam(), {"hidden": "gelu_tanh", **ENTROPY}),
    "softmax": ((4, 3, 2), bpx.SGD(0.5), {"hidden": "tanh", "output": "softmax"}),
    "cross-entropy": ((4, 3, 2), bpx.SGD(0.5), {"cost": "cross_entropy"}),
    "identity": ((4, 3, 3, 3), bpx.SGD(0.5), {"hidden": "identity"}),
    "one's own": ((4, 3, 3, 2), bpx.SGD(0.5), {"hidden": OWN, **ENTROPY}),
    "a rule of one's own": ((4, 3, 2), bpx.SGD(0.5), {"feedback": lambda w, d, B: d[0] @ w[0]}),
    "signs": ((4, 3, 3, 2), bpx.SGD(0.5), {"feedback": "usf"}),
    **{
        name: ((4, 3, 3, 2), bpx.AdamW(0.1), {"hidden": name, "output": name})
        for name in bpx.activations.ACTIVATIONS
        if name != "softmax"
    },
}


@pytest.mark.parametrize(("cost", "output"), ENDS)
def test_every_other_cost_is_printed(cost, output):
    settings = {"hidden": "tanh", "output": output, "cost": cost}
    program = check_as_printed(*training((4, 3, 2), 6, bpx.SGD(0.1), **settings))
    assert cost.partition("(")[0] in str(program)


@pytest.mark.parametrize("name", STEPS)
def test_what_is_printed_computes_the_step(name):
    """The text is run as Python."""
    sizes, optimizer, settings = STEPS[name]
    check_as_printed(*training(sizes, 6, optimizer, **settings), OWN)


def test_an_activations_name_is_told_of_it():
    told = [
        line.partition("  # ")[2]
        for line in str(record(*training((4, 3, 2), 6, bpx.SGD(0.5), hidden=OWN))).splitlines()
        if "sigma" in line
    ]
    assert told == ["my leaky", "sigmoid", "BP1, sigmoid", "BP2, my leaky"]


def test_what_softmax_and_its_cost_share_has_a_line_of_its_own():
    lines = texts(record(*training((4, 3, 2), 6, bpx.SGD(0.5), **ENTROPY)))
    assert lines[6:10] == [
        "t1 = z2 - max(z2, axis=1, keepdims=True)",
        "t2 = sum(exp(t1), axis=1, keepdims=True)",
        "a2 = sigma(z2)",
        "delta2 = a2 - y",
    ]
    assert "t9 = sum(y * (log(t2) - t1), axis=1, keepdims=False)" in lines


def test_a_rule_of_ones_own_has_a_line_of_its_own():
    def halved(w, delta, B):
        return 0.5 * (delta[0] @ w[0])

    program = record(*training((4, 3, 2), 6, bpx.SGD(0.5), feedback=halved))
    assert "g1 = 0.5 * (delta2 @ parameters.w[1])" in texts(program)
    assert "delta1 = g1 * sigma_prime(z1)" in texts(program)
    assert "# halved" in next(line for line in str(program).splitlines() if "g1 =" in line)


def test_weights_of_samples_are_s_and_r():
    step, state, data, rows = training((4, 3, 2), 5, bpx.SGD(0.5))
    data = data._replace(s=np.linspace(0.5, 2.0, 50, dtype="float32"))
    lines = texts(check_as_printed(step, state, data, rows))
    assert "s = take(data.s, rows, axis=0)" in lines
    assert "r = 0.2 * s[:, None]" in lines
    assert "t1 = r * delta1" in lines


def test_dropout_is_told_by_its_layers_kind():
    net = bpx.Network([4, 3, 2], dropout=0.5, seed=0)
    text = str(net.program(batch_size=2, optimizer=bpx.SGD(1.0)))
    assert re.search(r"(t\d+) = (t\d+) \* a1 .*# dropout\nz2 = \1 @ ", text)
    assert "delta1 = t" in text


def test_a_layer_norm_is_told_by_its_symbols():
    net = bpx.Network([4, 3, 2], norm="layer", seed=0)
    lines = texts(net.program(batch_size=2, optimizer=bpx.SGD(1.0)))
    assert "rho1 = 1.0 / sqrt(mean(t1 * t1, axis=1, keepdims=True) + 1e-05)" in lines
    assert "x_hat1 = rho1 * t1" in lines
    assert "t2 = parameters.gamma[0] * x_hat1 + parameters.beta[0]" in lines
    assert any(line.startswith("dgamma1 = sum(") for line in lines)
    assert any(line.startswith("dbeta1 = sum(") for line in lines)


def test_a_batch_norm_is_told_by_its_symbols():
    net = bpx.Network([4, 3, 2], norm="batch", seed=0)
    program = net.program(batch_size=2, optimizer=bpx.SGD(1.0))
    lines = texts(program)
    assert "rho1 = 1.0 / sqrt(t3 + 1e-05)" in lines
    assert "x_hat1 = rho1 * t2" in lines
    told = [line for line in str(program).splitlines() if "* parameters.mean[0] +" in line]
    assert told[0].endswith("# batch_norm")
    assert any(line.startswith("parameters.variance[0] <- ") for line in lines)


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
