"""CuPy as a backend, on stand-ins for it: an engine for each precision."""

import gc
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.engines.cuda import fakes
from tests.engines.cuda.emulation import compiler
from tests.engines.cuda.steps import agree, on_fakes, training


@pytest.fixture
def lt():
    return fakes.CublasLt()


@pytest.fixture
def backend(monkeypatch, lt):
    with fakes.installed(monkeypatch, lt):
        made = fakes.anew(monkeypatch, "bpx_backends._cupy")
        made.cupy_machine.find_spec = lambda _: lt
        yield made


class InPrecision(NamedTuple):
    """A step that says in which precision it is to run."""

    step: Any
    precision: str

    def __call__(self, state, data, rows):
        return self.step(state, data, rows)


@pytest.mark.parametrize(
    ("precision", "compute"), [("float32", "COMPUTE_32F"), ("tf32", "COMPUTE_32F_FAST_TF32")]
)
def test_a_step_runs_in_its_precision(backend, lt, precision, compute):
    if compiler() is None:
        pytest.skip("no C++20 compiler (g++ or clang++) to run kernels on the host")
    run = training(steps=5)
    run = run._replace(step=InPrecision(run.step, precision))
    with np.errstate(all="ignore"):
        agree(on_fakes(run).after(backend.scan), run.eagerly(), 1e-5)
    assert {each.get("compute") for each in lt.made.values()} - {None} == {compute}
    backend.release()
    gc.collect()
    assert [each["what"] for each in lt.made.values()] == ["handle"]


def test_its_precisions_and_its_engine_are_told(backend):
    assert backend.precisions[0] == "float32"
    assert "CUDA graphs" in backend.engine()


def test_stand_in_arrays_are_its_own_and_numpys_are_not(backend):
    assert backend.is_array(fakes.array(np.ones(2)))
    assert not backend.is_array(np.ones(2))


def test_windows_move_on_one_stream_which_is_waited_for(backend, monkeypatch):
    device, log = SimpleNamespace(id=0), []
    monkeypatch.setattr(fakes.Stream, "synchronize", lambda stream: log.append(stream))
    current = fakes.Stream.current
    for error in (None, ValueError("bad window")):
        with suppress(ValueError), backend.aside(device):
            log.append(fakes.Stream.current)
            if error:
                raise error
        assert fakes.Stream.current is current
    assert log[0] is not current
    assert [each is log[0] for each in log] == [True] * 4  # in it, and waited for, twice


@pytest.mark.parametrize(
    ("local", "current", "expected"),
    [(None, 0, 0), (None, 2, 2), (1, 0, 1), (5, 0, 1), (1, 3, 3)],
)
def test_the_usual_device_is_the_current_one_or_that_of_the_rank(
    backend, monkeypatch, local, current, expected
):
    """Of four, as nobody has named one."""
    monkeypatch.setattr(backend, "local_rank", lambda: local)
    monkeypatch.setattr(backend.cupy.cuda.runtime, "getDevice", lambda: current)
    monkeypatch.setattr(fakes.Device, "count", 4)
    assert backend.device(None).id == expected
    assert backend.device("2").id == 2
