"""The module that makes the CUDA calls, on stand-ins for CuPy and nvmath-python."""

import gc

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
            assert "CuPy's own matrix products are used: not supported" in caplog.text
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
            bpx.BackendError, match=r"precision='tf32' cannot be had here: not s"
        ):
            on_fakes(training()).after(engine.scan)
