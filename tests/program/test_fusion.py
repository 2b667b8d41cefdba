"""Kernels: which operations, in which nests and phases, and what goes through memory."""

import numpy as np
import pytest

import bpx
from bpx.program.fusion import Kernel, can_fuse, fuse, is_column_reduction
from bpx.program.operation import Operation, Value
from bpx.program.plan import plan
from bpx.program.record import record

ROWS = np.array([0, 1], "int32")


def recorded(step, *shapes, dtype="float64"):
    """The program of ``step(xp, *arrays) -> arrays``: of as many as it likes."""
    state = tuple(np.zeros(shape, dtype) for shape in shapes)
    return record(lambda s, d, r: step(bpx.namespace(s[0]), *s), state, (), ROWS)


def fused(step, *shapes):
    """The kernel of all operations of a step."""
    program = recorded(step, *shapes)
    maker = {op.result: op for op in program.operations}
    before = {op: [maker[v] for v in op.values if v in maker] for op in program.operations}
    return fuse(program.operations, before, program.outputs, {})


def form(kernel):
    """Domains, and the names in each phase."""
    return [
        (nest.domain, [[op.name for op in phase] for phase in nest.phases])
        for nest in kernel.nests
    ]


def softmax(xp, z):
    e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
    return (e / xp.sum(e, axis=1, keepdims=True),)


def test_elementwise_operations_of_one_shape_are_one_loop():
    kernel = fused(lambda xp, x, y: (xp.tanh(x + y) * y, x - 1.0), (3, 4), (3, 4))
    assert form(kernel) == [((3, 4), [["add", "tanh", "multiply", "subtract"]])]


def test_softmax_is_one_nest_of_three_phases():
    kernel = fused(softmax, (5, 3))
    assert form(kernel) == [((5, 3), [["max"], ["subtract", "exp", "sum"], ["divide"]])]


def test_what_a_later_phase_reads_is_kept_in_memory_and_a_rows_number_is_not():
    kernel = fused(softmax, (5, 3))
    written = [op.name for op in kernel.operations if op.result in kernel.writes]
    assert written == ["exp", "divide"]
    assert [v.name for v in kernel.reads] == ["[0]"]


def test_what_one_phase_alone_needs_is_not_written():
    kernel = fused(lambda xp, x: (xp.sqrt(xp.abs(x * 2.0) + 1.0),), (3, 4))
    assert len(kernel.writes) == 1
    assert kernel.writes == (kernel.operations[-1].result,)


def test_what_is_needed_outside_is_written():
    program = recorded(lambda xp, x: (x * 2.0, xp.exp(x * 2.0)), (3,))
    doubled, grown = program.operations
    for needed in ([grown.result], [grown.result, doubled.result]):
        kernel = fuse(program.operations, {doubled: [], grown: [doubled]}, needed, {})
        assert set(kernel.writes) == set(needed)


def test_column_sums_end_a_nest():
    kernel = fused(lambda xp, x: (x - xp.mean(x, axis=0, keepdims=True),), (4, 3))
    assert form(kernel) == [((4, 3), [["mean"]]), ((4, 3), [["subtract"]])]
    assert len(kernel.writes) == 2


def test_row_sums_without_their_axis_end_a_nest():
    kernel = fused(lambda xp, x: (xp.sum(x * x, axis=1) + 1.0,), (4, 3))
    assert form(kernel) == [((4, 3), [["multiply", "sum"]]), ((1, 4), [["add"]])]
    assert [v.shape for v in kernel.writes] == [(4,), (4,)]


@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_one_product_share_its_loop(axis):
    kernel = fused(
        lambda xp, x: (xp.sum(x * 2.0, axis=axis), xp.max(x * 2.0, axis=axis), x + 1.0), (4, 3)
    )
    assert form(kernel) == [((4, 3), [["multiply", "sum", "max", "add"]])]


def test_a_number_of_each_row_is_computed_once_a_row():
    kernel = fused(
        lambda xp, x: (x / xp.sqrt(xp.sum(x * x, axis=1, keepdims=True)) - x,), (4, 3)
    )
    assert form(kernel) == [
        ((4, 3), [["multiply", "sum"], ["sqrt", "divide", "subtract"]])
    ]  # fmt: skip
    (nest,) = kernel.nests
    rows = [op.name for op in nest.operations if nest.is_row(op)]
    assert rows == ["sqrt"]
    assert len(kernel.writes) == 1


def test_columns_of_width_one_are_elements():
    kernel = fused(lambda xp, x: (xp.sqrt(x) * 2.0,), (4, 1))
    (nest,) = kernel.nests
    assert nest.domain == (4, 1)
    assert not any(map(nest.is_row, nest.operations))


@pytest.mark.parametrize(
    ("shape", "domain"),
    [((), (1, 1)), ((1,), (1, 1)), ((5,), (1, 5)), ((1, 5), (1, 5)), ((5, 1), (5, 1))],
)
def test_domains(shape, domain):
    assert form(fused(lambda xp, x: (x + 1.0,), shape)) == [(domain, [["add"]])]


def test_vectors_and_rows_of_one_length_share_a_loop():
    kernel = fused(lambda xp, x, y: (x + 1.0, y * x), (5,), (1, 5))
    assert form(kernel) == [((1, 5), [["add", "multiply"]])]


def test_other_shapes_are_other_nests_in_one_kernel():
    kernel = fused(lambda xp, x, y, z: (x + 1.0, y + 1.0, z - x), (2, 3), (3,), (2, 3))
    assert form(kernel) == [((2, 3), [["add", "subtract"]]), ((1, 3), [["add"]])]


def test_what_shares_no_array_is_another_nest():
    def step(xp, x, y, row, column, s):
        first, second = x * s, y * s
        mask = xp.equal(row, column)  # of no array of all elements: the one that uses it
        return first + 1.0, xp.astype(mask, second.dtype) - second

    kernel = fused(step, (4, 3), (4, 3), (3,), (4, 1), (1, 1))
    assert form(kernel) == [
        ((4, 3), [["multiply", "add"]]),
        ((4, 3), [["multiply", "equal", "astype", "subtract"]]),
    ]


def test_two_families_that_meet_are_one_nest():
    kernel = fused(lambda xp, x, y: ((x + 1.0) * (y + 2.0),), (4, 3), (4, 3))
    assert form(kernel) == [((4, 3), [["add", "add", "multiply"]])]
    assert len(kernel.writes) == 1


def test_numbers_made_of_numbers_come_first_and_end_no_nest():
    kernel = fused(lambda xp, x, s: ((x + 1.0) * (s * s), s - 1.0), (3, 4), (1, 1))
    numbers = (1, 1), [["multiply", "subtract"]]
    assert form(kernel) == [numbers, ((3, 4), [["add", "multiply"]])]


def test_a_number_that_waits_for_a_loop_comes_after_it():
    kernel = fused(
        lambda xp, x: (xp.sum(xp.sum(x, axis=0, keepdims=True), axis=1) * 2.0,), (3, 4)
    )
    assert [op.name for op in kernel.operations] == ["sum", "sum", "multiply"]


def test_what_is_broadcast_is_made_in_an_earlier_nest():
    kernel = fused(lambda xp, x, v: (x * (v + 1.0),), (4, 3), (3,))
    assert form(kernel) == [((1, 3), [["add"]]), ((4, 3), [["multiply"]])]
    assert [v.shape for v in kernel.writes] == [(3,), (4, 3)]


def test_what_a_view_shows_of_the_kernels_own_is_complete_when_it_is_looked_at():
    def step(xp, v):
        doubled = v * 2.0
        return doubled[:, None] + 1.0, doubled

    program = recorded(step, (3,))
    double, view, add = program.operations
    kernel = fuse((double, add), {double: [], add: [double]}, program.outputs,
                  {view.result: double.result})  # fmt: skip
    assert form(kernel) == [((1, 3), [["multiply"]]), ((3, 1), [["add"]])]
    assert double.result in kernel.writes
    assert view.result in kernel.reads


@pytest.mark.parametrize("same", [True, False])
def test_who_reads_the_old_comes_before_who_overwrites_it(same):
    """In the same loop if they go element by element, else in a loop before."""

    def step(xp, s, x):
        reader = (s * 2.0) if same else (s * x)
        return s + 1.0, reader

    program = recorded(step, (3,), (2, 3))
    reader, writer = sorted(program.operations, key=lambda op: op.name != "multiply")
    kernel = fuse((reader, writer), {reader: [], writer: [reader]}, program.outputs, {})
    nests = [((1, 3), [["multiply", "add"]])] if same else [
        ((2, 3), [["multiply"]]), ((1, 3), [["add"]])
    ]  # fmt: skip
    assert form(kernel) == nests


def test_who_overwrites_what_another_loop_reads_is_not_brought_before_it():
    """An earlier loop of its own shape, too, is no place for it."""
    program = recorded(lambda xp, s, x, v: (s + 1.0, s * x, v * 3.0), (3,), (2, 3), (3,))
    writer, reader, other = program.operations
    before = {writer: [reader], reader: [other], other: []}
    kernel = fuse((other, reader, writer), before, program.outputs, {})
    assert form(kernel) == [
        ((1, 3), [["multiply"]]), ((2, 3), [["multiply"]]), ((1, 3), [["add"]]),
    ]  # fmt: skip


def test_a_number_of_each_row_that_waits_for_no_loop_has_its_own():
    """What it waits for outside of the kernel is in none of the kernel's loops."""
    program = recorded(lambda xp, x, c: (x * 2.0, xp.sqrt(c)), (4, 3), (4, 1))
    double, root = program.operations
    outside = Operation("matmul", (), Value((4, 1), root.result.dtype))
    kernel = fuse((double, root), {double: [], root: [outside]}, program.outputs, {})
    assert form(kernel) == [((4, 3), [["multiply"]]), ((4, 1), [["sqrt"]])]


CAN = {
    "add": lambda xp, x: x + 1.0,
    "where": lambda xp, x: xp.where(x > 0.0, x, 0.0),
    "astype": lambda xp, x: xp.astype(x, xp.float32),
    "sum of rows": lambda xp, x: xp.sum(x, axis=1),
    "sum of columns": lambda xp, x: xp.sum(x, axis=0, keepdims=True),
    "max from the end": lambda xp, x: xp.max(x, axis=-1),
    "argmax of rows": lambda xp, x: xp.argmax(x, axis=1),
}
OF_A_STACK = {
    "elements": lambda xp, x: x + 1.0,
    "sum of rows": lambda xp, x: xp.sum(x, axis=-1),
    "sum of columns": lambda xp, x: xp.sum(x, axis=-2),
    "argmax of rows": lambda xp, x: xp.argmax(x, axis=-1),
}
CANNOT = {
    "sum of all": lambda xp, x: xp.sum(x),
    "sum over both": lambda xp, x: xp.sum(x, axis=(0, 1)),
    "sum of a vector": lambda xp, x: xp.sum(xp.reshape(x, (-1,)), axis=0),
    "argmax of columns": lambda xp, x: xp.argmax(x, axis=0),
    "argmin": lambda xp, x: xp.argmin(x, axis=1),
    "prod": lambda xp, x: xp.prod(x, axis=1),
    "sin": lambda xp, x: xp.sin(x),
    "matmul": lambda xp, x: x @ x.mT,
    "take": lambda xp, x: xp.take(x, xp.arange(2, dtype=xp.int32), axis=0),
    "four axes": lambda xp, x: x[:, None, :, None] + 1.0,
    "a sum of four axes": lambda xp, x: xp.sum(x[:, None, :, None], axis=1),
    "a sum over the first of three": lambda xp, x: xp.sum(x[:, None, :], axis=0),
    "a sum over two of three": lambda xp, x: xp.sum(x[:, None, :], axis=(1, 2)),
    "argmax of columns of three": lambda xp, x: xp.argmax(x[:, None, :], axis=1),
}


@pytest.mark.parametrize("name", CAN)
def test_what_a_kernel_can_hold(name):
    operations = recorded(lambda xp, x: (CAN[name](xp, x),), (3, 4)).operations
    assert all(map(can_fuse, operations))


@pytest.mark.parametrize("name", OF_A_STACK)
def test_what_a_kernel_can_hold_of_a_stack(name):
    operations = recorded(lambda xp, x: (OF_A_STACK[name](xp, x),), (2, 3, 4)).operations
    assert all(map(can_fuse, operations))


@pytest.mark.parametrize("name", CANNOT)
def test_what_no_kernel_can_hold(name):
    operations = recorded(lambda xp, x: (CANNOT[name](xp, x),), (3, 4)).operations
    assert not can_fuse(operations[-1])


@pytest.mark.parametrize(("axis", "is_one"), [(0, True), (-2, True), (1, False), (None, False)])
def test_column_reductions(axis, is_one):
    (operation,) = recorded(lambda xp, x: (xp.sum(x, axis=axis),), (3, 4)).operations
    assert is_column_reduction(operation) == is_one


@pytest.mark.parametrize(("axis", "is_one"), [(1, True), (-2, True), (-1, False), (0, False)])
def test_column_reductions_of_a_stack(axis, is_one):
    (operation,) = recorded(lambda xp, x: (xp.sum(x, axis=axis),), (2, 3, 4)).operations
    assert is_column_reduction(operation) == is_one


def test_a_nest_of_a_stack():
    """Rows, columns and numbers of each matrix are in the nest of its elements."""

    def step(xp, x, number):
        largest = xp.max(x, axis=-1, keepdims=True)
        return (number * (x - largest), xp.sum(x, axis=-2, keepdims=True))

    (nest,) = fused(step, (5, 3, 4), (5, 1, 1)).nests
    assert (nest.stack, nest.domain, nest.sizes) == (5, (3, 4), (5, 3, 4))
    assert [[op.name for op in phase] for phase in nest.phases] == [
        ["max", "sum"],
        ["subtract", "multiply"],
    ]


def test_what_has_a_number_for_each_row_of_a_stack_is_done_once_a_row():
    def step(xp, x):
        total = xp.sum(x, axis=-1, keepdims=True)
        return (x / (total + 1.0),)

    (nest,) = fused(step, (5, 3, 4)).nests
    assert [op.name for op in nest.operations if nest.is_row(op)] == ["add"]


def test_a_matrix_and_a_stack_are_two_nests():
    kernel = fused(lambda xp, x, y: (x + 1.0, y + 1.0), (5, 3, 4), (3, 4))
    assert [nest.sizes for nest in kernel.nests] == [(5, 3, 4), (3, 4)]


def test_all_layers_updates_are_one_kernel():
    """Across parameters: one nest for each size."""
    net = bpx.Network([6, 5, 4], seed=0)
    planned = plan(net.program(batch_size=10, optimizer=bpx.Adam()), can_fuse)
    program, last = planned.program, planned.instructions[-1]
    assert isinstance(last, Kernel)
    assert {(5, 6), (4, 5), (1, 5), (1, 4)} <= {nest.domain for nest in last.nests}
    made = {op.result for op in last.operations}
    moved = {v for v in program.outputs if v not in program.state}
    # All but Adam's count, a number on which the rest waits, which is computed first.
    assert len(moved - made) == 1
