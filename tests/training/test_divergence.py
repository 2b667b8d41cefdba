"""A cost that turns non-finite: where it happened is named, and nothing is lost."""

from operator import is_

import numpy as np
import pytest

import bpx
from bpx.activations import relu
from bpx.errors import DivergenceError
from bpx.program.contract import leaves, rebuilt
from bpx.training.divergence import check_parameters
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


def costly(target, n=12):
    """Samples whose costs are finite each, and in a float32 sum over the steps are not."""
    rng = np.random.default_rng(0)
    x, y = rng.random((n, 4)), 1e19 * (1.0 + 0.1 * rng.random((n, 2)))
    return target.network([4, 2], output="identity", seed=0), x, y.astype("float32")


def test_a_sum_that_overflows_behind_finite_costs_names_no_step(target):
    net, x, y = costly(target)
    settings = {"batch_size": 3, "optimizer": bpx.SGD(1e-30), "compile": target.value.compile}
    before = net.parameters
    with pytest.raises(
        DivergenceError, match="the sum of the costs overflowed in epoch 1;"
    ) as e:
        net.fit(x, y, epochs=1, **settings)
    assert (e.value.epoch, e.value.step, e.value.layer) == (1, None, None)
    assert net.parameters is before
    # Each step alone comes to a finite cost.
    net.fit(x, y, epochs=1, **settings | {"batch_size": 12})


def test_the_step_is_named_behind_a_sum_that_overflowed_before():
    net, x, y = costly(Target.NUMPY)
    y[10, 0] = 1e25  # its square is infinite: in step 6 of 6
    with pytest.raises(DivergenceError, match="epoch 1, step 6, first in layer 1") as error:
        net.fit(x, y, epochs=1, batch_size=2, optimizer=bpx.SGD(1e-30), shuffle=False)
    assert (error.value.step, error.value.layer) == (6, 1)


def test_the_layer_is_the_first_whose_a_or_z_overflows():
    """Of the second layer z is finite and a is not."""
    cubed = bpx.Elementwise("cubed", lambda z: z**3, lambda z, a: 3.0 * z**2)
    net = bpx.Network([4, 5, 5, 2], activations=["relu", cubed, "identity"], seed=0)
    w = [
        np.full_like(each, value) for each, value in zip(net.weights, (1, 1e13, 1), strict=True)
    ]
    net.parameters = w, net.biases
    with pytest.raises(DivergenceError, match="first in layer 2") as error:
        net.fit(*samples(), epochs=1, batch_size=4, optimizer=bpx.SGD(1e-3))
    assert (error.value.step, error.value.layer) == (1, 2)


@pytest.mark.parametrize(("bad", "layer"), [((1, 5), 3), ((5,), 4)])
def test_the_first_layer_with_a_weight_that_is_not_finite_is_named(target, bad, layer):
    """Layers without weights count too, and one number is enough."""
    dense = [bpx.Dense(n, k, relu) for n, k in ((4, 5), (5, 5), (5, 2))]
    net = bpx.Network([dense[0], bpx.Dropout(5, 0.5), *dense[1:]], seed=0, backend=target.spec)
    numbers = [host(each) for each in leaves(net.parameters)]  # w of 1, 3 and 4, then b
    for i in bad:
        numbers[i].flat[-1] = np.nan
    parameters = rebuilt(net.parameters, map(target.asarray, numbers))
    with net.home.active(), pytest.raises(DivergenceError, match="end of epoch 7, first") as e:
        check_parameters(parameters, 7)
    assert (e.value.epoch, e.value.step, e.value.layer) == (7, None, layer)


def test_finite_weights_are_published(target):
    net = explosive(target)
    with net.home.active():
        check_parameters(net.parameters, 1)


def test_finite_weights_whose_sum_overflows_are_published(target):
    net = explosive(target)
    large = [np.full(host(x).shape, 0.9 * np.finfo(host(x).dtype).max) for x in
             leaves(net.parameters)]  # fmt: skip
    with net.home.active():
        check_parameters(rebuilt(net.parameters, map(target.asarray, large)), 1)


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


def test_eta_is_blamed_in_the_first_step_of_a_ragged_batch():
    """Weights that came in finite are not to blame, whatever the step is in its rows."""
    x, y = samples(9)
    net = bpx.Network([4, 2], output="identity", seed=0)
    settings = {"epochs": 1, "batch_size": 8, "shuffle": False}
    with pytest.raises(DivergenceError, match="eta") as error:
        net.fit(x * 1e3, y, optimizer=bpx.SGD(3e38), **settings)
    assert (error.value.epoch, error.value.step, error.value.layer) == (1, 2, 1)


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
