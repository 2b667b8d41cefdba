"""What a training is given: what cannot be used is refused at once."""

import numpy as np
import pytest

import bpx
from bpx.program import preparation
from bpx.training.arguments import Options, checked, scheduled
from bpx_backends import _numpy as numpy_backend
from tests.backends import Target
from tests.training.small import SETTINGS, network, samples


def test_a_precision_that_the_backend_does_not_have_is_refused(target):
    if target is Target.CUPY:
        pytest.skip("CuPy has a choice")
    with pytest.raises(bpx.InputError, match=r"precision='tf32' was given; expected float32"):
        network(target).fit(*samples(), **SETTINGS, precision="tf32")


def test_a_precision_is_for_float32_networks_on_the_engine(monkeypatch):
    monkeypatch.setattr(
        bpx.arrays.registry.by_name("numpy"), "precisions", ("float32", "tf32"), False
    )
    for settings in ({"dtype": "float64"}, {"compile": False}):
        net = bpx.Network([3, 2], seed=0, dtype=settings.pop("dtype", "float32"))
        with pytest.raises(bpx.InputError, match="it is for float32 networks"):
            net.fit(
                np.ones((4, 3)), np.arange(4) % 2, epochs=1, batch_size=2,
                optimizer=bpx.SGD(1.0), precision="tf32", **settings,
            )  # fmt: skip


class Odd(bpx.optim.Optimizer):
    """An optimizer with a state, or an update, that training cannot do with."""

    def __init__(self, state=(), rule=None):
        self.state, self.rule = state, rule or sgd

    @property
    def transformations(self):
        return (bpx.optim.Transformation(lambda parameters: self.state, self.rule),)

    @property
    def update(self):
        return self.rule

    def __repr__(self):
        return "Odd()"


def sgd(gradients, state, parameters):
    return parameters, state


class Unhashable:
    __hash__ = None

    def __call__(self, gradients, state, parameters):
        return parameters, state


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (
            Odd({"eta": 0.1}),
            r"init of Odd\(\) gave \{'eta': 0.1\} as state\[0\]; expected arrays",
        ),
        (Odd((0.1,)), r"gave 0.1 as state\[0\]\[0\]; expected arrays"),
        (Odd(rule=Unhashable()), "unhashable type: 'Unhashable'.*a function"),
    ],
)
def test_an_optimizer_that_cannot_be_used_is_refused_at_once(target, optimizer, said):
    x, y = samples()
    net = network(target)
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(net, (x, y), epochs=1, batch_size=8, optimizer=optimizer)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\) for 40 samples"),
        ({"class_weight": {3: 1.0}}, "class_weight has 3, which is not a class"),
        (
            {"validation": (*samples(), np.ones(3))},
            r"validation sample_weight has shape \(3,\) for 40 samples",
        ),
        ({"validation": (1, 2, 3, 4)}, r"expected a pair .* or \(x, y, sample_weight\)"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_at_once(target, given, said):
    net = network(target)
    before = net.parameters
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(net, samples(), **SETTINGS, **given)
    assert net.parameters is before


def test_weights_are_an_argument_of_their_own():
    with pytest.raises(bpx.InputError, match=r"a pair \(x, y\), and weights as sample_weight="):
        bpx.train(network(), (*samples(), np.ones(40)), **SETTINGS)


def test_metrics_want_validation():
    with pytest.raises(bpx.InputError, match=r"metrics=\['top_5'\] .* without validation"):
        network().fit(*samples(), **SETTINGS, metrics=["top_5"])


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("top5", "did you mean 'top_5'"),
        (bpx.metrics.Metric("odd", lambda a, y: a[0, :]), r"'odd' gave shape \(3,\)"),
    ],
)
def test_a_metric_that_cannot_be_used_is_refused_at_once(target, metric, message):
    net = network(target)
    before = net.parameters
    with pytest.raises(bpx.InputError, match=message):
        bpx.train(net, samples(), validation=samples(), **SETTINGS, metrics=[metric])
    assert net.parameters is before


def test_the_lengths_of_schedules_become_steps():
    net, rate = (
        network(),
        bpx.optim.linear_warmup(
            bpx.optim.cosine_decay_schedule(0.1), steps=bpx.optim.Epochs(1)
        ),
    )
    options = Options(bpx.SGD(rate))
    with net.home.active():
        job = checked(net, samples(), options, epochs=4)
        assert scheduled(job, 5).init(net.parameters).schedule.warmup.tolist() == [5.0]
        assert scheduled(job, 5).init(net.parameters).schedule.then.steps.tolist() == [15.0]
        assert scheduled(job, 5).update is job.optimizer.update
        with pytest.raises(bpx.InputError, match="mini-batches in an epoch"):
            scheduled(job, None)


def test_the_time_in_which_a_step_is_compiled_is_not_an_epochs(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(preparation, "perf_counter", lambda: now[0])

    def scan(step, state, *others):
        now[0] += 1.0
        with preparation.preparing():
            now[0] += 100.0
        return state

    monkeypatch.setattr(numpy_backend, "session", lambda: scan)
    x, y = np.ones((8, 3), "float32"), np.arange(8) % 2
    net = bpx.Network([3, 2], seed=0, backend="numpy")
    (epoch,) = net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(0.1))
    assert epoch.seconds == 2.0  # a chunk of one step, and the other
    assert epoch.samples_per_second == 4.0
