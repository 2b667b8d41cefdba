"""A program: counted, and run as it is written."""

import numpy as np
import pytest

import bpx
from bpx.arrays.registry import by_name
from bpx.program.contract import leaves
from bpx.program.operation import DType, Operation, Value
from bpx.program.program import Program, apply
from bpx.program.record import record
from tests.backends import host, problem
from tests.programs import ROWS, recorded, training


def take(x, rows):
    return bpx.namespace(x).take(x, rows, axis=0)


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
    record(step, state, data, rows).replay(np, list(leaves(state)), list(leaves(data)), rows)
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


@pytest.mark.parametrize("library", ["numpy", "strict", "torch", "jax"])
def test_a_copy_shares_no_memory(library):
    if reason := problem(library):
        pytest.skip(reason)
    v = Value((2,), DType("float64", "real floating", 8))
    given = bpx.asarray(np.ones(2), backend=library, dtype="float64")
    found = apply(bpx.namespace(given), Operation("copy", (v,), v), [given])
    assert found is not given
    if not by_name(library).immutable:
        given[0] = 7.0
    np.testing.assert_array_equal(host(found), [1.0, 1.0])
