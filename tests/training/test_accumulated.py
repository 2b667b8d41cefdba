"""Gradient accumulation: the update of a whole mini-batch, in the memory of a chunk."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.program.contract import eager, leaves
from bpx.program.fusion import can_fuse
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.accumulated import AccumulatedStep, check_enough, chunk_size
from bpx.training.start import first_state
from bpx.training.step import zero_metrics
from tests.backends import Target, flags, host
from tests.engines.test_stacks import BATCH, STEPS, runs
from tests.programs import run_as_printed, training
from tests.training.small import network, samples

SETTINGS: dict[str, Any] = {
    "epochs": 2, "batch_size": 12, "optimizer": bpx.Adam(0.02), "seed": 1, "lmbda": 0.5,
}  # fmt: skip


def in_chunks(step, state, chunks, batch):
    """The step of `training` in chunks, and its state."""
    how = chunk_size(batch, chunks), step.accuracy, state.metrics.weights is not None
    metrics = zero_metrics(state.parameters.b[0], *how)
    return AccumulatedStep(step, chunks, step.update), state._replace(metrics=metrics)


def same(one, other, within=1e-12):
    for a, b in zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=within, atol=within)


@pytest.mark.parametrize(("m", "chunks", "size"), [(12, 3, 4), (12, 5, 3), (3, 9, 1)])
def test_chunks_are_as_equal_as_can_be(m, chunks, size):
    assert chunk_size(m, chunks) == size


@pytest.mark.parametrize("weighted", [False, True])
def test_training_is_that_of_whole_mini_batches(target, weighted, caplog):
    """A ragged last mini-batch of 4, cut in chunks of 1; others, of 3; nothing runs eagerly."""
    x, y = samples()
    settings = {**SETTINGS, "compile": target.value.compile}
    if weighted:
        settings["sample_weight"] = np.random.default_rng(2).random(40)
    net, other = (network(target, dtype="float64", feedback="kp") for _ in range(2))
    with flags(target):
        found = net.fit(x, y, accumulate=5, **settings)
        expected = other.fit(x, y, **settings)
    same(net, other)
    for a, b in zip(net.feedback, other.feedback, strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-12)
    for a, b in zip(found, expected, strict=True):
        assert a.cost == pytest.approx(b.cost, rel=1e-12)
        assert a.accuracy == pytest.approx(b.accuracy, rel=1e-12)
    assert not [each for each in caplog.records if each.name == "bpx"]


def test_masks_are_those_of_the_whole_mini_batch(target):
    """Of an odd width, so that a chunk may begin with the second word of a pair."""
    x, y = samples()
    settings = {**SETTINGS, "epochs": 1, "batch_size": 20, "compile": target.value.compile}
    given = {"seed": 0, "dtype": "float64", "dropout": 0.4}
    nets = [target.network([5, 7, 3], **given) for _ in range(2)]
    with flags(target):
        nets[0].fit(x, y, accumulate=4, **settings)
        nets[1].fit(x, y, **settings)
    same(*nets)


class OnTarget(NamedTuple):
    target: Target


@pytest.mark.parametrize("own", [True, False], ids=["batches of their own", "shared batches"])
def test_several_networks_are_trained_as_by_whole_mini_batches(target, own):
    given = {"own": own, "dropout": 0.4, "weighted": True, "optimizer": "momentum"}
    with flags(target):
        these = runs(OnTarget(target), (6, 5, 4), **given)
        step, state = in_chunks(these.step, these.together, 3, BATCH)
        found = eager(step, state, these.data, these.rows, 0, 3)
        expected = eager(these.step, these.together, these.data, these.rows, 0, 3)
    assert STEPS > 3
    pairs = zip(leaves(found.parameters), leaves(expected.parameters), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(host(a), host(b), rtol=1e-12, atol=1e-14)
    for a, b in zip(found.metrics, expected.metrics, strict=True):
        assert a.shape == (3, 3)
        np.testing.assert_allclose(host(a).sum(-1), host(b).sum(-1), rtol=1e-12)


def test_batch_norm_sees_chunks_and_averages_each(target):
    """The averages are those of as many mini-batches as there are chunks."""
    x, y = samples()
    layers = [bpx.Dense(5, 4, "tanh"), bpx.BatchNorm(4), bpx.Dense(4, 3, "sigmoid")]
    still = {"epochs": 1, "shuffle": False, "optimizer": bpx.SGD(1e-30)}
    nets = [target.network(layers, seed=0, dtype="float64") for _ in range(3)]
    with flags(target):
        for net, chunks, size in zip(nets, (4, 1, 1), (40, 10, 40), strict=True):
            how = {"accumulate": chunks, "batch_size": size, "compile": target.value.compile}
            net.fit(x, y, **still, **how)
    cut, small, whole = ([host(p) for p in leaves(net.parameters)] for net in nets)
    for a, b in zip(cut, small, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert any(not np.allclose(a, b) for a, b in zip(cut, whole, strict=True))


def test_chunks_that_are_too_small_for_batch_norm_are_refused():
    layers = [bpx.Dense(5, 4, "tanh"), bpx.BatchNorm(4), bpx.Dense(4, 3, "sigmoid")]
    net = bpx.Network(layers, seed=0)
    with pytest.raises(bpx.InputError, match=r"batch_size=12 in 5 chunks .* last mini-batch"):
        net.fit(*samples(), accumulate=5, **SETTINGS)
    net.fit(*samples(), accumulate=5, drop_last=True, **SETTINGS)
    with pytest.raises(bpx.InputError, match="but the mini-batches would have 1; choose"):
        net.fit(*samples(), accumulate=12, drop_last=True, **SETTINGS)


def test_a_mini_batch_that_is_too_small_for_batch_norm_is_refused():
    spec = bpx.Network([5, 4, 3], norm="batch", seed=0).spec
    check_enough(spec, 2)
    check_enough(spec, 5, chunks=2)
    check_enough(bpx.Network([5, 4, 3], seed=0).spec, 1)
    with pytest.raises(bpx.InputError, match="of 1 sample was given, and layer 2, 'batch"):
        check_enough(spec, 1)
    with pytest.raises(bpx.InputError, match=r"of 3 samples in 2 chunks .* 2 in each chunk"):
        check_enough(spec, 3, chunks=2)


@pytest.mark.parametrize("fuses", [lambda _: False, can_fuse], ids=["plain", "fused"])
def test_a_plan_has_the_memory_of_one_chunk(fuses):
    sizes, batch = (20, 60, 50, 10), 600
    settings = {"dropout": 0.2, "hidden": "relu"}
    step, state, data, rows = training(sizes, batch, bpx.SGD(0.1), **settings)
    drawn = first_state(step.spec, state.parameters, (), bpx.SGD(0.1)).randomness
    state = state._replace(randomness=drawn)
    need = {1: plan(record(step, state, data, rows), fuses).scratch}
    for chunks in (4, 12):
        cut, entered = in_chunks(step, state, chunks, batch)
        need[chunks] = plan(record(cut, entered, data, rows), fuses).scratch
    gradients = 2 * sum(p.nbytes for p in leaves(state.parameters))
    for chunks in (4, 12):
        assert need[chunks] <= 1.3 * need[1] / chunks + 4 * gradients
    assert need[12] < need[4] < need[1] / 2


def test_jax_needs_the_memory_of_one_chunk():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    need = {}
    step, state, data, rows = training((20, 60, 10), 600, bpx.SGD(0.1))
    for chunks in (1, 6):
        run, entered = in_chunks(step, state, chunks, 600)
        compiled = jax.jit(run.__call__).lower(entered, data, rows).compile()
        need[chunks] = compiled.memory_analysis().temp_size_in_bytes
    assert need[6] < need[1] / 2


def test_a_program_in_chunks_is_printed_as_it_runs():
    step, state, data, rows = training((4, 3, 2), 6, bpx.SGD(0.1), hidden="tanh")
    step, state = in_chunks(step, state, 2, 6)
    program = record(step, state, data, rows)
    after = run_as_printed(program, state, data, rows)
    expected = step(state, data, rows).parameters.w[0]
    np.testing.assert_allclose(after["parameters.w[0]"], expected, rtol=1e-6)


def test_nan_in_a_chunk_does_not_move_the_rows_of_the_next():
    step, state, data, rows = training((4, 3, 2), 6, bpx.SGD(0.1))
    step, state = in_chunks(step, state, 3, 6)
    data.x[rows[0]] = np.nan
    with np.errstate(invalid="ignore"):
        after = step(state, data, rows)
    assert np.isnan(after.parameters.w[0]).all()
    assert np.isnan(after.metrics.cost[0])  # of each chunk's first sample
    assert np.isfinite(after.metrics.cost[1]) == (rows[0] not in rows[1::2])


def test_an_update_is_a_step():
    settings = {**SETTINGS, "accumulate": 4}
    training = bpx.train(network(), samples(), **settings)
    next(training)
    assert training.state.steps == 4  # of 12, 12, 12 and 4
    with pytest.raises(bpx.DivergenceError) as caught:
        network(hidden="relu", output="identity").fit(
            *samples(), **{**settings, "optimizer": bpx.SGD(1e30)}
        )
    assert caught.value.step in (2, 3)


def test_one_that_is_left_goes_on_to_the_same_bits():
    settings = {**SETTINGS, "accumulate": 3, "epochs": 3}
    whole, left, resumed = (network(dropout=0.2) for _ in range(3))
    whole.fit(*samples(), **settings)
    first = bpx.train(left, samples(), **settings)
    next(first)
    second = bpx.train(resumed, samples(), **settings)
    second.state = first.state
    list(second)
    np.testing.assert_array_equal(whole.weights[0], resumed.weights[0])


def test_mini_batches_of_streams_are_cut_too():
    x, y = samples()
    batches = [(x[:12], y[:12]), (x[12:14], y[12:14]), (x[14:], y[14:])]
    options = {"epochs": 2, "optimizer": bpx.SGD(0.5), "seed": 1}
    net, other = network(dtype="float64"), network(dtype="float64")
    list(bpx.train(net, batches=batches, accumulate=5, **options))
    list(bpx.train(other, batches=batches, **options))
    same(net, other)
    net, other = network(dtype="float64"), network(dtype="float64")
    stream = {**options, "batch_size": 12}
    net.fit(bpx.data.stream(x, y, window=20), accumulate=5, **stream)
    other.fit(bpx.data.stream(x, y, window=20), **stream)
    same(net, other)


class Noisy(bpx.Dropout):
    kind: ClassVar[str] = "noisy"
    draws_by_rows: ClassVar[bool] = False


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"accumulate": 0},
            "accumulate=0 was given; expected a whole number in 1 ... 12",
        ),
        ({"accumulate": 13}, "accumulate=13 was given; expected a whole number in 1 ... 12"),
        ({"accumulate": 2.5}, "accumulate=2.5 was given"),
        ({"batch_size": 0}, "batch_size=0 was given"),
        ({"batch_size": "all"}, "batch_size='all' was given"),
        (
            {"privacy": bpx.privacy.DPSGD(clip=1.0, noise_multiplier=1.0), "seed": None},
            "accumulate=2 was given with privacy; set the rows .* by DPSGD",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_cut_is_refused(more, message):
    with pytest.raises(bpx.InputError, match=message):
        network().fit(*samples(), **{**SETTINGS, "accumulate": 2, **more})


def test_a_layer_that_would_draw_the_same_in_each_chunk_is_refused():
    net = bpx.Network(
        [bpx.Dense(5, 4, "tanh"), Noisy(4, 0.5), bpx.Dense(4, 3, "sigmoid")], seed=0
    )
    with pytest.raises(bpx.InputError, match="but layer 2, 'noisy', would draw the same"):
        net.fit(*samples(), accumulate=2, **SETTINGS)
    net.fit(*samples(), accumulate=1, **SETTINGS)
    with pytest.raises(bpx.InputError, match="expected a whole number of at least 1"):
        bpx.train(net, batches=[samples()], epochs=1, accumulate=0, optimizer=bpx.SGD(1.0))
