"""Where results live: what is alive at once, and who takes whose place."""

import numpy as np
import pytest

from bpx.program.fusion import Kernel, can_fuse, fuse, whole
from bpx.program.instructions import _readers, moved_by
from bpx.program.operation import Operation, Value, dtype_of
from bpx.program.plan import plan
from bpx_backends.engines.numpy.division import divided
from tests.interpreted import compiled, replayed, supported
from tests.program.planned import ROWS, kernels, numbers, ran, recorded


def overlaps(planned):
    """The values that are alive at one instruction and share bytes, but for heirs."""
    made, last = {}, {}
    for i, each in enumerate(planned.instructions):
        kernel = isinstance(each, Kernel)
        for v in each.writes if kernel else (each.result,):
            made[v] = i
        for v in each.reads if kernel else each.values:
            last[planned.roots.get(v, v)] = i
    for v in planned.program.outputs:
        last[v] = len(planned.instructions)
    at = planned.offsets
    return [
        (a, b)
        for a in at
        for b in at
        if a is not b
        and made[a] <= made[b] <= last.get(a, made[a])
        and at[a] < at[b] + b.nbytes
        and at[b] < at[a] + a.nbytes
        and not (made[b] == last.get(a) and at[a] == at[b])
    ]


PROGRAMS = {
    "elementwise": lambda xp, s, d, r: (s[0] + xp.tanh(s[0] * 2.0) * (s[0] - 1.0), s[1]),
    "products": lambda xp, s, d, r: (s[0] + (s[0] @ s[1]) @ (s[0].mT @ s[0]).mT, s[1] @ s[1]),
    "views": lambda xp, s, d, r: (
        s[0] + xp.reshape(s[0] * 2.0, (3, 4)).mT + (s[0] - 1.0)[::-1, :], s[1]),
}  # fmt: skip


@pytest.mark.parametrize("fuses", [lambda op: False, can_fuse], ids=["ufuncs", "kernels"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_alive_at_once_does_not_overlap(name, fuses):
    state = numbers((4, 3), (3, 3))
    program = recorded(PROGRAMS[name], state)
    planned = plan(program, fuses)
    assert not overlaps(planned)
    assert planned.scratch >= max((o + v.nbytes for v, o in planned.offsets.items()), default=0)


@pytest.mark.parametrize("name", PROGRAMS)
def test_results_are_right_where_memory_is_used_again(name):
    ran(PROGRAMS[name], (4, 3), (3, 3))


def test_an_elementwise_result_takes_the_place_of_what_dies_there():
    this = ran(lambda xp, s, d, r: (s[0] + (xp.abs(s[0] * 2.0) + 1.0) * 3.0,), (8,))
    assert this.plan.scratch == 64
    assert set(this.plan.offsets.values()) == {0}


@pytest.mark.parametrize(
    "step",
    [
        lambda xp, s, d, r: (s[0] + xp.where(s[0] > 0.0, s[0] * 2.0, s[0] - 1.0),),
        lambda xp, s, d, r: (s[0] + (s[0] * 2.0)[::-1] * (s[0] * 2.0),),
        lambda xp, s, d, r: (s[0] + xp.astype(xp.astype(s[0], xp.int64) + 1, xp.float64),),
    ],
    ids=["where", "seen through a view", "of another dtype"],
)
def test_no_place_is_inherited(step):
    this = ran(step, (8,))
    assert not overlaps(this.plan)
    places = list(this.plan.offsets.values())
    assert len(set(places)) > 1


def test_in_a_kernel_the_place_is_inherited_where_each_element_is_read_last():
    def step(xp, s, d, r):
        product = s[0] @ s[1]
        return s[0] + xp.abs(product * 2.0 - product) @ s[1], s[1]

    planned = kernels(step, (4, 3), (3, 3))
    kernel = planned.kernels[0]
    (base,) = planned.overwritten(kernel).values()
    assert base is planned.instructions[0].result
    assert not overlaps(planned)


def test_in_a_kernel_no_place_is_inherited_while_a_later_loop_reads_it():
    def step(xp, s, d, r):
        product = s[0] @ s[1]
        grown = product * 2.0
        return grown @ s[1] + (product / xp.sum(grown, axis=1, keepdims=True)) @ s[1], s[1]

    planned = kernels(step, (4, 3), (3, 3))
    product = planned.instructions[0].result
    kernel = next(each for each in planned.kernels if product in each.reads)
    for after, base in planned.overwritten(kernel).items():
        assert base is not product or after is kernel.operations[-1].result


# Of a kernel's arrays, those that a result may be written over


def read_last(step, *shapes):
    """For each operation of a kernel, by name: the states that are read last with it."""
    program = recorded(step, numbers(*shapes))
    maker = {op.result: op for op in program.operations}
    before = {op: [maker[v] for v in op.values if v in maker] for op in program.operations}
    kernel = fuse(program.operations, before, program.outputs, {})
    place, last = program.state.index, _readers(kernel)
    return {op.name: [place(v) for v in last(op.result)] for op in kernel.operations}


READ_LAST = {
    "both operands": (lambda xp, s: (s[0] + s[1], s[1]), {"add": [0, 1]}),
    "before it, in its loop": (
        lambda xp, s: (xp.exp(xp.abs(s[0])), s[1]), {"abs": [0], "exp": [0]}
    ),
    "not what is read again in its loop": (
        lambda xp, s: (xp.abs(s[0]) + s[0], s[1]), {"abs": [], "add": [0]}
    ),
    "not what is read behind it alone": (
        lambda xp, s: (xp.abs(s[0]) + s[1], s[1]), {"abs": [0], "add": [0, 1]}
    ),
    "not what two loops of the row read": (
        lambda xp, s: (xp.exp(s[0]) / xp.sum(xp.exp(s[0]) + s[0], axis=1, keepdims=True)
                       - s[0], s[1]),
        {"exp": [], "add": [], "sum": [], "divide": [], "subtract": []},
    ),
    "not another shape": (lambda xp, s: (s[0] + s[2], s[1], s[2]), {"add": [0]}),
    "not by a sum over rows of one": (
        lambda xp, s: (s[0], s[1], s[2], xp.sum(s[3], axis=1, keepdims=True)), {"sum": []}
    ),
    "not by a sum over one row": (
        lambda xp, s: (s[0], s[1], s[2], s[3], xp.sum(s[4], axis=0, keepdims=True)),
        {"sum": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READ_LAST)
def test_what_is_read_last_with_a_result(case):
    step, expected = READ_LAST[case]
    shapes = (4, 3), (4, 3), (3,), (4, 1), (1, 3)
    assert read_last(lambda xp, s, d, r: step(xp, s), *shapes) == expected


def test_with_what_a_kernel_does_not_make_nothing_is_read():
    kernel = kernels(lambda xp, s, d, r: (s[0] + 1.0,), (3,)).kernels[0]
    assert _readers(kernel)(kernel.reads[0]) == []


@pytest.mark.parametrize("dtype", ["int8", "float64"])
def test_what_is_gathered_moves_its_rows_and_their_indices(dtype):
    """The rows in the dtype of what they are taken from, whatever the indices have."""
    data, rows = Value((50, 3), dtype_of(dtype)), Value((2,), dtype_of("int32"))
    take = Operation("take", (data, rows), Value((2, 3), data.dtype))
    assert moved_by(take) == 2 * 3 * data.dtype.itemsize + 2 * 4


def reads_in_the_loop(xp, s, d, r):
    x, g, w = s
    x, c = x @ w, xp.sin(g)
    m = xp.mean(x, axis=1, keepdims=True)
    h = m * 2.0
    return ((x - m) - c) * h @ w + h, g, w


def reads_it_in_another_nest(xp, s, d, r):
    x, g, w = s
    x, c = x @ w, xp.sin(g)
    m = xp.mean(x, axis=1, keepdims=True)
    return (xp.exp(-xp.abs((x - m) - c)) * (m * 2.0)) @ w, g, w


@pytest.mark.parametrize("divide", [whole, divided])
@pytest.mark.parametrize("step", [reads_in_the_loop, reads_it_in_another_nest])
def test_a_number_of_each_row_takes_no_place_that_the_loop_over_it_reads(step, divide):
    """It is made before that loop, whatever the order of the operations."""
    rng = np.random.default_rng(0)
    state = tuple(rng.normal(size=shape) for shape in ((5, 10), (5, 1), (10, 10)))
    made = plan(recorded(step, state), supported, divide)
    found = replayed(compiled(made), state, (), ROWS[:1])
    for ours, theirs in zip(found, step(np, state, (), ROWS[0]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
