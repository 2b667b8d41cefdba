"""Plans: what is done once, where results live, and how much of all."""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.program.fusion import Kernel, can_fuse
from bpx.program.operation import Operation
from bpx.program.plan import plan
from tests.program.planned import numbers, ran, recorded

# What leaves


LEAVES = {
    "another state": lambda xp, s, d, r: (s[1], s[1]),
    "one result twice": lambda xp, s, d, r: (s[0] + s[1],) * 2,
    "the data": lambda xp, s, d, r: (d[0], s[1] + d[0]),
    "the rows": lambda xp, s, d, r: (s[0], s[1] + xp.astype(r[:1], xp.float64)),
    "a constant": lambda xp, s, d, r: (xp.ones_like(s[0]), xp.full_like(s[1], 3.0) * 2.0),
    "a view": lambda xp, s, d, r: (s[1][::-1], xp.reshape(s[0] * 2.0, (3, 1))[:, 0]),
    "a view of a state": lambda xp, s, d, r: (s[0][::-1], s[0] + s[1]),
    "a view of the data": lambda xp, s, d, r: (d[0][::-1], s[1] + s[0]),
    "itself, times one": lambda xp, s, d, r: (s[1] * xp.ones_like(s[1]), s[1] * 2.0),
    "another, times one": lambda xp, s, d, r: (s[1] * xp.ones_like(s[1]), s[0] + 1.0),
    "all as it was": lambda xp, s, d, r: s,
}


@pytest.mark.parametrize("name", LEAVES)
def test_outputs_of_every_kind(name):
    ran(LEAVES[name], (3,), (3,), data=[(3,)])


def test_the_rows_themselves_can_be_a_state():
    ran(lambda xp, s, d, r: (r, s[1] + r), state=(np.zeros(2, "int32"), np.ones(2, "int32")))


# Once


def test_constants_are_computed_once():
    def step(xp, s, d, r):
        classes = xp.arange(3, dtype=xp.float64) * 2.0 + xp.ones((3,), dtype=xp.float64)
        return (s[0] + classes[None, :],)

    this = ran(step, (2, 3))
    assert [op.name for op in this.plan.constants] == [
        "arange", "multiply", "full", "add", "getitem",
    ]  # fmt: skip
    assert this.names == ["add"]


def test_times_one_is_nothing():
    this = ran(lambda xp, s, d, r: (s[0] + d[0] * xp.ones_like(s[0]) * 3.0,), (3,), data=[(3,)])
    assert this.names == ["multiply", "add"]


@pytest.mark.parametrize(
    "step",
    [
        lambda xp, s, d, r: (s[0] + xp.ones_like(s[0]) * 3.0,),
        lambda xp, s, d, r: (s[0] + d[0][:1] * xp.ones_like(s[0]),),
        lambda xp, s, d, r: (s[0] + xp.ones_like(s[0]) * xp.ones_like(s[0]),),
        lambda xp, s, d, r: (s[0] * xp.full_like(s[0], 2.0),),
    ],
    ids=["a number", "what is broadcast", "another one", "twos"],
)
def test_times_one_stays_where_it_is_something(step):
    ran(step, (3,), data=[(3,)])


@pytest.mark.parametrize("exponent", [2, 2.0])
def test_a_power_of_two_is_a_square(exponent):
    assert ran(lambda xp, s, d, r: (s[0] ** exponent - s[0],), (3,)).names == [
        "square", "subtract",
    ]  # fmt: skip


def test_other_powers_stay():
    assert ran(lambda xp, s, d, r: (s[0] ** 3,), (3,)).names == ["pow"]


def test_views_are_no_work():
    def step(xp, s, d, r):
        return (s[0] + xp.reshape(d[0].mT, (6,))[None, :] + d[0][:, :1].mT[..., :1],)

    this = ran(step, (1, 6), data=[(2, 3)])
    # To look at a transpose in another shape is to copy it.
    assert this.names.count("reshape") == 1
    assert set(this.names) == {"reshape", "add"}
    assert {op.name for op in this.plan.views.values()} == {"getitem", "matrix_transpose"}


def test_a_view_of_a_view_has_one_root():
    this = ran(lambda xp, s, d, r: (s[0] + (s[1] * 2.0)[:, None].mT[0, :], s[1]), (3,), (3,))
    (root,) = set(this.plan.roots.values())
    assert root is this.plan.program.operations[0].result


# Memory


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


def kernels(step, *shapes):
    return plan(recorded(step, numbers(*shapes)), can_fuse)


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


def test_a_kernel_that_overwrites_a_state_says_which():
    planned = kernels(lambda xp, s, d, r: (s[0] - 0.5 * s[1], s[1] + 1.0), (3,), (3,))
    (kernel,) = planned.kernels
    named = {v.name for v in planned.overwritten(kernel).values()}
    assert named == {"[0]", "[1]"}
    for after, before in planned.overwritten(kernel).items():
        index = planned.program.state.index(before)
        assert planned.program.outputs[index] is after


# Kernels and what lies between them


def shown(planned):
    return [
        each.name if isinstance(each, Operation) else [op.name for op in each.operations]
        for each in planned.instructions
    ]


def test_what_a_kernel_computes_stands_where_it_is_needed():
    """Not before the first product, which does not need it."""

    def step(xp, s, d, r):
        hidden = s[0] @ s[1]
        return s[0] + xp.abs(hidden @ s[1]) * xp.abs(s[0]), s[1] - 0.5 * s[1]

    planned = kernels(step, (4, 3), (3, 3))
    names = shown(planned)
    assert names[:2] == ["matmul", "matmul"]
    assert sorted(names[2]) == ["abs", "abs", "add", "multiply", "multiply", "subtract"]
    assert len(names) == 3


def test_a_transpose_is_read_by_no_kernel():
    planned = kernels(lambda xp, s, d, r: (s[0] + s[1].mT, s[1] * 2.0), (3, 2), (2, 3))
    assert shown(planned) == ["add", ["multiply"]]


@pytest.mark.parametrize(
    ("view", "dense"),
    [
        (lambda xp, x: x[:, None], True),
        (lambda xp, x: x[None, :, None], False),  # of three axes
        (lambda xp, x: x[...], True),
        (lambda xp, x: xp.reshape(x, (2, 2)), True),
        (lambda xp, x: xp.reshape(x, (2, 2)).mT, False),
        (lambda xp, x: x[:2], False),
        (lambda xp, x: x[::-1], False),
        (lambda xp, x: xp.reshape(x[::-1], (2, 2)), True),  # a copy
    ],
)
def test_kernels_read_views_that_are_dense(view, dense):
    planned = kernels(lambda xp, s, d, r: (s[0] + 1.0, s[1] + xp.sum(view(xp, s[0]) * 2.0)),
                      (4,), (1,))  # fmt: skip
    assert ("multiply" not in [each for each in shown(planned) if type(each) is str]) == dense


def test_a_plan_can_be_read():
    text = str(kernels(lambda xp, s, d, r: (s[0] + xp.exp(s[0]) @ s[1], s[1]), (4, 3), (3, 3)))
    assert text.splitlines() == [
        "kernel of 1 operations, 1 nests",
        "  4 x 3: exp",
        "matmul -> float64 (4, 3)",
        "kernel of 1 operations, 1 nests",
        "  4 x 3: add",
    ]


def test_bytes_of_a_plan_are_each_array_once_an_instruction():
    def step(xp, s, d, r):
        picked = xp.take(d[0], r, axis=0)  # the rows, and what is gathered, both ways
        return s[0] + picked, xp.sum(s[1] * s[1])[None, ...] + s[2], s[2]

    planned = plan(recorded(step, numbers((2, 3), (1,), (1,)), numbers((50, 3))))
    taken, added = 2 * 6 * 8 + 2 * 4, 3 * 6 * 8
    assert planned.bytes == taken + added + 8 * (2 + 2 + 3)


# No regression: exact numbers, not seconds. Whoever changes a plan for the better changes them.


class Cost(NamedTuple):
    """What a planned step takes."""

    instructions: int
    kernels: int
    products: int
    scratch: int  # bytes: the one block that all results share
    copies: int
    moved: int  # bytes
    flops: int


S = ((784, 30, 10), 10, bpx.SGD(3.0), {"cost": "quadratic"})
M = (
    (784, 512, 512, 10), 128, bpx.Adam(),
    {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"},
)  # fmt: skip
COSTS = {
    "S, ufuncs": (S, Cost(46, 0, 5, 129_408, 0, 839_796, 1_011_060)),
    "S, numba": (S, Cost(13, 5, 5, 130_368, 0, 623_664, 1_011_060)),
    "M, ufuncs": (M, Cost(131, 0, 8, 4_946_368, 0, 97_988_372, 419_620_999)),
    "M, numba": (M, Cost(19, 8, 8, 4_263_360, 0, 32_363_208, 419_620_999)),
}


@pytest.mark.parametrize("case", COSTS)
def test_what_a_step_takes(case):
    if "numba" in case and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    (sizes, batch, optimizer, settings), expected = COSTS[case]
    net = bpx.Network(sizes, seed=0, backend="numpy", dtype="float32", **settings)
    program = net.program(batch_size=batch, optimizer=optimizer)
    planned = plan(program, fuses(case))
    products = [each for each in planned.instructions if getattr(each, "name", "") == "matmul"]
    assert expected == Cost(
        len(planned.instructions), len(planned.kernels), len(products), planned.scratch,
        len(planned.copies), planned.bytes, planned.program.flops,
    )  # fmt: skip


def fuses(case):
    if "numba" not in case:
        return lambda op: False
    from bpx_backends.engines.numpy.kernels import fuses

    return fuses
