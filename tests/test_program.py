"""A program: read, counted, and run as it is written."""

import re

import numpy as np
import pytest

import bpx
from bpx.engine import leaves, named_leaves
from bpx.operation import DTYPES, DType, Operation, Value, dtype_of
from bpx.program import Program, apply
from bpx.recording import record
from bpx.step import Data, State, TrainingStep, zero_metrics

ROWS = np.array([1, 0], "int32")


def training(sizes, batch, optimizer, samples=50, **settings):
    """A training step, float32, and what it is called with."""
    net = bpx.Network(sizes, seed=0, backend="numpy", **settings)
    rng = np.random.default_rng(0)
    data = Data(
        rng.random((samples, sizes[0])).astype("float32"),
        rng.integers(0, sizes[-1], samples).astype("int32"),
    )
    zeros = zero_metrics(net.biases[0], batch, "argmax")
    state = State(net.parameters, optimizer.init(net.parameters), None, zeros)
    rows = rng.integers(0, samples, batch).astype("int32")
    return TrainingStep(net.spec, optimizer.update, "argmax"), state, data, rows


def recorded(step, *shapes, data=(), dtype="float64"):
    """The program of ``step(*state, *data) -> state``."""
    state = tuple(np.zeros(shape, dtype) for shape in shapes)
    read = tuple(np.zeros(shape, dtype) for shape in data)
    return record(lambda s, d, rows: step(*s, *d), state, read, ROWS)


def take(x, rows):
    return bpx.namespace(x).take(x, rows, axis=0)


# Read

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
t6 = 0.5 * delta2                                                 float32 (2, 2)       # bp4
dw2 = t6.mT @ a1                                                  float32 (2, 2)       # bp4
db1 = sum(t5, axis=0, keepdims=False)                             float32 (2,)         # bp3
db2 = sum(t6, axis=0, keepdims=False)                             float32 (2,)         # bp3
t7 = parameters.w[0] - optimizer.eta * dw1                        float32 (2, 3)       # sgd
t8 = parameters.w[1] - optimizer.eta * dw2                        float32 (2, 2)       # sgd
t9 = parameters.b[0] - optimizer.eta * db1                        float32 (2,)         # sgd
t10 = parameters.b[1] - optimizer.eta * db2                       float32 (2,)         # sgd
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


# Counted


def test_counts_are_by_name():
    program = recorded(lambda x, y: (x + y, x * y + 1.0), (2,), (2,))
    assert dict(program.counts) == {"add": 2, "multiply": 1}


@pytest.mark.parametrize(
    ("step", "flops"),
    [
        (lambda x, y, v: x @ y, 2 * 3 * 4 * 3),
        (lambda x, y, v: x.mT @ y.mT, 2 * 4 * 3 * 4),
        (lambda x, y, v: x + 1.0, 12),
        (lambda x, y, v: x + v, 12),
        (lambda x, y, v: v[:, None] * v, 16),
        (lambda x, y, v: bpx.namespace(x).sum(x, axis=0), 12),
        (lambda x, y, v: bpx.namespace(x).argmax(x), 12),
        (lambda x, y, v: bpx.namespace(x).astype(x, bpx.namespace(x).float32), 0),
        (lambda x, y, v: bpx.namespace(x).reshape(x, (-1,))[1:, None], 0),
        (lambda x, y, v: take(x, bpx.namespace(x).arange(2, dtype=bpx.namespace(x).int32)), 0),
        (lambda x, y, v: bpx.namespace(x).broadcast_to(v, (3, 4)), 0),
        (lambda x, y, v: bpx.namespace(x).ones_like(x), 0),
    ],
)
def test_floating_point_operations(step, flops):
    assert recorded(lambda *a: (step(*a),), (3, 4), (4, 3), (4,)).flops == flops


def test_the_operations_of_the_books_step_by_hand():
    """Counted on paper: n = 10, widths 784, 30, 10."""
    n, k0, k1, k2 = 10, 784, 30, 10
    program = record(*training((k0, k1, k2), n, bpx.SGD(3.0)))
    products = 2 * n * (k0 * k1 + k1 * k2) * 2 + 2 * n * k2 * k1  # forward, BP4; BP2
    forward = 5 * n * (k1 + k2)  # + b, and 0.5 tanh(0.5 z) + 0.5
    bp1 = n * k2 * (1 + 2 + 1)  # a - y, a (1 - a), times
    bp2 = n * k1 * (2 + 1)
    bp3_bp4 = 2 * n * (k1 + k2)  # r delta, and the sums
    update = 2 * (k0 * k1 + k1 * k2 + k1 + k2)
    metrics = n * k2 * (1 + 1 + 1 + 1) + n * (1 + 1 + 1 + 1)  # one-hot, ² and sum, argmax; ...
    assert program.flops == products + forward + bp1 + bp2 + bp3_bp4 + update + metrics
    assert program.counts["matmul"] == 5


def test_the_bytes_of_the_books_step_by_hand():
    """The parameters are read and written, of the data the batch, and each row's index."""
    n, parameters = 10, 784 * 30 + 30 + 30 * 10 + 10
    program = record(*training((784, 30, 10), n, bpx.SGD(3.0)))
    eta, batch, metrics = 1, n * 784 + n, 2 * n
    assert program.bytes == 4 * (2 * parameters + eta + batch + n + 2 * metrics)


@pytest.mark.parametrize(
    ("step", "moved"),
    [
        (lambda x, y: (x + 1.0, y), 2 * 4),
        (lambda x, y: (x + x, y), 2 * 4),
        (lambda x, y: (x + y, y), 3 * 4),
        (lambda x, y: (x + y, y * x), 4 * 4),
        (lambda x, y: (x, y), 0),
        (lambda x, y: (bpx.namespace(x).exp(x * 2.0) + 1.0, y), 2 * 4),
    ],
)
def test_bytes_that_must_move(step, moved):
    assert recorded(step, (4,), (4,)).bytes == 8 * moved


# Parts


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_are_as_numpys(name):
    dtype, theirs = dtype_of(name), np.dtype(name)
    assert dtype.itemsize == theirs.itemsize
    assert np.isdtype(theirs, dtype.kind)
    assert str(dtype) == dtype.name == name


def test_there_is_no_other_dtype():
    with pytest.raises(KeyError):
        dtype_of("complex64")


@pytest.mark.parametrize(
    ("shape", "size"), [((), 1), ((3,), 3), ((3, 4), 12), ((0, 4), 0), ((2, 1, 5), 10)]
)
def test_sizes_of_a_value(shape, size):
    value = Value(shape, dtype_of("int16"))
    assert (value.size, value.nbytes) == (size, 2 * size)


def test_values_are_equal_only_to_themselves():
    one, other = (Value((2,), dtype_of("float32"), "x") for _ in range(2))
    assert one != other
    assert len({one, other}) == 2


def test_an_operation_tells_arrays_from_numbers():
    x = Value((2,), dtype_of("float32"))
    operation = Operation("where", (x, 1.0, x), x, (("axis", 0),))
    assert operation.values == (x, x)
    assert operation.attribute("axis") == 0
    assert operation.attribute("keepdims") is None
    assert operation.attribute("keepdims", False) is False


def test_inputs_stand_in_the_order_of_a_replay():
    program = recorded(lambda x, y: (y, x), (1,), (2,))
    assert program.inputs == (*program.state, *program.data, program.rows)
    x, y = np.ones(1), np.ones(2)
    swapped = program.replay(np, (x, y), (), ROWS)
    assert swapped[0] is y
    assert swapped[1] is x


def test_a_replay_refuses_another_number_of_arrays():
    with pytest.raises(ValueError, match="zip"):
        recorded(lambda x: (x + 1.0,), (1,)).replay(np, (np.ones(1),) * 2, (), ROWS)


def test_a_replay_writes_into_nothing():
    step, state, data, rows = training((4, 3, 2), 5, bpx.Adam())
    arrays = [*leaves(state), *leaves(data), rows]
    before = [each.copy() for each in arrays]
    record(step, state, data, rows).replay(np, list(leaves(state)), list(data), rows)
    for each, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(each, was)


def test_a_program_is_a_value_of_its_own():
    (x,) = recorded(lambda x: (x,), (1,)).state
    program = Program((x,), (), x, (), (x,))
    assert program.flops == program.bytes == 0
    assert str(program) == ""


def test_one_operation_can_be_applied_alone():
    dtype = DType("float32", "real floating", 4)
    x = Value((2, 2), dtype)
    key = (("key", (None, slice(1, None))),)
    found = apply(np, Operation("getitem", (x,), x, key), [np.arange(3)])
    np.testing.assert_array_equal(found, [[1, 2]])
    cast = apply(np, Operation("astype", (x,), x, (("dtype", dtype),)), [np.arange(3)])
    assert cast.dtype == np.float32
