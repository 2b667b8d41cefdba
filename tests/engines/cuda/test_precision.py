"""What matrix products are computed in: chosen, refused, and of the products alone."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.engine import CupyEngine
from tests.engines.cuda.steps import (
    OPTIMIZERS,
    STEPS,
    Own,
    Run,
    agree,
    agree_in,
    emulator,
    training,
    wide,
)


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


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_wide_step_comes_as_near_as_a_gpu_is_asked_to(precision):
    run = wide()
    agree_in(precision, run, run.after(emulator(precision=precision)[0].scan))


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
