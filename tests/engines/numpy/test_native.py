"""Kernels and chunks of steps as native calls, beside the same steps one by one."""

import gc
import os
import signal
import threading

import numpy as np
import pytest

import bpx
from bpx_backends.engines.numpy import blas, bound, native, replay, session
from tests.engines.numpy.processes import FORK, run
from tests.peers import random_samples

pytest.importorskip("numba", reason="numba is not installed")

PLAIN = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
CASES = {
    "S": ((8, 7, 5), bpx.SGD(3.0), {"cost": "quadratic"}, {}),
    "M": ((8, 7, 6, 5), bpx.Adam(), PLAIN, {}),
    "dropout": ((8, 7, 5), bpx.AdamW(), {**PLAIN, "dropout": 0.5, "norm": "layer"}, {}),
    "batch": ((8, 7, 5), bpx.SGD(0.1, momentum=0.9), {**PLAIN, "norm": "batch"}, {}),
    "weights": ((8, 7, 5), bpx.Adam(), PLAIN, {"sample_weight": np.linspace(0.1, 2.0, 50)}),
    "tanh": ((8, 7, 7, 7, 5), bpx.optim.Muon(), {**PLAIN, "hidden": "tanh"}, {"lmbda": 0.1}),
    "accumulated": ((8, 7, 5), bpx.optim.Lion(), PLAIN, {"accumulate": 2}),
}


@pytest.fixture(autouse=True)
def _with_numba(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "on")


def trained(case, dtype):
    """The parameters and costs of a short training, and how its steps were run."""
    sizes, optimizer, settings, how = CASES[case]
    net = bpx.Network(sizes, seed=0, dtype=dtype, backend="numpy", **settings)
    x, y = random_samples(net, 50)
    before = native.steps.copy()
    history = net.fit(x, y, epochs=3, batch_size=8, optimizer=optimizer, seed=0, **how)
    costs = np.array([each.cost for each in history])
    return [*map(np.array, net.weights), costs], native.steps - before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_a_chunk_in_one_call_is_its_steps_one_by_one(case, dtype, monkeypatch):
    if blas.find() is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    driven, ways = trained(case, dtype)
    assert set(ways) == {"driven"}
    monkeypatch.setattr(native, "find", lambda: None)
    replayed, ways = trained(case, dtype)
    assert set(ways) == {"replayed"}
    within = {"float32": 1e-5, "float64": 1e-13}[dtype]
    for one, other in zip(driven, replayed, strict=True):
        np.testing.assert_allclose(one, other, rtol=within, atol=within)


@pytest.mark.parametrize("delay", range(1, 6))
def test_ctrl_c_is_never_lost(delay, monkeypatch):
    """Wherever it comes: in native code, or in what Python is asked for."""
    if blas.find() is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    net = bpx.Network([8, 7, 5], seed=0, backend="numpy", **PLAIN)
    x, y = random_samples(net, 500)
    how = {"batch_size": 8, "optimizer": bpx.optim.Lion(), "seed": 0, "accumulate": 2}
    net.fit(x, y, epochs=1, **how)
    timer = threading.Timer(0.05 * delay, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.fit(x, y, epochs=1_000_000, **how)
    timer.join()


def test_nothing_is_left_for_the_garbage_collector():
    trained("accumulated", "float32")
    gc.collect()
    gc.disable()
    try:
        trained("accumulated", "float32")
        left = [each for each in gc.get_objects() if type(each) is bound.Bound]
    finally:
        gc.enable()
    assert left == []


@pytest.mark.parametrize("targets", ["labels", "inputs", "others"])
def test_a_table_is_kept_for_arrays_in_other_places(monkeypatch, targets):
    """Also if inputs and targets are one array, and then two."""
    if blas.find() is None:
        pytest.skip("NumPy's BLAS has none of the known names")
    made, table = [], native.table
    monkeypatch.setattr(native, "table", lambda *given: made.append(1) or table(*given))
    rng = np.random.default_rng(0)
    drawn = [rng.random((6, 8), dtype=np.float32) for _ in range(12)]
    labels = rng.integers(8, size=(12, 6)).astype("int32")

    def stepped(word):
        monkeypatch.setenv("BPX_NUMBA", word)
        net = bpx.Network([8, 7, 8], seed=0, dtype="float64", backend="numpy")
        trainer = bpx.Trainer(net, optimizer=bpx.Adam(0.01))
        costs = []
        for i, x in enumerate(drawn):
            others = {
                "labels": labels[i],
                "inputs": x,
                "others": x if i % 2 else x[::-1].copy(),
            }
            costs.append(float(trainer.step(x, others[targets]).cost))
        return [*map(np.array, net.weights), np.array(costs)]

    for one, other in zip(stepped("on"), stepped("off"), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    assert len(made) < 6


@pytest.fixture
def doubled():
    """A kernel that doubles the four elements of an array."""
    return native.NativeKernel("""
import numba
from bpx_backends.engines.numpy.addresses import float64_at


@numba.cfunc("void(CPointer(int64))")
def kernel(block):
    x, y = float64_at(block[2]), float64_at(block[3])
    for i in range(4 * block[0] // block[1], 4 * (block[0] + 1) // block[1]):
        y[i] = 2.0 * x[i]
""")


def test_a_kernel_is_called_with_arrays(doubled):
    x, y = np.arange(4.0), np.zeros(4)
    doubled(1, 2, x, y)
    assert y.tolist() == [0, 0, 4, 6]
    doubled(0, 2, x, y)
    assert y.tolist() == [0, 2, 4, 6]


def test_several_kernels_are_one_call_one_after_another(doubled):
    x, y, z = np.arange(4.0), np.zeros(4), np.zeros(4)
    runs = [native.Run(doubled, (x, y)), native.Run(doubled, (y, z))]
    call, kept = native.in_one_call(runs, 0, 2)
    for _ in range(2):
        call.function(*call.arguments)
    assert z.tolist() == [0, 4, 0, 0]
    native.one_by_one(runs, 1, 2)
    assert z.tolist() == [0, 4, 8, 12]
    del kept


def test_other_helpers_are_another_text(monkeypatch):
    before = native.versioned("x = 1")
    monkeypatch.setattr(native, "_version", lambda: "another")
    assert native.versioned("x = 1") != before
    assert before.startswith("x = 1\n")


def fitted():
    net = bpx.Network([8, 7, 5], seed=0, backend="numpy", **PLAIN)
    x, y = random_samples(net, 50)
    net.fit(x, y, epochs=2, batch_size=8, optimizer=bpx.Adam(), seed=0)
    return net


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_was_forked_trains_as_its_parent_does():
    found = run(FORK, BPX_NUMBA="on").stdout.split()
    assert len(found) == 3
    assert len({*found}) == 1


def test_without_memory_for_a_chunk_nothing_is_changed(monkeypatch):
    net = fitted()
    kept, weights = net.weights[0].copy(), net.weights[0]

    def full(*_):
        raise MemoryError("no memory")

    x, y = random_samples(net, 50)
    how = {"epochs": 1, "batch_size": 8, "optimizer": bpx.Adam(), "seed": 0}
    with monkeypatch.context() as without:
        for room in (replay, session):
            without.setattr(room, "empty", full)
        with pytest.raises(MemoryError, match="no memory"):
            net.fit(x, y, **how)
    assert net.weights[0] is weights
    np.testing.assert_array_equal(weights, kept)
    other = bpx.Network([8, 7, 5], seed=0, backend="numpy", **PLAIN)
    other.parameters = net.parameters
    net.fit(x, y, **how)
    other.fit(x, y, **how)
    np.testing.assert_array_equal(net.weights[0], other.weights[0])
