"""All of the engine, on a GPU."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves, rebuilt
from bpx_backends.engines.cuda.engine import CupyEngine
from tests.backends import Target, host
from tests.engines.cuda.steps import (
    OPTIMIZERS,
    STEPS,
    WITHIN,
    M,
    Run,
    S,
    agree,
    agree_in,
    training,
    wide,
)


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
@pytest.mark.parametrize("precision", WITHIN)
def test_gpu_precisions(precision):
    if not has_nvmath():
        pytest.skip("nvmath-python is not installed")
    run = wide()
    agree_in(precision, run, on_gpu(run).after(CupyEngine(precision).scan))


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
