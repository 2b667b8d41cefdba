"""Plans: kernels and what lies between them, and how much of all."""

from importlib.util import find_spec
from typing import NamedTuple

import pytest

import bpx
from bpx.program.operation import Operation
from bpx.program.plan import plan
from tests.program.planned import kernels, numbers, recorded


def test_a_kernel_that_overwrites_a_state_says_which():
    planned = kernels(lambda xp, s, d, r: (s[0] - 0.5 * s[1], s[1] + 1.0), (3,), (3,))
    (kernel,) = planned.kernels
    named = {v.name for v in planned.overwritten(kernel).values()}
    assert named == {"[0]", "[1]"}
    for after, before in planned.overwritten(kernel).items():
        index = planned.program.state.index(before)
        assert planned.program.outputs[index] is after


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
        (lambda xp, x: x[None, :, None], True),
        (lambda xp, x: x[None, :, None, None], False),  # of four axes
        (lambda xp, x: x[...], True),
        (lambda xp, x: xp.reshape(x, (2, 2)), True),
        (lambda xp, x: xp.reshape(x, (2, 2)).mT, False),
        (lambda xp, x: x[:2], True),
        (lambda xp, x: x[1:3], True),
        (lambda xp, x: x[::2], False),
        (lambda xp, x: xp.reshape(x, (2, 2))[1:, :], True),
        (lambda xp, x: xp.reshape(x, (2, 2))[:, 1:], False),
        (lambda xp, x: x[::-1], False),
        (lambda xp, x: x[:, None][:, 0], True),
        (lambda xp, x: xp.reshape(x, (4, 1))[..., -1], True),
        (lambda xp, x: xp.reshape(x, (2, 2))[:, 0], False),
        (lambda xp, x: x[::-1][:, None][:, 0], False),
        (lambda xp, x: xp.reshape(x[::-1], (2, 2)), True),  # a copy
    ],
)
def test_kernels_read_views_that_are_dense(view, dense):
    planned = kernels(lambda xp, s, d, r: (s[0] + 1.0, s[1] + xp.sum(view(xp, s[0]) * 2.0)),
                      (4,), (1,))  # fmt: skip
    assert ("multiply" not in [each for each in shown(planned) if type(each) is str]) == dense


def test_what_is_gathered_from_the_data_by_the_rows_is_told_apart():
    """Those indices are in their range: they were made so."""

    def step(xp, s, d, r):
        own = xp.arange(0, 2, dtype=xp.int32)
        by_rows = xp.take(d[0], r, axis=0) + xp.take(d[1], r[::-1], axis=0)
        return s[0] + by_rows + xp.take(d[0], own, axis=0), xp.take(s[1], r, axis=0)

    planned = plan(recorded(step, numbers((2, 3), (2, 3)), numbers((5, 3), (5, 3))))
    picked = [planned.picks(op) for op in planned.program.operations if op.name == "take"]
    assert picked == [True, True, False, False]
    assert not any(planned.picks(op) for op in planned.program.operations if op.name != "take")


def test_a_plan_says_what_is_written_where():
    """A state in its place, one that is copied at the end, one that stays, and the rest."""

    def step(xp, s, d, r):
        doubled = s[1] * 2.0
        return s[0] + d[0], doubled, s[2], s[3] + s[1] * doubled

    planned = plan(recorded(step, numbers((3,), (3,), (3,), (3,)), numbers((3,))))
    added, doubled, stays, last = planned.program.outputs
    assert dict(planned.states) == {added: 0, last: 3}
    assert planned.copies == ((1, doubled),)
    assert stays is planned.program.state[2]
    assert set(planned.offsets) == {op.result for op in planned.instructions} - {added, last}
    assert planned.scratch == 2 * 64  # a cache line each
    assert planned.kernels == ()
    assert (planned.constants, dict(planned.views)) == ((), {})


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
    "S, numba": (S, Cost(11, 4, 5, 130_368, 0, 618_864, 1_011_060)),
    "M, ufuncs": (M, Cost(131, 0, 8, 4_946_368, 0, 97_988_372, 419_620_999)),
    "M, numba": (M, Cost(17, 7, 8, 4_268_480, 0, 32_347_848, 419_620_999)),
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
