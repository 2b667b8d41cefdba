"""Kernels' source, run as plain Python, and programs run in every way that there is.

No compiler is needed: `numba` is a stand-in whose decorator does nothing. So what is tested is
the text; that numba understands it is for `test_engines.py`.
"""

import numpy as np
import pytest

import bpx
from bpx.program.contract import eager, leaves
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy import replay as engine
from bpx_backends.engines.numpy.expressions import SUPPORTED
from bpx_backends.engines.numpy.source import sources, splits
from tests.interpreted import compiled, replayed, supported

STEPS = 3
ROWS = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0]], "int32")
pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")


def planned(step, *shapes):
    """The plan of ``step(xp, *arrays)``, with kernels."""
    state = numbers(*shapes)
    program = record(lambda s, d, r: step(bpx.namespace(r), *s), state, (), ROWS[0])
    return plan(program, supported)


def written(step, *shapes):
    """The sources of the nests of ``step(xp, *arrays)``."""
    made = planned(step, *shapes)
    return [each for kernel in made.kernels for each in sources(made, kernel)]


def ways(step, state, data, rows=ROWS, unfused=()):
    """The state after some steps: eagerly, and in each other way, with its plan."""
    program = record(step, state, data, rows[0])
    one_by_one = list(leaves(state))
    for each in rows:
        one_by_one = program.replay(np, one_by_one, list(leaves(data)), each)
    single = plan(program)
    fused = plan(program, lambda op: supported(op) and op.name not in unfused)
    return list(leaves(eager(step, state, data, rows, 0, len(rows)))), {
        "replay": (program, one_by_one),
        "ufuncs": (single, replayed(engine.prepare(single), state, data, rows)),
        "kernels": (fused, replayed(compiled(fused), state, data, rows)),
    }


def test_a_stack_of_another_size_runs_the_same_kernel():
    def step(xp, x, v):
        return v * x / (1.0 + xp.sum(x, axis=-1, keepdims=True)), v

    def made(several):
        return written(step, (several, 3, 4), (several, 1, 1))

    assert [each.text for each in made(2)] == [each.text for each in made(5)]
    assert [each.sizes for each in made(2)] == [(2, 3, 4)] * 2
    assert [each.sizes for each in made(5)] == [(5, 3, 4)] * 2


def check(step, state, data=(), **how):
    """All come to the same, to the bit."""
    expected, others = ways(step, state, data, **how)
    for way, (planned, found) in others.items():
        for ours, theirs in zip(found, expected, strict=True):
            ours, theirs = np.asarray(ours), np.asarray(theirs)
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), way
            np.testing.assert_array_equal(ours, theirs, f"{way}\n{planned}")
    return others["kernels"][0]


def numbers(*shapes, dtype="float64"):
    rng = np.random.default_rng(len(shapes))
    return tuple(np.asarray(rng.integers(-3, 4, shape), dtype) for shape in shapes)


# Every operation


FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 7.0, 1e-3]
CONSTANTS = (0.0, 0.5, 1.0, 2.0, -1.0, -3.25, 0.1, 1e-8, float("inf"), 3)
UNARY = ("abs", "exp", "expm1", "floor", "isfinite", "isnan", "log", "log1p", "negative",
         "positive", "sign", "sqrt", "square", "tanh")  # fmt: skip
BINARY = ("add", "divide", "equal", "greater", "greater_equal", "less", "less_equal",
          "maximum", "minimum", "multiply", "not_equal", "subtract")  # fmt: skip


def whole(xp, x):
    return xp.astype(xp.where(xp.abs(x) < 8.0, x, -2.5), xp.int32)


OPERATIONS = {
    **{name: lambda xp, x, y, f=name: [getattr(xp, f)(x)] for name in UNARY},
    **{
        name: lambda xp, x, y, f=name: [
            getattr(xp, f)(x, y),
            *(getattr(xp, f)(x, number) for number in CONSTANTS),
            *(getattr(xp, f)(number, x) for number in CONSTANTS),
        ]
        for name in BINARY
    },
    "pow": lambda xp, x, y: [
        xp.pow(xp.abs(x) + 0.5, y), *(xp.pow(xp.abs(x), number) for number in CONSTANTS[1:]),
        *(xp.pow(abs(number), x) for number in CONSTANTS),
    ],
    "where": lambda xp, x, y: [
        xp.where(x > y, x, y), xp.where(x > y, x, 0.1), xp.where(x == x, -1.0, y),
        xp.where(xp.isnan(x), y, x),
    ],
    "astype": lambda xp, x, y: [
        xp.astype(x > y, x.dtype), xp.astype(x, xp.bool), xp.astype(x, xp.float32),
        xp.astype(x, xp.float64), xp.astype(xp.isfinite(x), xp.int32),
        xp.astype(xp.where(xp.abs(x) < 8.0, x, 2.5), xp.int32),
    ],
    **{
        f"bitwise_{name}": lambda xp, x, y, f=f"bitwise_{name}": [
            getattr(xp, f)(whole(xp, x), whole(xp, y)), getattr(xp, f)(whole(xp, y), 6),
        ]
        for name in ("and", "or", "xor")
    },
    **{
        f"bitwise_{name}_shift": lambda xp, x, y, f=f"bitwise_{name}_shift": [
            getattr(xp, f)(whole(xp, x), 3), getattr(xp, f)(0x12345678 - whole(xp, y), 13),
            getattr(xp, f)(whole(xp, x), xp.abs(whole(xp, y))),
        ]
        for name in ("left", "right")
    },
    "logical_and": lambda xp, x, y: [xp.logical_and(x > 0.0, y > 0.0)],
    "logical_or": lambda xp, x, y: [xp.logical_or(x > 0.0, y > 0.0)],
    "logical_not": lambda xp, x, y: [xp.logical_not(x > 0.0)],
    **{
        name: lambda xp, x, y, f=name: [
            getattr(xp, f)(each, axis=axis, keepdims=kept)
            for each in (x, y)
            for axis in (0, 1)
            for kept in (False, True)
        ]
        for name in ("sum", "mean", "max", "min")
    },
    "argmax": lambda xp, x, y: [
        xp.argmax(each, axis=1, keepdims=kept) for each in (x, y) for kept in (False, True)
    ],
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_numpys(name, dtype):
    """On zeros of both signs, infinities and NaN, with numbers on both sides."""
    x = np.array(FLOATS, dtype).reshape(3, 4)
    y = np.array(FLOATS[5:] + FLOATS[:5], dtype).reshape(3, 4)
    if name == "argmax":
        y = np.full((3, 4), -np.inf, dtype)
    expected = OPERATIONS[name](np, x, y)
    state = tuple(np.zeros_like(each) for each in expected)
    program = record(lambda s, d, r: tuple(OPERATIONS[name](bpx.namespace(r), *d)), state,
                     (x, y), ROWS[0])  # fmt: skip
    planned = plan(program, supported)
    assert all(map(planned.kernels.__contains__, planned.instructions))
    for ours, theirs in zip(
        replayed(compiled(planned), state, (x, y), ROWS), expected, strict=True
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-14 if dtype == "float64" else 1e-6)


def test_only_the_mean_of_a_row_is_added_up_in_any_order():
    """Sums have the same bits whatever the processor."""

    def text(name, axis):
        def step(xp, x):
            return (x - getattr(xp, name)(x, axis=axis, keepdims=True),)

        return "".join(each.text for each in written(step, (3, 64)))

    assert "def add_in_any_order(x, y):" in text("mean", -1)
    for name, axis in (("sum", -1), ("mean", 0)):
        assert "add_in_any_order" not in text(name, axis)


def test_every_supported_operation_is_tested():
    assert set(OPERATIONS) | {"copy"} == SUPPORTED


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_whole_numbers(dtype):
    def step(s, d, r):
        xp = bpx.namespace(r)
        x, y = d
        large = xp.maximum(x, 1)
        return (
            x + y * 2 - 1, xp.maximum(x, y), xp.where(x == y, large, 3), xp.abs(y), y * y,
            xp.max(x, axis=1), xp.min(y, axis=0), xp.argmax(x, axis=1),
            xp.astype(x, xp.float32) / 2.0, x > y, xp.astype(y, xp.bool),
        )  # fmt: skip

    x, y = (abs(each) for each in numbers((3, 4), (3, 4), dtype=dtype))
    check(step, tuple(np.zeros_like(each) for each in step(None, (x, y), ROWS)), (x, y))


# What was hard: in place, through views, across loops

SHAPES = {
    "n, k": (3, 4),
    "square": (4, 4),
    "one row": (1, 4),
    "one column": (3, 1),
    "one": (1, 1),
}


def reductions(x):
    xp = bpx.namespace(x)
    return [getattr(xp, name)(x, axis=axis, keepdims=True)
            for name in ("sum", "max", "min", "mean") for axis in (0, 1)]  # fmt: skip


CASES = {
    "softmax by halves": lambda xp, x, c, w, v: (
        x + xp.max(x, axis=1, keepdims=True) - xp.sum(x - xp.max(x, axis=1, keepdims=True),
                                                      axis=1, keepdims=True), c, w, v),
    "broadcasting": lambda xp, x, c, w, v: (x * c - w + v * 2.0, c + 1.0, w * 2.0, v - w[0, :]),
    "rows' numbers": lambda xp, x, c, w, v: (
        x * (c + xp.sum(x, axis=1, keepdims=True)) - c, c - xp.sum(x, axis=1, keepdims=True),
        w, v),
    "views": lambda xp, x, c, w, v: (
        x + v[None, :] - c[:, 0][:, None], c + 1.0, w * v[None, :], v - w[0, :]),
    "a turned view": lambda xp, x, c, w, v: (
        x + w * 2.0, c + c[::-1, :], w + v[::-1][None, :], v * 2.0),
    "reshaped": lambda xp, x, c, w, v: (
        xp.reshape(xp.reshape(x, (-1, 1)) * 2.0, x.shape) + x, c, xp.reshape(v, w.shape) + w,
        xp.reshape(w, v.shape) - v),
    "products": lambda xp, x, c, w, v: (
        x - 0.5 * (x @ x.mT @ x), c + x @ w.mT, w - c.mT @ x, v + xp.sum(x, axis=0)),
    "two thirds and a where": lambda xp, x, c, w, v: (
        xp.where(xp.logical_and(x > 0.0, c > w), x - 1.0, w + c), xp.abs(c),
        w + xp.astype(w > v, w.dtype), v),
    "exchanged": lambda xp, x, c, w, v: (x, c, v[None, :] + 0.0 * w, w[0, :] + 0.0 * v),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CASES)
def test_by_hand(name, shape):
    """Whole numbers, small enough to be exact in every order."""
    n, k = SHAPES[shape]
    x = np.asarray(np.arange(n * k).reshape(n, k) % 3 - 1, "float64")
    state = (x, x[:, :1] + 1.0, x[:1, :] - 1.0, x[0, :] + 2.0)
    check(lambda s, d, r: CASES[name](bpx.namespace(s[0]), *s), state, rows=ROWS[:2])


@pytest.mark.parametrize("position", [0, 1, 3])
def test_nan_is_passed_on(position):
    def step(s, d, r):
        xp = bpx.namespace(r)
        row = xp.max(d[0], axis=1, keepdims=True)
        return (
            s[0] + xp.maximum(d[0], 0.0) + xp.minimum(1.0, d[0]) + xp.maximum(d[0], d[1]),
            xp.astype(xp.argmax(d[0], axis=1), s[1].dtype), d[0] - row,
            xp.min(d[0], axis=0) + xp.where(xp.max(d[1], axis=0) > 0.0, 1.0, s[3]),
        )  # fmt: skip

    x, y = numbers((3, 4), (3, 4))
    x[1, position] = y[2, position] = np.nan
    check(step, (x * 0.0, x[:, 0] * 0.0, x * 0.0, x[0, :] * 0.0), (x, y))


SPLITS = {
    "element by element": (lambda xp, x, v: (x + 1.0, v * 2.0), True),
    "row by row": (lambda xp, x, v: (x / xp.sum(x, axis=1, keepdims=True), v), True),
    "column by column": (lambda xp, x, v: (x, xp.sum(x * 2.0, axis=0)), True),
    "by rows and by columns": (lambda xp, x, v: (
        x + xp.sum(x, axis=1, keepdims=True), xp.sum(x + 1.0, axis=0)), False),
    "a sum that is read": (lambda xp, x, v: (x - xp.max(x, axis=0), v), False),
    "what another loop overwrites": (lambda xp, x, v: (x + v, v * 2.0), False),
    "a view of what another loop overwrites": (
        lambda xp, x, v: (x + xp.reshape(v, (1, 4)), v * 2.0), False),
    "a view of another loop's result": (
        lambda xp, x, v: (x + xp.reshape(xp.abs(v * 0.5), (1, 4)), v), False),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_a_kernel_is_cut_for_threads_where_no_loop_needs_anothers(name):
    step, expected = SPLITS[name]
    made = planned(step, (3, 4), (4,))
    (kernel,) = made.kernels
    assert splits(made, kernel) == expected


def test_one_text_serves_all_sizes_and_rates():
    """So that a kernel is compiled once for the layers of every network."""

    def text(n, k, rate):
        def step(xp, w):
            return (w - rate * xp.abs(w),)

        return [each.text for each in written(step, (n, k))]

    assert text(3, 4, 0.3) == text(30, 784, 0.01)


def test_layers_of_any_number_have_the_same_texts():
    """Those of a step of Adam: a deeper network compiles nothing more."""

    def texts(depth):
        net = bpx.Network([5, *[4] * depth, 2], seed=0, backend="numpy")
        made = plan(net.program(batch_size=3, optimizer=bpx.Adam()), supported)
        found = [each.text for kernel in made.kernels for each in sources(made, kernel)]
        return set(found), len(found)

    few, many = texts(3), texts(12)
    assert few[0] == many[0]
    assert len(few[0]) < few[1] < many[1]


def test_nests_that_differ_in_anything_their_texts_show_have_texts_of_their_own():
    """Also if they have the same operations, in the same order."""

    def text(step, *shapes):
        (made,) = written(step, *shapes)
        return made.text

    texts = [
        text(lambda xp, x, y: (x * y, y), (3, 4), (3, 4)),
        text(lambda xp, x, y: (x * x, y), (3, 4), (3, 4)),
        text(lambda xp, x, y: (x * y, y), (3, 4), (1, 4)),
        text(lambda xp, x, y: (x * y, y), (3, 4), (3, 1)),
        text(lambda xp, x, y: (x * y, y), (3, 4), ()),
        text(lambda xp, x: (x * 2.0,), (3, 4)),
        text(lambda xp, x: (x * 1.5,), (3, 4)),
        text(lambda xp, x: (2.0 * x,), (3, 4)),
        text(lambda xp, x: (xp.astype(x, xp.float32) + x,), (3, 4)),
        text(lambda xp, x: (x * 1.5 * 2.5,), (3, 4)),
        text(lambda xp, x: (x * 1.5 * 1.5,), (3, 4)),
        text(lambda xp, x, y: (x - 1.0, xp.abs(x - 1.0)), (3, 4), (3, 4)),
        text(lambda xp, x: (xp.abs(x - 1.0),), (3, 4)),
    ]
    assert len(set(texts)) == len(texts)
