"""The loop: what it yields, what it keeps, what it leaves alone."""

from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.training.arguments import Options, checked
from bpx.training.batches import Shuffled
from bpx.training.course import Course
from bpx.training.loop import Loop
from bpx.training.step import TrainingStep
from tests.backends import Target, host
from tests.training.small import SETTINGS, network, samples


def test_fit_yields_a_record_of_each_epoch(target):
    x, y = samples()
    net = network(target)
    seen = net.fit(x, y, validation=(x, y), compile=target.value.compile, **SETTINGS)
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    assert (len(seen), seen.seed) == (3, 1)
    last = seen[-1]
    assert last.validation == net.evaluate(x, y)
    assert 0.0 <= last.accuracy <= 1.0
    assert last.seconds > 0.0
    assert last.samples_per_second > 0.0
    assert last.cost < seen[0].cost


def test_each_epoch_has_the_metrics_of_the_validation_samples(target):
    (x, y), net = samples(), network(target, dtype="float64")
    asked = ["absolute_error", bpx.metrics.top_k(2)]
    settings = {**SETTINGS, "compile": target.value.compile, "validation": (x[:15], y[:15])}
    seen = net.fit(x, y, metrics=asked, **settings)
    last = net.evaluate(x[:15], y[:15], metrics=asked).metrics
    assert seen[-1].validation.metrics == last
    assert seen[0].validation.metrics["absolute_error"] > last["absolute_error"]
    plain = network(target, dtype="float64")
    assert plain.fit(x, y, **settings)[-1].validation.metrics == {}
    for a, b in zip(net.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(host(a), host(b))


def test_the_running_means_are_those_of_each_batch_as_it_was_met(target):
    """One batch an epoch: its cost is that of the weights before the step."""
    x, y = samples()
    net = network(target, dtype="float64")
    before = net.evaluate(x, y)
    settings = {**SETTINGS, "epochs": 1, "batch_size": 40, "compile": target.value.compile}
    (epoch,) = net.fit(x, y, lmbda=3.0, **settings)
    assert epoch.cost == pytest.approx(before.cost, rel=1e-12)  # without the penalty
    assert epoch.accuracy == before.accuracy


def test_eager_and_compiled_agree(target):
    x, y = samples()
    nets = [network(target, dtype="float64") for _ in range(2)]
    for net, compiled in zip(nets, (True, False), strict=True):
        net.fit(x, y, compile=compiled, **SETTINGS)
    for a, b in zip(nets[0].weights, nets[1].weights, strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 7, 12, 40])
def test_a_ragged_last_batch_is_trained_on(target, batch_size):
    x, y = samples()
    seen = []
    net = network(target, dtype="float64")
    net.fit(
        x, y, **{**SETTINGS, "batch_size": batch_size, "epochs": 1, "shuffle": False},
        progress=seen.append, compile=target.value.compile,
    )  # fmt: skip
    assert (seen[-1].samples, seen[-1].total) == (40, 40)
    by_hand = network(dtype="float64")
    for i in range(0, 40, batch_size):
        gradients = by_hand.backprop(x[i : i + batch_size], y[i : i + batch_size]).gradients
        by_hand.parameters = bpx.optim.mapped(
            lambda p, g: p - 0.5 * g, by_hand.parameters, gradients
        )
    for a, b in zip(net.weights, by_hand.weights, strict=True):
        np.testing.assert_allclose(host(a), b, rtol=1e-10, atol=1e-12)


def test_a_ragged_last_batch_is_dropped_on_request(target):
    x, y = samples()
    seen = []
    network(target).fit(
        x, y, **{**SETTINGS, "batch_size": 12, "epochs": 1}, drop_last=True,
        progress=seen.append, compile=target.value.compile,
    )  # fmt: skip
    assert (seen[-1].samples, seen[-1].total) == (36, 36)


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "steps"),
    [(8, False, 5), (12, False, 4), (12, True, 3), (40, False, 1)],
)
def test_the_steps_of_each_epoch_are_counted(batch_size, drop_last, steps):
    settings = {**SETTINGS, "batch_size": batch_size, "drop_last": drop_last}
    epochs = bpx.train(network(), samples(), **settings)
    assert (epochs.state.epochs, epochs.state.steps) == (0, 0)
    for number in (1, 2):
        next(epochs)
        assert (epochs.state.epochs, epochs.state.steps) == (number, number * steps)


def test_the_same_seed_is_the_same_run_and_another_is_not():
    x, y = samples()
    runs = []
    for seed in (1, 1, 2):
        net = network()
        net.fit(x, y, **{**SETTINGS, "seed": seed})
        runs.append(net.weights[0])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_seed_that_was_drawn_is_recorded():
    x, y = samples()
    first, again = network(), network()
    history = first.fit(x, y, **{**SETTINGS, "seed": None})
    again.fit(x, y, **{**SETTINGS, "seed": history.seed})
    np.testing.assert_array_equal(first.weights[0], again.weights[0])


def test_the_callers_arrays_and_those_handed_out_are_left_alone(target):
    x, y = samples()
    x, y = target.asarray(x), target.asarray(y, "int32")
    net = network(target)
    handed_out = [net.weights]
    kept = [host(x), host(y)], [[host(w) for w in net.weights]]
    for _ in bpx.train(net, (x, y), compile=target.value.compile, **SETTINGS):
        handed_out.append(net.weights)
        kept[1].append([host(w) for w in net.weights])
    np.testing.assert_array_equal(host(x), kept[0][0])
    np.testing.assert_array_equal(host(y), kept[0][1])
    for weights, before in zip(handed_out, kept[1], strict=True):
        for w, b in zip(weights, before, strict=True):
            np.testing.assert_array_equal(host(w), b)
    assert not np.array_equal(kept[1][0][0], kept[1][-1][0])


def test_data_comes_from_any_library(target):
    x, y = samples()
    ours, theirs = network(), network()
    ours.fit(x.astype("float32"), y, **SETTINGS)
    theirs.fit(target.asarray(x), target.asarray(y, "int32"), **SETTINGS)
    np.testing.assert_array_equal(ours.weights[0], theirs.weights[0])


def test_train_decides_nothing_and_can_be_left():
    x, y = samples()
    net = network()
    for epoch in bpx.train(net, (x, y), **{**SETTINGS, "epochs": 100}):
        if epoch.number == 2:
            break
    other = network()
    other.fit(x, y, **{**SETTINGS, "epochs": 2})
    np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_weights_that_the_caller_sets_between_epochs_are_taken_up():
    x, y = samples()
    net, run = network(), []
    for _ in bpx.train(net, (x, y), **{**SETTINGS, "optimizer": bpx.SGD(1e-30)}):
        run.append(net.weights[0][0, 0])
        net.parameters = [w + 1.0 for w in net.weights], net.biases
    assert run[2] == pytest.approx(run[0] + 2.0, abs=1e-5)


def test_a_network_that_moves_while_it_is_trained_is_refused():
    net = network()
    epochs = bpx.train(net, samples(), **SETTINGS)
    next(epochs)
    net.to("strict")
    with pytest.raises(bpx.InputError, match="moved from numpy, float32, to strict, float32"):
        next(epochs)


def test_fit_goes_on_from_the_current_weights_with_a_fresh_optimizer():
    x, y = samples()
    net = network()
    settings = {**SETTINGS, "optimizer": bpx.SGD(0.1, momentum=0.9), "epochs": 1}
    net.fit(x, y, **settings)
    fresh = bpx.Network.from_arrays(net.spec, net.parameters, net.home)
    net.fit(x, y, **settings)
    fresh.fit(x, y, **settings)
    np.testing.assert_array_equal(net.weights[0], fresh.weights[0])


def test_the_penalty_is_lmbda_over_n_of_the_training_set_without_the_biases():
    x, y = samples()
    plain, decayed = network(dtype="float64"), network(dtype="float64")
    settings = {**SETTINGS, "epochs": 1, "batch_size": 40}
    w, b = plain.weights[0], plain.biases[0]
    plain.fit(x, y, **settings)
    decayed.fit(x, y, lmbda=4.0, **settings)
    np.testing.assert_allclose(
        decayed.weights[0], plain.weights[0] - 0.5 * 4.0 / 40 * w, rtol=1e-12
    )
    np.testing.assert_array_equal(decayed.biases[0], plain.biases[0])
    assert b.any()


def test_an_interrupt_keeps_the_last_finished_epoch(target):
    x, y = samples()
    net, reference = network(target), network(target)
    settings = {**SETTINGS, "compile": target.value.compile}

    def interrupt(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.fit(x, y, progress=interrupt, **{**settings, "epochs": 9})
    reference.fit(x, y, **{**settings, "epochs": 2})
    for a, b in zip(net.weights, reference.weights, strict=True):
        np.testing.assert_array_equal(host(a), host(b))


def test_a_second_fit_of_equal_shapes_compiles_nothing():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    from bpx_backends import _jax

    x, y = samples()
    network(Target.JAX).fit(x, y, **SETTINGS)
    before = _jax._run._cache_size()
    network(Target.JAX).fit(
        x, y, **{**SETTINGS, "optimizer": bpx.SGD(0.25), "seed": 9, "epochs": 4}
    )
    assert _jax._run._cache_size() == before
    assert jax.__version__


def test_autograd_does_not_record_the_training():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = network(Target.TORCH)
    x, y = samples()
    x = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    net.fit(x, y, **SETTINGS)
    assert not net.weights[0].requires_grad


@pytest.mark.mnist
def test_a_short_run_on_mnist(mnist, target):
    """Two thousand real digits, on every backend."""
    net = target.network([784, 30, 10], seed=0)
    x, y = mnist.train.x[:2000], mnist.train.y[:2000]
    history = net.fit(x, y, epochs=2, batch_size=10, optimizer=bpx.SGD(3.0), seed=0)
    assert history[-1].accuracy > 0.8


def choosy(z):
    return z if float(z[0, 0]) > -1e9 else -z


def one(z, a):
    return bpx.namespace(z).ones_like(z)


def test_a_part_that_asks_for_a_number_is_trained_eagerly_on_every_backend(target, caplog):
    x, y = samples(42)  # of two shapes: the last batch is ragged
    choosing = bpx.Elementwise("choosy", choosy, one)
    nets = [network(target, hidden=hidden) for hidden in (choosing, "identity")]
    for net in nets:
        net.fit(x, y, compile=target.value.compile, **SETTINGS)
        assert net.predict(x).shape == (42, 3)
    told = [each.getMessage() for each in caplog.records if each.name == "bpx"]
    compiles = target.value.compile and "strict" not in target.spec
    assert len(told) == compiles
    assert all("choosy" in each and "eagerly" in each for each in told)
    np.testing.assert_allclose(*(host(net.weights[0]) for net in nets), rtol=1e-5)


def test_feedback_that_the_caller_sets_between_epochs_is_taken_up():
    x, y = samples()
    net, other = network(feedback="fa"), network(feedback="fa")
    settings = {**SETTINGS, "epochs": 2, "batch_size": 40, "shuffle": False}
    for epoch in bpx.train(net, (x, y), **settings):
        if epoch.number == 1:
            net.feedback = [0.0 * B for B in net.feedback]
            between = net.parameters
    other.parameters, other.feedback = between, [0.0 * B for B in other.feedback]
    other.fit(x, y, **{**settings, "epochs": 1})
    for a, b in zip(net.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(net.weights[0], between.w[0])  # no error came back
    assert not np.array_equal(net.weights[1], between.w[1])


class Counted(NamedTuple):
    """The plain step, which counts itself in the state."""

    plain: TrainingStep

    @property
    def spec(self):
        return self.plain.spec

    def picked(self, data, rows):
        return self.plain.picked(data, rows)

    def __call__(self, state, data, rows):
        after = self.plain(state, data, rows)
        return after._replace(extra=state.extra + 1.0)


class Counting:
    """Mini-batches of one's own: a step that keeps a number, and a word at the end."""

    def __init__(self, net, job, batch_size):
        self.net, self.seen = net, []
        step = Counted(job.step)
        self.batches = Shuffled(net.home, step, job.data, batch_size, 1, True, False)

    def start(self):
        return self.net.home.asarray([0.0])

    def __call__(self, epoch):
        return self.batches(epoch)

    def finish(self):
        self.seen.append(self.net.parameters)
        return {"finished": len(self.seen)}


def test_mini_batches_may_be_anybodys(target):
    """They have a step and a state of their own, and are heard before weights are seen."""
    x, y = samples()
    net, reference, extras = network(target), network(target), []
    options = Options(SETTINGS["optimizer"], compile=target.value.compile)
    job = checked(net, (x, y), options, epochs=SETTINGS["epochs"])

    class Extra:
        name = "extra"

        def __call__(self, state, data, epoch):
            extras.append(host(state.extra).item())

    batches, shown = Counting(net, job, SETTINGS["batch_size"]), [net.parameters]
    course = Course(net, job.optimizer, 1, batches.start())
    for epoch in iter(Loop(course, job, batches, [Extra()]), None):
        assert epoch.observed == {"finished": epoch.number}
        shown.append(net.parameters)
    assert extras == [5.0, 10.0, 15.0]
    assert all(a is b for a, b in zip(batches.seen, shown[:-1], strict=True))
    reference.fit(x, y, **{**SETTINGS, "compile": target.value.compile})
    np.testing.assert_array_equal(host(net.weights[0]), host(reference.weights[0]))
