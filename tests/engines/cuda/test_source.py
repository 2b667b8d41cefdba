"""The sources, compiled for a GPU by NVIDIA's compiler, which needs none."""

import ctypes
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import bpx
from bpx.program.operation import DType
from bpx_backends.engines.cuda.expressions import TYPES
from bpx_backends.engines.cuda.items import Launch
from bpx_backends.engines.cuda.loops import Function
from bpx_backends.engines.cuda.prelude import PRELUDE
from bpx_backends.engines.cuda.source import source
from tests import columns
from tests.costs.ends import ENDS
from tests.engines.cuda import emulation
from tests.engines.cuda.emulation import compiled
from tests.engines.cuda.functions import (
    FLOATS,
    SHAPES,
    computing,
    floating,
    integral,
    reduced_floats,
)
from tests.engines.cuda.steps import HEADS, OPTIMIZERS, M, Run, S, training
from tests.optim.links import NEWER
from tests.optim.schedules.rates import EVERY


@pytest.mark.usefixtures("_nvrtc")
def test_the_compiler_finds_its_builtins(monkeypatch):
    """Some releases of NVRTC look for them by name alone."""
    loaded = []
    monkeypatch.setattr(
        emulation.ctypes,
        "CDLL",
        lambda path, mode=ctypes.DEFAULT_MODE: loaded.append((Path(path).name, mode)),
    )
    emulation.nvrtc.__wrapped__()
    (*first, (compiler, _)) = loaded
    assert compiler.startswith("libnvrtc.so")
    assert [name.startswith("libnvrtc-builtins.so") for name, _ in first] == [True]
    assert [mode for _, mode in first] == [ctypes.RTLD_GLOBAL]


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize(
    "case",
    [
        S, M, M | {"batch": 1}, S | {"batch": 8192}, M | {"dropout": 0.5},
        M | {"norm": "layer", "dropout": 0.2}, M | {"norm": "batch"},
    ],
    ids=[
        "S", "M", "M, batch 1", "S, batch 8192", "M, dropout", "M, layer norm", "M, batch norm",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_compile_for_hopper(case, dtype):
    made = training(**case, dtype=dtype, steps=1).scheduled()
    assert compiled(source(made.launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_that_replace_columns_compile_for_hopper(dtype):
    rows = np.zeros((1, 7))
    run = Run(*columns.job([columns.network(dtype=dtype)], rows, dtype=dtype))
    assert compiled(source(run.scheduled().launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize("name", NEWER)
def test_every_other_optimizer_compiles_for_hopper(name):
    for dtype in ("float32", "float64"):
        made = training(optimizer=NEWER[name], decay=0.1, dtype=dtype, steps=1).scheduled()
        assert compiled(source(made.launches)) > 0


@cache
def functions(dtype: str, batch: int) -> dict[str, Function]:
    """The functions of every activation, cost and optimiser, by their text."""
    found = {}
    for hidden, (output, cost), optimizer in product(
        bpx.activations.ACTIVATIONS, HEADS, OPTIMIZERS
    ):
        run = training(
            hidden=hidden, output=output, cost=cost, batch=batch, decay=0.1, dtype=dtype,
            optimizer=OPTIMIZERS[optimizer], steps=1,
        )  # fmt: skip
        launches = run.scheduled().launches
        found |= {each.text: each for launch in launches for each in launch.functions}
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize(("dtype", "batch"), [("float32", 7), ("float64", 7), ("float32", 1)])
def test_every_activation_cost_and_optimizer_compiles_for_hopper(dtype, batch):
    launches = [Launch((each,)) for each in functions(dtype, batch).values()]
    assert compiled(source(launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_other_cost_compiles_for_hopper(dtype):
    found = {}
    for cost, output in ENDS:
        settings = {"hidden": "tanh", "output": output, "cost": cost, "dtype": dtype}
        launches = training((6, 5, 4), steps=1, **settings).scheduled().launches
        found |= {each.text: each for launch in launches for each in launch.functions}
    text = source([Launch((each,)) for each in found.values()])
    assert compiled(text) > 0
    assert ("double" in text.replace(PRELUDE, "")) == (dtype == "float64")


@pytest.mark.usefixtures("_nvrtc")
def test_every_function_and_reduction_compiles_for_hopper():
    x = np.array(FLOATS, "float32")
    runs = [
        computing(floating, np.ascontiguousarray(x[:, None] + 0 * x), x)[0],
        computing(integral, np.ones((3, 3), "int64"), np.ones(3, "int64"))[0],
        *(computing(reduced_floats, np.ones(shape, "float32"))[0] for shape in SHAPES[3:9:2]),
    ]
    for run in runs:
        assert compiled(source(run.scheduled().launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_schedule_compiles_for_hopper(dtype):
    run = training(optimizer=bpx.SGD(EVERY), dtype=dtype, steps=1)
    assert compiled(source(run.scheduled().launches)) > 0


@pytest.mark.usefixtures("_nvrtc")
def test_nothing_turns_double_unasked():
    for case in (S, M):
        text = source(training(**case, steps=1).scheduled().launches)
        assert "double" not in text.replace(PRELUDE, "")
    assert TYPES[DType("float32", "real floating", 4).name] == "float"
