"""The CuPy engine: its CUDA C compiled and run without a GPU, and all of it where there is one.

The kernels' numbers are checked on the host, where the same source runs as C++ with fibers
for threads (`tests.cuda_emulation`); the module that makes the CUDA calls, on stand-ins for
CuPy and nvmath-python (`tests.cuda_fakes`). What is marked ``gpu`` needs a device.
"""

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.model.spec import Gradients
from bpx.privacy.step import NoisyData, PrivateState, PrivateStep
from bpx.program.contract import eager, leaves, rebuilt
from bpx.program.operation import DTYPES, DType
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.step import Data, State, TrainingStep, zero_metrics
from bpx_backends.engines.cuda.engine import CupyEngine
from bpx_backends.engines.cuda.expressions import TYPES, literal
from bpx_backends.engines.cuda.items import Launch, Product, matrix_order
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function
from bpx_backends.engines.cuda.prelude import PRELUDE
from bpx_backends.engines.cuda.products import gemm
from bpx_backends.engines.cuda.schedule import fuses, schedule
from bpx_backends.engines.cuda.source import source
from tests import cuda_fakes
from tests.backends import Target, host, problem
from tests.cuda_emulation import (
    EmulatedMachine,
    EmulatedMachines,
    compiled,
    compiler,
    host_library,
    nvrtc,
)

STEPS = 20
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
}
HEADS = [
    *((name, "quadratic") for name in bpx.activations.ACTIVATIONS),
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "categorical_cross_entropy"),
]
S = {
    "sizes": (784, 30, 10), "batch": 10, "hidden": "sigmoid", "output": "sigmoid",
    "cost": "quadratic", "optimizer": bpx.SGD(3.0),
}  # fmt: skip
M = {
    "sizes": (784, 512, 512, 10), "batch": 128, "hidden": "relu", "output": "softmax",
    "cost": "cross_entropy", "optimizer": bpx.Adam(),
}  # fmt: skip


class Run(NamedTuple):
    """A step with all that it needs, on the host."""

    step: Any
    state: Any
    data: Any
    rows: np.ndarray

    def eagerly(self, steps: int | None = None) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            stop = len(self.rows) if steps is None else steps
            return list(leaves(eager(self.step, self.state, self.data, self.rows, 0, stop)))

    def after(self, scan: Any, *ends: int) -> list[np.ndarray]:
        state, start = self.state, 0
        for stop in ends or (len(self.rows),):
            state = scan(self.step, state, self.data, self.rows, start, stop)
            start = stop
        return [host(leaf) for leaf in leaves(state)]

    def scheduled(self, **settings: Any) -> Any:
        program = record(self.step, self.state, self.data, self.rows[0])
        return schedule(plan(program, fuses), **settings)


def training(
    sizes=(6, 5, 4), *, optimizer=OPTIMIZERS["sgd"], batch=7, steps=STEPS, decay=None,
    dtype="float32", real=False, samples=50, **settings,
) -> Run:  # fmt: skip
    rng = np.random.default_rng(1)
    net = bpx.Network(sizes, seed=3, dtype=dtype, **settings)
    y = rng.random((samples, sizes[-1])) if real else rng.integers(0, sizes[-1], samples)
    data = Data(
        rng.random((samples, sizes[0])).astype(dtype), y.astype(dtype if real else "int32")
    )
    accuracy = None if real else "argmax"
    like = net.parameters.b[0]
    state = State(
        net.parameters,
        optimizer.init(net.parameters),
        None if decay is None else like[:1] * 0.0 + like.dtype.type(decay),
        zero_metrics(like, batch, accuracy),
    )
    rows = rng.integers(0, samples, (steps, batch)).astype("int32")
    return Run(TrainingStep(net.spec, optimizer.update, accuracy), state, data, rows)


@dataclass(frozen=True)
class Compute:
    """A step that computes ``function(*data)`` into the state."""

    function: Callable[..., Any]

    def __call__(self, state, data, rows):
        return tuple(self.function(*data))


def computing(function, *arrays):
    """A step and its result by NumPy."""
    with np.errstate(all="ignore"):
        expected = [np.asarray(each) for each in function(*arrays)]
    state = tuple(np.zeros_like(each) for each in expected)
    rows = np.zeros((1, 1), "int32")
    return Run(Compute(function), state, arrays, rows), expected


def agree(ours, theirs, within):
    """Each array, by the norm of the difference over the norm."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.isfinite(b).all()
        assert np.linalg.norm(a - b) <= within * np.linalg.norm(b)


def near(dtype, steps=STEPS):
    """Sums in another order, step upon step."""
    return {"float32": 1e-5, "float64": 1e-13}[dtype]


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def emulated():
    if compiler() is None:
        pytest.skip("no C++20 compiler (g++ or clang++) to run kernels on the host")


def emulator(*, reverse=False, captures=True, precision="float32"):
    machines = EmulatedMachines(reverse=reverse, captures=captures)
    return CupyEngine(precision, machines), machines


def check(run, within=None, *, ends=(1, 9, STEPS), reverse=(False, True)):
    """Emulated steps against eager ones, whatever the order of blocks and threads."""
    expected = run.eagerly()
    entered = [leaf.copy() for leaf in leaves(run.state)]
    found = []
    for backwards in reverse:
        engine, _ = emulator(reverse=backwards)
        found.append(run.after(engine.scan))
        again = run.after(engine.scan, *ends)
        for one, other in zip(found[-1], again, strict=True):
            np.testing.assert_array_equal(one, other)
    agree(found[0], expected, within or near(expected[0].dtype.name))
    for one, other in zip(found[0], found[-1], strict=True):
        np.testing.assert_array_equal(one, other)  # no thread waits for luck
    for before, leaf in zip(entered, leaves(run.state), strict=True):
        np.testing.assert_array_equal(before, leaf)


# What is computed: expressions, reductions, conversions.

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 3.7, 1e-5, -88.5, 20.0, np.inf, -np.inf, np.nan]
UNARY = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "abs", "negative",
    "positive", "sign", "square", "floor", "ceil", "round", "trunc", "isfinite", "isnan",
    "isinf",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "hypot", "atan2",
    "copysign", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
)  # fmt: skip


def floating(x, y):
    xp = bpx.namespace(x)
    yield from (getattr(xp, name)(x) for name in UNARY)
    yield from (getattr(xp, name)(x, y) for name in BINARY)
    yield from (0.1 * x, x + 2, 1 / x, x**3, -x, xp.maximum(x, 0.0), xp.minimum(x, 1e30))
    yield from (x > 0.1, xp.where(x > y, x, 0.5), xp.where(x > y, float("-inf"), y))
    yield from (xp.astype(x > y, x.dtype), xp.clip(x, -1.0, 1.0), x + float("nan"))
    kept = xp.where(xp.isfinite(x), xp.clip(x, -100.0, 100.0), 0.0)
    yield from (xp.astype(kept, xp.int32), xp.astype(kept, xp.bool), xp.astype(x, xp.float64))
    yield xp.astype(x, xp.float32)
    yield from (xp.logical_and(x > 0.0, y > 0.0), xp.logical_or(x > 0.0, y > 0.0))
    yield from (xp.logical_xor(x > 0.0, y > 0.0), xp.logical_not(x > 0.0))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_function_of_floats(dtype):
    x = np.array(FLOATS, dtype)
    run, expected = computing(floating, np.ascontiguousarray(x[:, None] + 0 * x), x)
    for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=16 * np.finfo(dtype).eps, atol=0)


def integral(x, y):
    xp = bpx.namespace(x)
    names = ("add", "subtract", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_or",
             "bitwise_xor", *BINARY[-6:])  # fmt: skip
    yield from (getattr(xp, name)(x, y) for name in names)
    unary = ("abs", "negative", "positive", "sign", "square", "floor", "bitwise_invert")
    yield from (getattr(xp, name)(x) for name in unary)
    yield from (x * 3, 7 - x, x + 2**30, xp.where(x > y, x, -1), x == 3)
    small = xp.bitwise_and(y, 7)
    yield from (xp.bitwise_left_shift(x, small), xp.bitwise_right_shift(x, small), x**small)
    yield from (xp.astype(x, xp.float32), xp.astype(x, xp.float64), xp.astype(x, xp.int64))
    yield from (xp.astype(x, xp.int8), xp.astype(x, xp.uint16), xp.astype(x, xp.bool))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_every_function_of_integers_that_wrap(dtype):
    most = np.iinfo(dtype)
    x = np.array([0, 1, -1, 3, -7, 100, most.max, most.min + 1, 65_537, -1000], dtype)
    run, expected = computing(integral, np.ascontiguousarray(x[:, None] + 0 * x), x)
    for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def reduced(x):
    xp = bpx.namespace(x)
    for axis, keepdims in product((0, 1, None), (False, True)):
        for name in ("max", "min"):
            yield getattr(xp, name)(x, axis=axis, keepdims=keepdims)
    yield xp.argmax(x, axis=1)
    yield xp.argmax(x, axis=1, keepdims=True)


def reduced_floats(x):
    xp = bpx.namespace(x)
    yield from reduced(x)
    for axis, keepdims in product((0, 1, None), (False, True)):
        yield xp.sum(x, axis=axis, keepdims=keepdims)
        yield xp.mean(x, axis=axis, keepdims=keepdims)
    # Phases: what a row's reduction gives goes into its elements, and is reduced again.
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    a = e / xp.sum(e, axis=1, keepdims=True)
    yield from (a, xp.sum(a, axis=0), xp.mean(a * x, axis=0), xp.sum(x, axis=0) * 2.0)
    yield xp.log(xp.sum(e, axis=1, keepdims=True)) + xp.max(x, axis=1, keepdims=True)
    yield xp.astype(xp.argmax(a, axis=1) > 1, x.dtype) + xp.mean(a, axis=1)


SHAPES = [(1, 1), (1, 7), (5, 1), (3, 10), (7, 32), (2, 33), (3, 100), (2, 1300), (70, 5),
          (2100, 3), (600, 33)]  # fmt: skip


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_reduction(shape):
    x = np.random.default_rng(0).normal(size=shape)
    run, expected = computing(reduced_floats, x)
    for backwards in (False, True):
        found = run.after(emulator(reverse=backwards)[0].scan)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", [(4, 6), (4, 100), (4, 1300)], ids=str)
def test_the_largest_is_the_first_one_or_nan(shape):
    x = np.random.default_rng(0).integers(0, 4, shape).astype("float32")  # many are equal
    x[1, [2, 5]] = np.nan
    x[2] = -np.inf
    x[3, 3] = np.inf
    for values in (x, x[[0, 0, 0, 0]].astype("int32")):
        run, expected = computing(reduced, values)
        for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("name", "digits", "least"), [("half", 11, -24), ("bfloat", 8, -133)])
def test_half_precision_is_rounded_to_nearest_even(name, digits, least):
    bits = np.arange(0, 2**32, 2**32 // 200_000 + 12_345, dtype=np.uint64).astype(np.uint32)
    edges = np.array([65519.9, 65520.0, 3.4e38, 2.0**-25, 3 * 2.0**-25, np.inf, np.nan])
    x = np.concatenate(
        [bits.view(np.float32), edges.astype(np.float32), np.float32([0.0, -0.0])]
    )
    kind = name.capitalize()
    library = host_library(
        f'{PRELUDE}\nextern "C" void cast(float* x, {kind}* y, int n) '
        f"{{ for (int i = 0; i < n; ++i) y[i] = to_{name}(x[i]); }}"
    )
    cast = np.zeros(x.size, np.uint16)
    library.cast(np.ctypeslib.as_ctypes(x), np.ctypeslib.as_ctypes(cast), x.size)
    back = cast.view(np.float16) if name == "half" else (cast.astype("u4") << 16).view("f4")
    # To a number of binary digits, but to no finer than the smallest subnormal number.
    exponent = np.frexp(x.astype(float))[1]
    unit = np.exp2(np.maximum(exponent - digits, least).astype(float))
    expected = np.rint(x / unit) * unit
    expected[np.abs(expected) >= (65520.0 if name == "half" else 2.0**128)] *= np.inf
    np.testing.assert_array_equal(back.astype(float), expected)
    np.testing.assert_array_equal(np.signbit(back[~np.isnan(x)]), np.signbit(x[~np.isnan(x)]))


@pytest.mark.parametrize(
    ("number", "dtype", "text"),
    [
        (0.1, "float32", "0.100000001f"),
        (0.1, "float64", "0.10000000000000001"),
        (2, "float32", "2.0f"),
        (-1e300, "float64", "(-1.0000000000000001e+300)"),
        (1e300, "float32", "__int_as_float(0x7f800000)"),
        (float("-inf"), "float64", "(-__longlong_as_double(0x7ff0000000000000LL))"),
        (True, "bool", "true"),
        (3, "int32", "((int)3)"),
        (-(2**63), "int64", "(-9223372036854775807LL - 1)"),
        (2**64 - 1, "uint64", "((unsigned long long)18446744073709551615ULL)"),
    ],
)
def test_numbers_have_the_dtype_of_their_operation(number, dtype, text):
    assert literal(number, DTYPES[dtype]) == text


# Whole steps.


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("name", bpx.activations.ACTIVATIONS)
def test_every_activation(name):
    check(training(hidden=name, output=name, cost="quadratic", dtype="float64"))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("output", "cost"), HEADS[-2:])
def test_every_cost_and_optimizer(output, cost, optimizer):
    check(
        training((6, 5, 3, 4), hidden="tanh", output=output, cost=cost, decay=0.01,
                 optimizer=OPTIMIZERS[optimizer])
    )  # fmt: skip


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (6, 4)},
        {"batch": 1},
        {"sizes": (6, 1), "real": True, "output": "identity"},
        {"sizes": (1, 1, 2), "batch": 1},
        {"sizes": (8, 8, 8), "batch": 8, "hidden": "gelu_tanh"},
        {"sizes": (6, 200, 4), "batch": 40, "hidden": "silu"},
        {"sizes": (6, 40, 35), "batch": 33, "hidden": "softmax", "output": "softmax",
         "cost": "cross_entropy", "steps": 10},
        {"sizes": (6, 50, 4), "batch": 700, "steps": 3},
    ],
    ids=["one layer", "batch 1", "one output", "ones", "square", "wide", "long rows", "tall"],
)  # fmt: skip
def test_every_shape(settings):
    steps = settings.get("steps", STEPS)
    run = training(
        **{"optimizer": OPTIMIZERS["adam"], "decay": 0.1, "dtype": "float64"} | settings
    )
    check(run, ends=(1, steps - 1, steps))


@pytest.mark.usefixtures("emulated")
def test_the_case_s_in_float32():
    check(training(**S), 1e-5, reverse=(False,))


@pytest.mark.slow
@pytest.mark.usefixtures("emulated")
def test_the_case_m_in_float32():
    run = training(**M, steps=2, samples=300)
    check(run, 1e-4, ends=(1, 2), reverse=(False,))


@pytest.mark.usefixtures("emulated")
def test_a_ragged_last_batch_is_another_plan():
    full, last = training(steps=6), training(steps=1, batch=3)
    engine, machines = emulator()
    state = full.state
    for run in (full, last, full, last):
        state = run.state._replace(parameters=state.parameters)
        with_state = run._replace(state=state)
        ours = engine.scan(*with_state, 0, len(run.rows))
        agree(list(leaves(ours)), with_state.eagerly(), 1e-5)
        state = ours
    assert len(machines.made) == 2


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("precision", "within"), [("bfloat16", 1e-2), ("float16", 1e-3)])
def test_half_precision_is_of_the_products_alone(precision, within):
    run = training((6, 50, 4), hidden="relu", optimizer=OPTIMIZERS["adam"], steps=10)
    engine, machines = emulator(precision=precision)
    ours, exact = run.after(engine.scan), run.eagerly()
    agree(ours, exact, within)
    assert any(not np.array_equal(a, b) for a, b in zip(ours, exact, strict=True))
    products = machines.made[0].schedule.products
    assert {p.dtype.name for each in products for p in (each.a, each.b)} == {precision}
    assert {each.out.dtype.name for each in products} == {"float32"}
    assert machines.made[0].schedule.capturable


def with_ones(state, data, rows):
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    sums = x @ xp.ones((6, 1), dtype=x.dtype)
    return (0.5 * state[0] + (sums * x).mT @ x,)


@pytest.mark.usefixtures("emulated")
def test_a_product_with_a_constant_stays_as_it_is():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 20, (STEPS, 4)).astype("int32")
    run = Run(Own(with_ones), (rng.random((6, 6), "f4"),), (rng.random((20, 6), "f4"),), rows)
    engine, machines = emulator(precision="bfloat16")
    agree(run.after(engine.scan), run.eagerly(), 1e-2)
    kinds = [each.a.dtype.name for each in machines.made[0].schedule.products]
    assert kinds == ["float32", "bfloat16"]


def test_an_unknown_precision_is_refused():
    with pytest.raises(bpx.InputError, match=r"precision='int8' was given; expected one of fl"):
        CupyEngine("int8")


def test_precision_is_for_networks_in_float32():
    run = training(dtype="float64")
    engine, _ = emulator(precision="tf32")
    with pytest.raises(
        bpx.InputError, match=r"precision='tf32' was given for a network in flo"
    ):
        run.after(engine.scan)


# Steps of a user's own: memory that is read in other ways than by rows.


class Own(NamedTuple):
    """A step by itself."""

    function: Callable[..., Any]

    def __call__(self, state, data, rows):
        return self.function(state, data, rows)


def swapped(state, data, rows):
    p, q = state
    return q * 2.0, p + 1.0


def transposed(state, data, rows):
    w, u = state
    return 0.5 * w + 0.1 * w.mT, 0.5 * u + w.mT


def by_view(state, data, rows):
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    picked = xp.astype(rows, x.dtype) * 0.01
    total = (
        xp.sum(data[0]) * xp.sum(x[:, 1:], axis=1) + xp.take(data[1], rows[::-1], axis=0)[:, 0]
    )
    flat = xp.reshape(x.mT, (-1,))[::2]
    w = 0.1 * state[0] + total[:3, None] * picked[:3] + xp.broadcast_to(x[0, :3], (3, 3))
    u = 0.1 * state[1] + xp.reshape(flat[:9], (3, 3)) + (x[:3, ::2] @ x[:3, ::2])
    return w, u + xp.max(x) + xp.prod(x[:3, :3], axis=1, keepdims=True)


def row_by_row(state, data, rows):
    # A number of each row is read by its elements, and overwritten when these are done.
    xp = bpx.namespace(data[0])
    x, v = xp.take(data[0], rows, axis=0), xp.take(data[1], rows, axis=0)
    m = xp.max(x, axis=1, keepdims=True)
    s, e = v * m, (x - m) + v
    c = (e * s).mT @ e
    return 0.5 * state[0] + c[:3, :3], 0.5 * state[1] + s[:3] * m[:3].mT


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("function", [swapped, transposed, by_view, row_by_row])
def test_memory_is_read_before_it_is_overwritten(function):
    rng = np.random.default_rng(0)
    state = tuple(rng.random((3, 3)) for _ in range(2))
    data = rng.random((20, 6)), rng.random((20, 1))
    rows = rng.integers(0, 20, (STEPS, 8)).astype("int32")
    check(Run(Own(function), state, data, rows))


def along_and_across(state, data, rows):
    # A vector is added to each row, and gets of each row one number.
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0) + state[0]
    return state[0] - 0.1 * xp.max(x, axis=1), state[1] + xp.mean(x, axis=1)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("k", [6, 40])
def test_a_vector_that_rows_read_is_overwritten_after_them(k):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 20, (STEPS, k)).astype("int32")
    check(
        Run(Own(along_and_across), (rng.random(k), rng.random(k)), (rng.random((20, k)),), rows)
    )


@pytest.mark.usefixtures("emulated")
def test_what_no_kernel_holds_is_called_and_not_captured():
    rng = np.random.default_rng(0)
    data = rng.random((20, 6)), rng.random((20, 1))
    rows = rng.integers(0, 20, (5, 8)).astype("int32")
    run = Run(Own(by_view), (rng.random((3, 3)),) * 2, data, rows)
    made = run.scheduled()
    assert [op.operation.name for op in made.items if not isinstance(op, Launch | Product)] == [
        "prod"
    ]
    assert not made.capturable
    engine, machines = emulator()
    run.after(engine.scan)
    assert machines.made[0].replays == 0


# What is put on the stream.


def test_the_order_of_the_stream():
    for case, kinds in ((S, "LPLPLPPLPL"), (M, "LPLPLPLPPLPPLPL")):
        made = training(**case, steps=1).scheduled()
        assert "".join(type(each).__name__[0] for each in made.items) == kinds
        assert made.capturable
    # The optimiser of all six parameters and the two sums of the metrics are one launch, of
    # four functions: Adam by four elements and by one, and the sums of float32 and of bool.
    last = made.items[-1]
    assert len(last.functions) == 8
    assert len({each.text for each in last.functions}) == 4


def test_launches_hold_nothing_that_needs_one_another():
    def touches(a: Function, b: Function) -> bool:
        return any(x < w and v < y for v, w in a.writes for x, y in (*b.reads, *b.writes))

    for case in (S, M):
        for launch in training(**case, steps=1).scheduled().launches:
            for a, b in product(launch.functions, repeat=2):
                assert a is b or not touches(a, b)


def test_a_bias_is_left_to_the_product():
    run = training(**S, steps=1)
    assert [bool(each.bias) for each in run.scheduled().products] == [True, True, *[False] * 3]
    assert not any(each.bias for each in run.scheduled(bias=False).products)
    assert not any(each.bias for each in training(dtype="float64").scheduled().products)


def used_twice(state, data, rows):
    w, b = state
    x = bpx.namespace(w).take(data[0], rows, axis=0)
    p = x @ w.mT
    return w - 0.1 * (p + b).mT @ x, 0.9 * b + 0.1 * p[0, :]


@pytest.mark.usefixtures("emulated")
def test_a_bias_is_not_added_to_a_product_that_has_another_use():
    rng = np.random.default_rng(0)
    state, data = (
        [rng.random(shape, "float32") for shape in ((3, 6), 3)],
        rng.random((20, 6), "f4"),
    )
    rows = rng.integers(0, 20, (STEPS, 2)).astype("int32")
    run = Run(Own(used_twice), tuple(state), (data,), rows)
    assert not any(each.bias for each in run.scheduled().products)
    check(run)


FLOAT = DTYPES["float32"]


@pytest.mark.parametrize(
    ("shape", "strides", "order"),
    [
        ((3, 4), (4, 1), (False, 4)),
        ((3, 4), (1, 3), (True, 3)),
        ((3, 4), (6, 1), (False, 6)),
        ((1, 4), (1, 1), (False, 4)),
        ((4, 1), (1, 1), (False, 1)),
        ((1, 4), (0, 1), (False, 4)),
        ((4, 1), (1, 0), (False, 1)),
        ((1, 1), (0, 0), (False, 1)),
        ((3, 4), (8, 2), None),
    ],
)
def test_how_a_product_can_read_a_matrix(shape, strides, order):
    assert matrix_order(Place(0, FLOAT, shape, strides)) == order


@pytest.mark.parametrize(("rows", "inner", "columns"), [*product((1, 3), (1, 4), (1, 5))])
def test_products_as_columns_of_memory(rows, inner, columns):
    numbers = np.random.default_rng(0).random(100).astype("float32")
    for turned_a, turned_b in product((False, True), repeat=2):
        a = Place(0, FLOAT, (rows, inner), (1, rows) if turned_a else (inner, 1))
        b = Place(100, FLOAT, (inner, columns), (1, inner) if turned_b else (columns, 1))
        out = Place(200, FLOAT, (rows, columns), (columns, 1))
        bias = Place(320, FLOAT, (columns,), (1,))
        arena = numbers.view(np.uint8).copy()
        machine = EmulatedMachine.__new__(EmulatedMachine)
        machine.arena = arena
        machine.multiply(gemm(Product(a, b, out, bias)))
        left, right, row = (machine.array(each) for each in (a, b, bias))
        np.testing.assert_allclose(machine.array(out), left @ right + row, rtol=1e-6)


# The engine: graphs, slots, what is kept.


@pytest.mark.usefixtures("emulated")
def test_steps_are_unrolled_in_graphs_with_a_remainder():
    run = training(steps=60)
    engine, machines = emulator()
    agree(run.after(engine.scan, 1, 53, 60), run.eagerly(), 1e-5)
    (machine,) = machines.made
    many = 256 // len(machine.schedule.items)
    assert (52 // many, 52 % many) == (2, 2)
    assert machine.replays == 1 + (2 + 2) + 7
    assert machine.steps == 1 + 60  # one to load the kernels


@pytest.mark.usefixtures("emulated")
def test_without_graphs_steps_are_launched_one_by_one():
    run = training()
    engine, machines = emulator(captures=False)
    agree(run.after(engine.scan, 1, 9, STEPS), run.eagerly(), 1e-5)
    assert machines.made[0].replays == 0


@pytest.mark.usefixtures("emulated")
def test_a_refused_capture_is_told_and_the_steps_are_launched(monkeypatch, caplog):
    def refuse(self, body):
        raise NotImplementedError("not while a stream is captured")

    monkeypatch.setattr(EmulatedMachine, "capture", refuse)
    run = training()
    with caplog.at_level(logging.WARNING, "bpx"):
        agree(run.after(emulator()[0].scan, 1, 9, STEPS), run.eagerly(), 1e-5)
    assert [each.message for each in caplog.records] == [
        "steps are launched one by one, as no graph can hold them: "
        "not while a stream is captured"
    ]


@pytest.mark.usefixtures("emulated")
def test_what_was_given_back_is_written_only_when_donated():
    run = training(optimizer=OPTIMIZERS["adam"])
    engine, _ = emulator()
    first = engine.scan(*run, 0, 5)
    kept = [leaf.copy() for leaf in leaves(first)]
    second = engine.scan(run.step, first, run.data, run.rows, 5, STEPS)
    for before, leaf in zip(kept, leaves(first), strict=True):
        np.testing.assert_array_equal(before, leaf)
    third = engine.scan(run.step, first, run.data, run.rows, 5, STEPS, True)
    for one, other in zip(leaves(second), leaves(third), strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(a is b for a, b in zip(leaves(first), leaves(third), strict=True))


@pytest.mark.usefixtures("emulated")
def test_memory_is_given_back_and_got_again():
    run = training()
    engine, machines = emulator()
    for _ in range(2):
        agree(run.after(engine.scan), run.eagerly(), 1e-5)
        engine.release()
    assert len(machines.made) == 2


@pytest.mark.usefixtures("emulated")
def test_two_threads_at_once_come_to_the_same():
    run, found = training(), []
    engine, _ = emulator()
    threads = [
        Thread(target=lambda: found.append(run.after(engine.scan, 9, STEPS))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    for each in found:
        agree(each, run.eagerly(), 1e-5)


# The module that makes the CUDA calls, on stand-ins for CuPy and nvmath-python.


def on_fakes(run):
    def array(x):
        return cuda_fakes.array(np.asarray(x))

    state, data = (
        rebuilt(tree, [array(each) for each in leaves(tree)]) for tree in (run.state, run.data)
    )
    return Run(run.step, state, data, array(run.rows))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("precision", "refused", "biases", "captured"),
    [
        ("float32", (), 2, True),
        ("float32", ("BIAS",), 0, True),
        ("float32", ("ALL",), 0, False),
        ("tf32", (), 2, True),
        ("bfloat16", (), 2, True),
        ("float16", (), 2, True),
    ],
)
def test_cuda_calls(monkeypatch, caplog, precision, refused, biases, captured):
    run, lt = training(steps=30), cuda_fakes.CublasLt(set(refused))
    with cuda_fakes.installed(monkeypatch, lt) as machine:
        engine = CupyEngine(precision, machine.CupyMachines(precision))
        ours = on_fakes(run).after(engine.scan, 1, 27, 30)
        agree(ours, run.eagerly(), 1e-2 if "16" in precision else 1e-5)
        (replay,) = engine._replays.values()
        assert bool(replay.graphs) is captured
        assert sum(bool(p.bias) for p in replay.machine.schedule.products) == biases
        computes = {each.get("compute") for each in lt.made.values()} - {None}
        if captured:
            fast = "_FAST_TF32" if precision == "tf32" else ""
            assert computes == {f"COMPUTE_32F{fast}"}
        else:
            assert "CuPy's own matrix products are used: not supported" in caplog.text
        del replay
        engine.release()
        gc.collect()  # an error that was caught holds on to what it came from
        assert [each["what"] for each in lt.made.values()] == ["handle"]


@pytest.mark.usefixtures("emulated")
def test_cuda_calls_in_float64(monkeypatch):
    run, lt = training(dtype="float64"), cuda_fakes.CublasLt()
    with cuda_fakes.installed(monkeypatch, lt) as machine:
        engine = CupyEngine(machines=machine.CupyMachines("float32"))
        agree(on_fakes(run).after(engine.scan), run.eagerly(), 1e-13)
    assert {each.get("compute") for each in lt.made.values()} - {None} == {"COMPUTE_64F"}


@pytest.mark.usefixtures("emulated")
def test_cuda_calls_without_nvmath(monkeypatch):
    run = training()
    with cuda_fakes.installed(monkeypatch, None) as machine:
        engine = CupyEngine(machines=machine.CupyMachines("float32"))
        agree(on_fakes(run).after(engine.scan), run.eagerly(), 1e-5)
        assert not next(iter(engine._replays.values())).graphs
        assert "nvmath-python, which CUDA graphs need, is not installed" in machine.engine()
        other = CupyEngine("tf32", machine.CupyMachines("tf32"))
        with pytest.raises(
            bpx.BackendError, match=r"precision='tf32' needs nvmath-python, whi"
        ):
            on_fakes(run).after(other.scan)


@pytest.mark.usefixtures("emulated")
def test_a_precision_that_cannot_be_had_is_refused(monkeypatch):
    with cuda_fakes.installed(monkeypatch, cuda_fakes.CublasLt({"ALL"})) as machine:
        engine = CupyEngine("tf32", machine.CupyMachines("tf32"))
        with pytest.raises(
            bpx.BackendError, match=r"precision='tf32' cannot be had here: not s"
        ):
            on_fakes(training()).after(engine.scan)


# NVIDIA's compiler, which needs no GPU.


@pytest.fixture
def _nvrtc():
    if nvrtc() is None:
        pytest.skip("nvidia-cuda-nvrtc is not installed")


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize(
    "case",
    [S, M, M | {"batch": 1}, S | {"batch": 8192}],
    ids=["S", "M", "M, batch 1", "S, batch 8192"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_compile_for_hopper(case, dtype):
    made = training(**case, dtype=dtype, steps=1).scheduled()
    assert compiled(source(made.launches)) > 0


@cache
def functions(dtype: str, batch: int) -> dict[str, Function]:
    """The functions of every activation, cost and optimiser, by their text."""
    found = {}
    for hidden, (output, cost), optimizer in product(
        bpx.activations.ACTIVATIONS, HEADS, OPTIMIZERS
    ):
        run = training(
            hidden=hidden, output=output, cost=cost, batch=batch, decay=0.1, dtype=dtype,
            optimizer=OPTIMIZERS[optimizer], steps=1,
        )  # fmt: skip
        launches = run.scheduled().launches
        found |= {each.text: each for launch in launches for each in launch.functions}
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize(("dtype", "batch"), [("float32", 7), ("float64", 7), ("float32", 1)])
def test_every_activation_cost_and_optimizer_compiles_for_hopper(dtype, batch):
    launches = [Launch((each,)) for each in functions(dtype, batch).values()]
    assert compiled(source(launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
def test_every_function_and_reduction_compiles_for_hopper():
    x = np.array(FLOATS, "float32")
    runs = [
        computing(floating, np.ascontiguousarray(x[:, None] + 0 * x), x)[0],
        computing(integral, np.ones((3, 3), "int64"), np.ones(3, "int64"))[0],
        *(computing(reduced_floats, np.ones(shape, "float32"))[0] for shape in SHAPES[3:9:2]),
    ]
    for run in runs:
        assert compiled(source(run.scheduled().launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
def test_nothing_turns_double_unasked():
    for case in (S, M):
        text = source(training(**case, steps=1).scheduled().launches)
        assert "double" not in text.replace(PRELUDE, "")
    assert TYPES[DType("float32", "real floating", 4).name] == "float"


# On a GPU.


@pytest.fixture
def gpu():
    """The engine of a precision, and a run's arrays, on the device."""
    if reason := problem("cupy"):
        pytest.skip(reason)


def on_gpu(run):
    def array(x):
        x = np.asarray(x)
        return Target.CUPY.asarray(x, str(x.dtype))

    state, data = (
        rebuilt(tree, [array(each) for each in leaves(tree)]) for tree in (run.state, run.data)
    )
    return Run(run.step, state, data, array(run.rows))


def has_nvmath():
    machine = pytest.importorskip("bpx_backends.engines.cuda.machine")
    return machine.find_spec("nvmath") is not None


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("hidden", bpx.activations.ACTIVATIONS)
def test_gpu_steps_agree_with_eager_ones(hidden, optimizer):
    run = training((6, 50, 4), hidden=hidden, optimizer=OPTIMIZERS[optimizer], decay=0.01,
                   dtype="float64")  # fmt: skip
    engine = CupyEngine()
    expected = run.eagerly()
    agree(on_gpu(run).after(engine.scan), expected, 1e-9)
    agree(on_gpu(run).after(engine.scan, 1, 9, STEPS), expected, 1e-9)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "case", [S, M | {"batch": 100}, M | {"batch": 1}], ids=["S", "M", "M, batch 1"]
)
def test_gpu_cases_in_float32(case):
    run = training(**case, steps=40, samples=300)
    engine = CupyEngine()
    ours = on_gpu(run).after(engine.scan, 1, 39, 40)
    agree(ours, run.eagerly(), 1e-3)
    again = on_gpu(run).after(engine.scan, 1, 39, 40)
    for one, other in zip(ours, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_steps_are_captured():
    if not has_nvmath():
        pytest.skip("nvmath-python is not installed")
    engine, run = CupyEngine(), training(steps=60)
    agree(on_gpu(run).after(engine.scan), run.eagerly(), 1e-5)
    (replay,) = engine._replays.values()
    assert sorted(replay.graphs) == [1, replay.unroll]
    assert replay.machine.captures


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("precision", "within"), [("tf32", 1e-2), ("bfloat16", 3e-2), ("float16", 1e-2)]
)
def test_gpu_precisions(precision, within):
    if not has_nvmath():
        pytest.skip("nvmath-python is not installed")
    run = training((64, 256, 256, 16), hidden="relu", optimizer=OPTIMIZERS["adam"], batch=64)
    ours, exact = on_gpu(run).after(CupyEngine(precision).scan), run.eagerly()
    agree(ours, exact, within)
    assert any(not np.array_equal(a, b) for a, b in zip(ours, exact, strict=True))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("clips", [(0.3,), (0.2, 0.3)], ids=["flat", "per_layer"])
def test_private_steps(clips, last):
    """Padding, clipping, and noise that the last of a row's numbers picks."""
    run = training(batch=7, steps=5)
    rng, like = np.random.default_rng(2), run.state.parameters.b[0][:1]
    noise = Gradients(
        *(
            tuple(0.1 * rng.standard_normal((3, p.size)).astype(p.dtype) for p in group)
            for group in run.state.parameters
        )
    )
    clips = tuple(np.full_like(like, clip) for clip in clips)
    summed = Gradients(*(tuple(map(np.ones_like, group)) for group in run.state.parameters))
    state = run.state._replace(extra=PrivateState(clips, np.full_like(like, 0.2), summed))
    rows = np.concatenate([run.rows, np.arange(5, dtype="int32")[:, None] % 3], axis=1)
    rows[1, 4:7], rows[3, :7] = -1, -1
    check(
        Run(PrivateStep(run.step, last), state, NoisyData(*run.data, noise), rows), ends=(1, 5)
    )


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_gpu_steps_without_nvmath(monkeypatch):
    machine = pytest.importorskip("bpx_backends.engines.cuda.machine")
    monkeypatch.setattr(machine, "find_spec", lambda _: None)
    engine, run = CupyEngine(), training(optimizer=OPTIMIZERS["adam"])
    agree(on_gpu(run).after(engine.scan, 1, 9, STEPS), run.eagerly(), 1e-5)
    assert not next(iter(engine._replays.values())).graphs


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gpu_training_with_a_ragged_last_batch(precision):
    if precision != "float32" and not has_nvmath():
        pytest.skip("nvmath-python is not installed")
    x, y = np.random.default_rng(0).random((230, 6)).astype("float32"), np.arange(230) % 4
    weights = []
    for settings in ({"precision": precision}, {"compile": False}):
        net = bpx.Network([6, 50, 4], seed=0, backend="cupy")
        net.fit(x, y, epochs=3, batch_size=50, optimizer=bpx.Adam(), seed=1, **settings)
        weights.append([host(w) for w in (*net.weights, *net.biases)])
    agree(*weights, 1e-5 if precision == "float32" else 5e-2)
