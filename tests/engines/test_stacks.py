"""Steps of K networks at once, with an axis in front: each is trained as it is by itself."""

import logging
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.model.stacks import stacked
from bpx.optim.limits import penalised
from bpx.program.contract import eager, leaves
from bpx.training.start import first_state
from bpx.training.step import Data, State, TrainingStep, zero_metrics
from tests.backends import host
from tests.costs.ends import ENDS
from tests.optim.links import NEWER
from tests.optim.schedules.rates import EVERY

K, STEPS, BATCH, SAMPLES = 3, 12, 7, 50
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
    "adamw": bpx.AdamW(0.01, decay=0.1),
    "clipped": bpx.optim.chain(bpx.optim.clip_by_global_norm(0.1), bpx.SGD(0.3)),
    "scheduled": bpx.SGD(bpx.optim.warmup_cosine(0.3, warmup=4, steps=12)),
    **NEWER,
    "every schedule": bpx.SGD(EVERY),
}


class Runs(NamedTuple):
    """A step of K networks with all that it needs, and of each of them."""

    step: TrainingStep
    together: State
    alone: list[State]
    data: Data
    rows: Any

    def rows_of(self, i: int) -> Any:
        return self.rows if self.rows.ndim == 2 else self.rows[:, i, :]


def runs(
    engine, sizes=(6, 5, 4), *, optimizer="sgd", decay=None, own=True, real=False,
    dtype="float64", several=K, stored=None, weighted=False, **settings,
):  # fmt: skip
    rng, target = np.random.default_rng(1), engine.target
    nets = [target.network(sizes, seed=i, dtype=dtype, **settings) for i in range(several)]
    spec, xp, sizes = nets[0].spec, bpx.namespace(nets[0].weights[0]), nets[0].sizes
    classes = max(sizes[-1], 2)
    y = rng.random((SAMPLES, sizes[-1])) if real else rng.integers(0, classes, SAMPLES)
    data = Data(
        target.asarray(
            (4.0 if stored else 1.0) * rng.random((SAMPLES, sizes[0])), stored or dtype
        ),
        target.asarray(y, dtype if real or sizes[-1] == 1 else "int32"),
        target.asarray(rng.integers(0, 4, SAMPLES) / 2, dtype) if weighted else None,
    )
    shape = (STEPS, several, BATCH) if own else (STEPS, BATCH)
    rows = target.asarray(rng.integers(0, SAMPLES, shape), "int32")
    accuracy = None if real else "argmax" if sizes[-1] > 1 else "threshold"
    rule = penalised(OPTIMIZERS[optimizer], decay)

    def state(parameters, feedback):
        metrics = zero_metrics(parameters.like, BATCH, accuracy, weighted)
        return first_state(spec, parameters, feedback, rule)._replace(metrics=metrics)

    # Magnitudes that are drawn by a key are drawn once, for all networks.
    drawn = [nets[0].feedback if spec.feedback.redrawn else net.feedback for net in nets]
    together = state(
        stacked(spec, [net.parameters for net in nets]),
        drawn[0]
        if spec.feedback.redrawn
        else tuple(map(xp.stack, map(list, zip(*drawn, strict=True)))),
    )
    alone = [state(net.parameters, each) for net, each in zip(nets, drawn, strict=True)]
    return Runs(TrainingStep(spec, rule.update, accuracy), together, alone, data, rows)


def check(engine, caplog, within=None, **given):
    """Compiled, without a word, as each network by itself in the plain loop."""
    these = runs(engine, **given)
    home = these.together.parameters.w[0]
    backend = bpx.arrays.registry.backend_of(home)
    with backend.active(backend.device_of(home)), caplog.at_level(logging.WARNING, "bpx"):
        whole = engine.scan(these.step, these.together, these.data, these.rows, 0, STEPS)
        first = engine.scan(these.step, these.together, these.data, these.rows, 0, 5)
        second = engine.scan(these.step, first, these.data, these.rows, 5, STEPS, True)
        for i, state in enumerate(these.alone):
            rows = these.rows_of(i)
            expected = eager(these.step, state, these.data, rows, 0, STEPS)
            for found in (whole, second):
                agree(found, expected, i, within or engine.within)
    messages = [each.getMessage() for each in caplog.records]
    assert all("on CuPy, products of stacks" in each for each in messages)
    assert bool(messages) == (engine.target.spec.partition(":")[0] == "cupy")


def agree(found, expected, i, within):
    pairs = zip(leaves(found), leaves(expected), strict=True)
    for x, alone in ((host(x), host(alone)) for x, alone in pairs):
        assert np.isfinite(alone).all()
        # What is drawn by a key is shared, and has no axis in front.
        x = (x if x.shape == alone.shape else x[i]).reshape(alone.shape)
        assert np.linalg.norm(x - alone) <= within * np.linalg.norm(alone)


@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer(engine, optimizer, own, caplog):
    given = {"optimizer": optimizer, "decay": 0.01, "own": own}
    check(engine, caplog, hidden="tanh", output="softmax", cost="cross_entropy", **given)


@pytest.mark.parametrize("activation", bpx.activations.ACTIVATIONS)
def test_every_activation(engine, activation, caplog):
    # exp of exp grows so fast that larger steps diverge.
    optimizer = "adam" if activation == "exponential" else "sgd"
    given = {"hidden": activation, "output": activation, "optimizer": optimizer}
    check(engine, caplog, cost="quadratic", **given)


@pytest.mark.parametrize(
    ("cost", "output"),
    [
        ("quadratic", "identity"),
        ("binary_cross_entropy", "sigmoid"),
        ("categorical_cross_entropy", "softmax"),
        *ENDS,
    ],
)
@pytest.mark.parametrize("real", [False, True], ids=["labels", "numbers"])
def test_every_cost(engine, cost, output, real, caplog):
    given = {"cost": cost, "output": output, "real": real}
    check(engine, caplog, sizes=(6, 5, 3, 4), hidden="tanh", **given)


@pytest.mark.parametrize("feedback", bpx.feedback.FEEDBACKS)
def test_every_feedback(engine, feedback, caplog):
    given = {"optimizer": "adam" if feedback == "kp" else "momentum", "feedback": feedback}
    check(engine, caplog, sizes=(6, 5, 3, 4), hidden="tanh", output="softmax", **given)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (6, 1), (3, 3, 3), (1, 4, 2)])
def test_awkward_widths(engine, sizes, caplog):
    """An axis of 1, or all as long as there are networks."""
    check(engine, caplog, sizes=sizes, real=True)


@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
@pytest.mark.parametrize("real", [False, True], ids=["labels", "numbers"])
def test_sample_weights(engine, own, real, caplog):
    given = {"optimizer": "momentum", "own": own, "real": real, "weighted": True}
    check(engine, caplog, hidden="tanh", output="softmax", cost="cross_entropy", **given)


@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
@pytest.mark.parametrize("batch", [K, BATCH])
def test_a_single_output(engine, own, batch, caplog, monkeypatch):
    """Right is what is on the right side of 1/2."""
    monkeypatch.setattr("tests.engines.test_stacks.BATCH", batch)
    check(engine, caplog, sizes=(3, 4, 1), cost="cross_entropy", own=own)


def test_a_single_network_with_an_axis_in_front(engine, caplog):
    check(engine, caplog, several=1, optimizer="adam", output="softmax", cost="cross_entropy")


@pytest.mark.parametrize("feedback", ["transpose", "kp"])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_options_of_dense_layers(engine, optimizer, feedback, caplog):
    """Without biases in the first, with a penalty and a limit for the rows of each network."""
    layers = [
        bpx.Dense(6, 5, "tanh", bias=False, l1=0.01, max_norm=0.9),
        bpx.Dense(5, 4, "softmax", l2=0.1, max_norm=0.8),
    ]
    given = {"optimizer": optimizer, "decay": 0.01, "feedback": feedback}
    check(engine, caplog, sizes=layers, cost="cross_entropy", **given)


def test_dropout(engine):
    """Compiled as in the plain loop; the first network drops what it drops by itself."""
    these = runs(engine, hidden="relu", output="softmax", cost="cross_entropy", dropout=0.5)
    home = these.together.parameters.w[0]
    backend = bpx.arrays.registry.backend_of(home)
    with backend.active(backend.device_of(home)):
        found = engine.scan(these.step, these.together, these.data, these.rows, 0, STEPS)
        expected = eager(these.step, these.together, these.data, these.rows, 0, STEPS)
        alone = eager(these.step, these.alone[0], these.data, these.rows_of(0), 0, STEPS)
    for x, y in zip(leaves(found), leaves(expected), strict=True):
        x, y = host(x), host(y)
        assert np.linalg.norm(x - y) <= engine.within * np.linalg.norm(y)
    agree(found, alone, 0, engine.within)


@pytest.mark.parametrize("feedback", ["transpose", "kp"])
def test_residual_blocks(engine, feedback, caplog):
    """Of a block at the inputs, the skip carries samples that all networks share, too."""
    inner = bpx.Residual([bpx.Dense(5, 5, "silu")])
    layers = [
        bpx.Residual([bpx.Dense(6, 6, "tanh")]), bpx.Dense(6, 5, "tanh"),
        bpx.Residual([bpx.Dense(5, 5, "relu"), inner]), bpx.Dense(5, 4, "softmax"),
    ]  # fmt: skip
    for own in (True, False):
        given = {"optimizer": "momentum", "own": own, "feedback": feedback}
        check(engine, caplog, sizes=layers, cost="cross_entropy", **given)


@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_norms(engine, own, norm, caplog):
    given = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "own": own}
    check(engine, caplog, norm=norm, optimizer="adam", **given)


def test_batch_norm_with_weights_of_samples(engine, caplog):
    check(engine, caplog, norm="batch", weighted=True)


def test_samples_stored_as_bytes(engine, caplog):
    check(engine, caplog, stored="uint8", output="softmax", cost="cross_entropy")


def test_float32(engine, caplog):
    given = {"dtype": "float32", "within": 1e-4, "optimizer": "adam"}
    check(engine, caplog, hidden="relu", output="softmax", cost="cross_entropy", **given)
