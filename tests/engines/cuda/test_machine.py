"""The module that makes the CUDA calls, on stand-ins for CuPy and nvmath-python."""

import gc
import re
import sys
from importlib.metadata import PackageNotFoundError

import pytest

import bpx
from bpx_backends.engines.cuda.engine import CupyEngine
from tests.engines.cuda import fakes
from tests.engines.cuda.steps import agree, on_fakes, training


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
    run, lt = training(steps=30), fakes.CublasLt(set(refused))
    with fakes.installed(monkeypatch, lt) as machine:
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
            told = "cuBLASLt has no algorithm for (7, 6) @ (6, 5) in float32 (not supported)"
            assert f"CuPy's own matrix products are used: {told}" in caplog.text
        del replay
        engine.release()
        gc.collect()  # an error that was caught holds on to what it came from
        assert [each["what"] for each in lt.made.values()] == ["handle"]


@pytest.mark.usefixtures("emulated")
def test_cuda_calls_in_float64(monkeypatch):
    run, lt = training(dtype="float64"), fakes.CublasLt()
    with fakes.installed(monkeypatch, lt) as machine:
        engine = CupyEngine(machines=machine.CupyMachines("float32"))
        agree(on_fakes(run).after(engine.scan), run.eagerly(), 1e-13)
    assert {each.get("compute") for each in lt.made.values()} - {None} == {"COMPUTE_64F"}


@pytest.mark.usefixtures("emulated")
def test_cuda_calls_without_nvmath(monkeypatch):
    run = training()
    with fakes.installed(monkeypatch, None) as machine:
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
    with fakes.installed(monkeypatch, fakes.CublasLt({"ALL"})) as machine:
        engine = CupyEngine("tf32", machine.CupyMachines("tf32"))
        with pytest.raises(
            bpx.BackendError,
            match=r"precision='tf32' is not available here: cuBLASLt has no",
        ):
            on_fakes(training()).after(engine.scan)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_product_refused_in_half_precision_is_computed_in_float32(
    monkeypatch, caplog, precision
):
    """As where the rows of a factor are no multiple of 16 bytes."""
    run = training((16, 8, 10), steps=20, batch=8)
    with fakes.installed(monkeypatch, fakes.CublasLt({"ODD"})) as machine:
        engine = CupyEngine(precision, machine.CupyMachines(precision))
        agree(on_fakes(run).after(engine.scan), run.eagerly(), 1e-2)
        (replay,) = engine._replays.values()
    products = replay.machine.schedule.products
    kinds = {(p.a.shape, p.b.shape): {p.a.dtype.name, p.b.dtype.name} for p in products}
    assert kinds == {
        ((8, 16), (16, 8)): {precision},  # z of the first layer, and BP4
        ((8, 8), (8, 16)): {precision},
        ((8, 8), (8, 10)): {precision},  # z of the second: the result may have any width
        ((8, 10), (10, 8)): {"float32"},  # BP2
        ((10, 8), (8, 8)): {"float32"},  # and BP4
    }
    assert replay.graphs
    refused = [
        told for told in caplog.messages if "this product is computed in float32" in told
    ]
    assert len(refused) == 2
    assert f"precision={precision!r}: cuBLASLt has no algorithm for (8, 10) @ (10, 8)" in (
        " ".join(refused)
    )


@pytest.mark.usefixtures("emulated")
def test_the_memory_of_a_plan_goes_back_to_the_device(monkeypatch):
    monkeypatch.setattr(fakes.MemoryPool, "pools", [])
    with fakes.installed(monkeypatch, fakes.CublasLt()) as machine:
        engine = CupyEngine("float32", machine.CupyMachines("float32"))
        engine.release()  # there is nothing yet
        on_fakes(training()).after(engine.scan)
        (pool,) = fakes.MemoryPool.pools
        assert len(pool.used) == 1
        engine.release()
        assert pool.freed == [0]


@pytest.mark.parametrize(
    ("installed", "advice"),
    [
        ("0.3.2", "; cuda-core 0.3.2 is too old: pip install --upgrade 'cuda-core>=0.5'"),
        ("1.2.2", ""),
        (None, "; cuda-core is missing: pip install 'cuda-core>=0.5'"),
    ],
)
def test_an_old_cuda_core_is_named_as_what_hides_nvmath(monkeypatch, caplog, installed, advice):
    def version(name):
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    with fakes.installed(monkeypatch, fakes.CublasLt()) as machine:
        assert "cuBLASLt's products" in machine.engine()
        monkeypatch.setattr(machine, "version", version)
        monkeypatch.setitem(sys.modules, "nvmath.bindings.cublasLt", None)
        told = machine.engine()
        assert told.endswith(advice or "None in sys.modules")
        assert "nvmath-python, which CUDA graphs need, cannot be used" in told
        assert machine._products("float32") is None
        with pytest.raises(bpx.BackendError, match=re.escape(advice or "cannot be used")):
            machine._products("tf32")
    assert advice in caplog.text
