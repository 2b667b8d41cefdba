"""What a step puts on the stream, in which order, and what is left to a product."""

from itertools import product

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.items import Launch, Product
from bpx_backends.engines.cuda.loops import Function
from tests.engines.cuda.steps import STEPS, M, Own, Run, S, by_view, check, emulator, training


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
