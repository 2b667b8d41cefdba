"""Casts of gathered rows, done by the gather."""

import numpy as np
import pytest

import bpx
from bpx.program.instructions import moved_by
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.step import Data
from bpx_backends.engines.cuda.casts import casting
from bpx_backends.engines.cuda.engine import CupyEngine
from bpx_backends.engines.cuda.schedule import fuses
from bpx_backends.engines.cuda.source import source
from tests.engines.cuda.emulation import compiled, nvrtc
from tests.engines.cuda.steps import Own, Run, check, emulator, training


def of_bytes(stored="uint8", **settings):
    """A training whose samples are bytes, and the same with them cast before."""
    run = training(**settings)
    x = np.random.default_rng(0).integers(0, 2 if stored == "bool" else 100, run.data.x.shape)
    x = x.astype(stored)
    numbers = Data(x.astype(run.data.x.dtype), run.data.y)
    return run._replace(data=Data(x, run.data.y)), run._replace(data=numbers)


def planned(run):
    return plan(record(run.step, run.state, run.data, run.rows[0]), fuses)


def test_a_cast_is_no_operation_of_its_own():
    run, numbers = of_bytes()
    made, expected = casting(planned(run), fuses), planned(numbers)
    (picked,) = (op for op in made.program.operations if op.values[:1] == made.program.data[:1])
    assert (picked.name, picked.result.dtype.name) == ("take", "float32")
    assert len(made.program.operations) == len(expected.program.operations)
    assert made.picks(picked)
    batch, width = picked.result.shape
    assert moved_by(picked) == batch * width + 4 * batch  # a byte a number, and the rows


def test_where_nothing_is_cast_the_plan_stays():
    made = planned(training())
    assert casting(made, fuses) is made


def test_what_has_another_use_is_gathered_as_it_is():
    def twice(state, data, rows):
        xp = bpx.namespace(data[0])
        x = xp.take(data[0], rows, axis=0)
        return state[0] + xp.astype(x, state[0].dtype), state[1] + x

    state = np.zeros((3, 4), "float32"), np.zeros((3, 4), "uint8")
    run = Run(Own(twice), state, (np.ones((9, 4), "uint8"),), np.zeros((2, 3), "int32"))
    made = planned(run)
    assert casting(made, fuses) is made


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", ["bool", "int8", "uint8"])
def test_a_training_comes_to_the_bits_of_samples_cast_before(stored, dtype):
    run, numbers = of_bytes(stored, sizes=(8, 5, 4), dtype=dtype)
    for one, other in zip(
        run.after(emulator()[0].scan, 1, 9, 20), numbers.after(emulator()[0].scan), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("emulated")
def test_against_the_plain_loop():
    run, _ = of_bytes(optimizer=bpx.SGD(1e-3, momentum=0.9), dtype="float64")
    check(run)


@pytest.mark.usefixtures("emulated")
def test_in_another_precision():
    run, numbers = of_bytes(sizes=(8, 5, 4))
    engines = (emulator(precision="bfloat16")[0] for _ in range(2))
    found = [
        each.after(engine.scan) for each, engine in zip((run, numbers), engines, strict=True)
    ]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("stored", ["bool", "int8", "uint8"])
def test_nvidias_compiler_takes_the_source(stored):
    if nvrtc() is None:
        pytest.skip("nvidia-cuda-nvrtc is not installed")
    run, _ = of_bytes(stored, sizes=(784, 30, 10), batch=10)
    made = CupyEngine().prepare(planned(run)).schedule()
    assert made.layout.staged == {}  # the samples stay where they are
    assert compiled(source(made.launches)) > 0
