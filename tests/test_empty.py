"""Nothing to learn from: refused by name, and the network is as it was."""

import numpy as np
import pytest

import bpx
from tests.training.small import SETTINGS, network, samples

X, Y = samples()
RULE = bpx.SGD(0.5)


def fit(*data, **more):
    return lambda net: net.fit(*(data or (X, Y)), **{**SETTINGS, **more})


def stream(batches, **more):
    how = {"optimizer": RULE, "epochs": 1, **more}
    return lambda net: list(bpx.train(net, batches=batches, **how))


def trainer(x, y):
    return lambda net: bpx.Trainer(net, optimizer=RULE).step(x, y)


def windows(chunks, **more):
    return fit(bpx.data.stream(lambda: iter(chunks)), None, **more)


CASES = {
    "no samples": (fit(X[:0], Y[:0]), r"x is empty, with shape \(0, 5\)"),
    "a batch of more than all": (fit(batch_size=41), r"batch_size=41 .* in 1 \.\.\. 40"),
    "a batch of none": (fit(batch_size=0), r"batch_size=0 .* in 1 \.\.\. 40"),
    "no epochs": (fit(epochs=0), "epochs=0 was given; expected a whole number of at least 1"),
    "weights of 0": (fit(sample_weight=np.zeros(40)), "sample_weight is 0 for every sample"),
    "classes of 0": (
        fit(class_weight=dict.fromkeys(range(3), 0.0)), "class_weight is 0 for every sample",
    ),
    "no validation samples": (fit(validation=(X[:0], Y[:0])), "validation x is empty"),
    "validation weights of 0": (
        fit(validation=(X, Y, np.zeros(40))), "validation sample_weight is 0 for every",
    ),
    "nothing held out": (
        fit(X[:1], Y[:1], batch_size=1, validation_split=0.5), "1 sample; expected at least 2",
    ),
    "no mini-batches": (stream([]), "batches has no mini-batch; expected at least one"),
    "an iterator at its end": (stream(iter(())), "batches has no mini-batch"),
    "an empty mini-batch": (stream([(X[:0], Y[:0])]), "x is empty, with shape"),
    "an empty second one": (stream([(X[:8], Y[:8]), (X[:0], Y[:0])]), "x is empty"),
    "no steps": (stream([(X, Y)], steps_per_epoch=0), "steps_per_epoch=0 was given"),
    "an empty step": (trainer(X[:0], Y[:0]), "x is empty, with shape"),
    "no chunks": (windows([]), "has no samples; expected at least one"),
    "all dropped": (
        windows([(X[:4], Y[:4])], drop_last=True),
        "epoch 1 had no mini-batch; .* choose a smaller batch_size, or omit drop_last",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_nothing_has_changed(case):
    (call, message), net = CASES[case], network()
    before = net.parameters
    with pytest.raises(bpx.InputError, match=message):
        call(net)
    assert net.parameters is before


class Few:
    """A loader that has mini-batches in its first passes alone."""

    def __init__(self, passes):
        self.left = passes

    def __iter__(self):
        self.left -= 1
        return iter([(X[:8], Y[:8])] if self.left > 0 else [])


def test_a_loader_that_is_empty_later_keeps_the_epochs_before():
    net, other = network(), network()
    training = bpx.train(net, batches=Few(3), epochs=5, optimizer=RULE, seed=1)
    assert [next(training).number for _ in range(2)] == [1, 2]
    with pytest.raises(bpx.InputError, match="in its first epoch, but has none now; expected"):
        next(training)
    list(bpx.train(other, batches=Few(9), epochs=2, optimizer=RULE, seed=1))
    np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_a_mini_batch_without_weight_is_a_step_without_gradient():
    s = np.ones(40)
    s[:8] = 0.0
    net = network()
    still = {**SETTINGS, "shuffle": False, "epochs": 1}
    first, *_ = net.fit(X, Y, sample_weight=s, **still)
    assert np.isfinite(first.cost)
    assert np.isfinite(first.accuracy)
    rest = network()
    rest.fit(X[8:], Y[8:], **still)
    np.testing.assert_array_equal(net.weights[0], rest.weights[0])
