"""Whole steps, emulated on the host, against the eager loop."""

import logging

import numpy as np
import pytest

import bpx
from bpx.optim import mapped
from bpx.privacy.step import NoisyData, PrivateState, PrivateStep
from bpx.training.accumulated import AccumulatedStep
from bpx.training.step import zero_metrics
from tests import columns
from tests.costs.ends import ENDS
from tests.engines.cuda.steps import HEADS, OPTIMIZERS, STEPS, M, Run, S, check, training
from tests.optim.links import NEWER
from tests.optim.schedules.rates import EVERY


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("name", bpx.activations.ACTIVATIONS)
def test_every_activation(name):
    # exp of exp grows so fast that larger steps diverge.
    optimizer = bpx.SGD(0.01) if name == "exponential" else OPTIMIZERS["sgd"]
    settings = {"hidden": name, "output": name, "optimizer": optimizer}
    check(training(cost="quadratic", dtype="float64", **settings))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("output", "cost"), HEADS[-2:])
def test_every_cost_and_optimizer(output, cost, optimizer):
    check(
        training((6, 5, 3, 4), hidden="tanh", output=output, cost=cost, decay=0.01,
                 optimizer=OPTIMIZERS[optimizer])
    )  # fmt: skip


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("name", NEWER)
def test_every_other_optimizer(name, caplog):
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "steps": 10}
    with caplog.at_level(logging.WARNING, "bpx"):
        this = training((6, 5, 3, 4), dtype="float64", optimizer=NEWER[name], **settings)
        check(this, within=1e-11, ends=(1, 9, 10))
    assert not caplog.records


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_schedule(dtype):
    check(training(optimizer=bpx.Adam(EVERY), dtype=dtype))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("cost", "output"), ENDS)
def test_every_other_cost(cost, output):
    check(training((6, 5, 3, 4), hidden="tanh", output=output, cost=cost, dtype="float64"))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (6, 4)},
        {"batch": 1},
        {"sizes": (6, 1), "real": True, "output": "identity"},
        {"sizes": (1, 1, 2), "batch": 1},
        {"sizes": (8, 8, 8), "batch": 8, "hidden": "gelu_tanh"},
        {"sizes": (6, 200, 4), "batch": 40, "hidden": "silu"},
        {"sizes": (6, 40, 35), "batch": 33, "hidden": "softmax", "output": "softmax",
         "cost": "cross_entropy", "steps": 10},
        {"sizes": (6, 50, 4), "batch": 700, "steps": 3},
    ],
    ids=["one layer", "batch 1", "one output", "ones", "square", "wide", "long rows", "tall"],
)  # fmt: skip
def test_every_shape(settings):
    steps = settings.get("steps", STEPS)
    run = training(
        **{"optimizer": OPTIMIZERS["adam"], "decay": 0.1, "dtype": "float64"} | settings
    )
    check(run, ends=(1, steps - 1, steps))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_sample_weights(optimizer, real):
    run = training(
        weighted=True, real=real, dtype="float64", decay=0.1, optimizer=OPTIMIZERS[optimizer]
    )
    assert (run.state.metrics.weights is None) == real
    check(run)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout(dtype):
    """Masks drawn in the step; with Adam, of which the last bits are not asked."""
    run = training(
        (6, 20, 10, 4), hidden="relu", dropout=(0.2, 0.5), decay=0.01, dtype=dtype,
        optimizer=OPTIMIZERS["adam"],
    )  # fmt: skip
    assert run.state.randomness is not None
    check(run, {"float32": 1e-4, "float64": 1e-12}[dtype])


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_residual_blocks(dtype):
    """One at the inputs, and one in another, with a mask drawn in the step."""
    inner = bpx.Residual([bpx.Dense(5, 5, "silu")])
    layers = [
        bpx.Residual([bpx.Dense(6, 6, "tanh")]), bpx.Dense(6, 5, "relu"),
        bpx.Residual([bpx.Dense(5, 5, "relu"), bpx.Dropout(5, 0.2), inner]),
        bpx.Dense(5, 4, "softmax"),
    ]  # fmt: skip
    run = training(
        layers, cost="cross_entropy", decay=0.01, dtype=dtype, optimizer=OPTIMIZERS["momentum"]
    )
    check(run, {"float32": 1e-4, "float64": 1e-12}[dtype])


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("width", [20, 300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms(dtype, width, norm):
    run = training(
        (6, width, 10, 4), hidden="relu", norm=norm, decay=0.01, dtype=dtype, steps=5,
        optimizer=OPTIMIZERS["momentum"], weighted=width == 20,
    )  # fmt: skip
    check(run, {"float32": 1e-4, "float64": 1e-12}[dtype], ends=(1, 4, 5))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_options_of_dense_layers(dtype, optimizer):
    layers = [
        bpx.Dense(6, 40, "relu", bias=False, l1=0.01, max_norm=0.9),
        bpx.Dense(40, 5, "tanh", l2=0.1, max_norm=0.7),
        bpx.Dense(5, 4, "softmax", bias=False, l1=0.02, l2=0.1),
    ]
    how = {"optimizer": OPTIMIZERS[optimizer], "decay": 0.01, "dtype": dtype}
    run = training(layers, cost="cross_entropy", **how)
    assert run.state.parameters.b[0] is None
    check(run, {"float32": 1e-4, "float64": 1e-11}[dtype])


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("first", ["periodic", "embedding"])
@pytest.mark.parametrize(("dtype", "within"), [("float32", 1e-4), ("float64", 1e-11)])
def test_layers_that_replace_columns(first, dtype, within):
    rows = np.random.default_rng(1).integers(0, 45, (STEPS, 7))
    run = Run(*columns.job([columns.network(first=first, dtype=dtype)], rows, dtype=dtype))
    assert run.scheduled().capturable  # no call of the library is left
    check(run, within)


@pytest.mark.usefixtures("emulated")
def test_the_case_s_in_float32():
    check(training(**S), 1e-5, reverse=(False,))


@pytest.mark.slow
@pytest.mark.usefixtures("emulated")
def test_the_case_m_in_float32():
    run = training(**M, steps=2, samples=300)
    check(run, 1e-4, ends=(1, 2), reverse=(False,))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("clips", [(0.3,), (0.2, 0.3)], ids=["flat", "per_layer"])
def test_private_steps(clips, last):
    """Padding, clipping, and noise that the last of a row's numbers picks."""
    run = training(batch=7, steps=5)
    rng, like = np.random.default_rng(2), run.state.parameters.b[0][:1]
    noise = mapped(
        lambda p: 0.1 * rng.standard_normal((3, p.size)).astype(p.dtype), run.state.parameters
    )
    clips = tuple(np.full_like(like, clip) for clip in clips)
    summed = mapped(np.ones_like, run.state.parameters)
    state = run.state._replace(extra=PrivateState(clips, np.full_like(like, 0.2), summed))
    rows = np.concatenate([run.rows, np.arange(5, dtype="int32")[:, None] % 3], axis=1)
    rows[1, 4:7], rows[3, :7] = -1, -1
    data = NoisyData(run.data.x, run.data.y, noise)
    check(Run(PrivateStep(run.step, last), state, data, rows), ends=(1, 5))


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_steps_in_chunks(dropout):
    """Of 3, 3 and 1 samples, with their masks in the whole mini-batch."""
    run = training(
        (6, 5, 4), batch=7, weighted=True, dropout=dropout, dtype="float64",
        optimizer=OPTIMIZERS["momentum"],
    )  # fmt: skip
    metrics = zero_metrics(run.state.parameters.b[0], 3, "argmax", True)
    step = AccumulatedStep(run.step, 3, run.step.update)
    whole, cut = (
        run.eagerly(),
        run._replace(step=step, state=run.state._replace(metrics=metrics)),
    )
    for a, b in zip(whole[:4], cut.eagerly()[:4], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    check(cut, 1e-12)
