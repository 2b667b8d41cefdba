"""A cost that turns non-finite: where it happened is named, and nothing is lost."""

from operator import is_

import numpy as np
import pytest

import bpx
from bpx.errors import DivergenceError
from tests.backends import Target, host


def samples(n=40):
    rng = np.random.default_rng(0)
    return rng.random((n, 4)), rng.random((n, 2))


def explosive(target, **settings):
    return target.network([4, 5, 2], hidden="relu", output="identity", seed=0, **settings)


def test_the_epoch_the_step_and_the_layer_are_named(target):
    x, y = samples()
    net = explosive(target)
    settings = {"batch_size": 4, "seed": 0, "compile": target.value.compile}
    before = [host(w) for w in net.weights]
    with pytest.raises(DivergenceError, match=r"epoch 1, step \d+.*layer") as error:
        net.fit(x, y, epochs=5, optimizer=bpx.SGD(1e6), **settings)
    assert (error.value.epoch, error.value.layer) == (1, 2)
    assert 1 < error.value.step <= 10
    for w, b in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(host(w), b)


def test_the_step_is_the_first_whose_cost_is_not_finite():
    x, y = samples()
    net = explosive(Target.NUMPY)
    with pytest.raises(DivergenceError) as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(1e6), shuffle=False)
    by_hand, step = explosive(Target.NUMPY), 0
    with np.errstate(all="ignore"):
        while True:
            rows = slice(4 * step, 4 * step + 4)
            trace = by_hand.backprop(x[rows].astype("float32"), y[rows].astype("float32"))
            step += 1
            if not np.isfinite(trace.cost).all():
                break
            by_hand.parameters = bpx.optim.mapped(
                lambda p, g: p - np.float32(1e6) * g, by_hand.parameters, trace.gradients
            )
    assert error.value.step == step


def test_the_last_good_epoch_is_kept():
    x, y = samples()
    net, kept = explosive(Target.NUMPY), []
    epochs = bpx.train(net, (x, y), epochs=50, batch_size=4, optimizer=bpx.SGD(0.01), seed=0)
    for epoch in epochs:
        kept = net.weights
        if epoch.number == 3:
            net.parameters = [1e25 * w for w in net.weights], net.biases
            kept = net.weights
            break
    with pytest.raises(DivergenceError, match="epoch 4") as error:
        next(epochs)
    assert error.value.epoch == 4
    assert all(map(is_, net.weights, kept))
    assert np.isfinite(kept[0]).all()


def test_weights_that_turn_non_finite_behind_a_finite_cost_are_caught():
    """The last step of an epoch has no later cost to show what it did."""
    x, y = samples(4)
    x *= 1e3
    net = explosive(Target.NUMPY)
    before = net.parameters
    with pytest.raises(DivergenceError, match=r"weights were non-finite.*layer") as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(3e38))
    assert (error.value.step, error.value.epoch) == (None, 1)
    assert net.parameters is before


def test_a_layer_that_overflows_later_is_named():
    x, y = samples()
    net = bpx.Network([4, 5, 5, 2], hidden="relu", output="identity", seed=0)
    w = [w.copy() for w in net.weights]
    w[1][:] = 1e30
    w[2][:] = 1e30
    net.parameters = w, net.biases
    with pytest.raises(DivergenceError, match="layer 3") as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(1e-3))
    assert (error.value.step, error.value.layer) == (1, 3)


def test_a_cost_that_overflows_alone_names_the_output():
    x, y = samples()
    net = bpx.Network([4, 2], output="identity", seed=0)
    net.parameters = [1e20 * w for w in net.weights], net.biases
    with pytest.raises(DivergenceError, match="epoch 1, step 1, first in layer 1") as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(1e-3))
    assert error.value.layer == 1


def test_the_step_counts_on_into_a_ragged_batch():
    x, y = samples(9)
    net = bpx.Network([4, 2], output="identity", seed=0)
    x[8] = 1e25  # alone in the last batch
    with pytest.raises(DivergenceError) as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(1e-3), shuffle=False)
    assert error.value.step == 3


def test_eta_is_not_blamed_for_weights_that_came_in_so(target):
    x, y = samples()
    net = explosive(target)
    net.parameters = [w * float("nan") for w in net.weights], net.biases
    with pytest.raises(DivergenceError, match="assign finite") as error:
        net.fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(0.01))
    assert "eta" not in str(error.value)
    assert (error.value.epoch, error.value.step, error.value.layer) == (1, 1, 1)


def test_eta_is_not_blamed_for_samples_that_were_written_after_all():
    x, y = samples()
    x = x.astype("float32")
    earlier = x[:]  # it can still be written
    x.flags.writeable = False
    net = explosive(Target.NUMPY)
    epochs = bpx.train(net, (x, y), epochs=9, batch_size=4, optimizer=bpx.SGD(0.01))
    next(epochs)
    earlier[5] = np.nan
    with pytest.raises(DivergenceError, match=r"epoch 2.*marked read-only") as error:
        next(epochs)
    assert "eta" not in str(error.value)


def test_the_error_travels_between_processes():
    import pickle

    error = DivergenceError("it went wrong", 3, 4, None)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "it went wrong"
    assert (again.epoch, again.step, again.layer) == (3, 4, None)


def test_the_filters_of_warnings_are_left_alone():
    import warnings

    x, y = samples()
    before = list(warnings.filters)
    with pytest.raises(DivergenceError):
        explosive(Target.NUMPY).fit(x, y, epochs=1, batch_size=4, optimizer=bpx.SGD(1e6))
    assert warnings.filters == before
