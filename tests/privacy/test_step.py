"""The private step: a clipped sum, noise, an update; padding and overflow change nothing."""

import numpy as np
import pytest

import bpx
from bpx import privacy
from bpx.model.parameters import Gradients
from bpx.optim import mapped
from bpx.privacy.step import NoisyData, PrivateState, PrivateStep
from bpx.program.contract import leaves
from bpx.training.step import State, TrainingStep, zero_metrics
from tests.backends import host
from tests.peers import close, flat, random_network, random_samples

N, SHARE = 12, 0.25


def parts(target, physical, clips=(0.7,), noise=0.0):
    net = random_network([4, 5, 3], target=target)
    x, y = random_samples(net, N)
    rng = np.random.default_rng(5)
    drawn = [
        tuple(
            target.asarray(noise * rng.standard_normal((3, p.shape[0] * _width(p))), "float64")
            for p in group
        )
        for group in (net.weights, net.biases)
    ]
    data = NoisyData(
        target.asarray(x, "float64"), target.asarray(y, "int32"), Gradients.dense(*drawn)
    )
    one, zeros = net.biases[0][:1], net.backprop(data.x, data.y).gradients
    xp = bpx.namespace(one)
    private = PrivateState(
        tuple(xp.full_like(one, clip) for clip in clips),
        xp.full_like(one, SHARE),
        mapped(xp.zeros_like, zeros),
    )
    optimizer = bpx.SGD(0.5)
    metrics = zero_metrics(one, physical, "argmax")
    moves = net.parameters, optimizer.init(net.parameters)
    state = State(*moves, metrics, extra=private)
    return net, data, state, TrainingStep(net.spec, optimizer.update, "argmax")


def _width(p):
    return p.shape[1] if p.ndim == 2 else 1


def trained(target, plain, state, data, *batches, compile=None):  # noqa: A002
    """The state after the parts of a logical batch; the last number of each is its noise's."""
    for i, rows in enumerate(batches, 1):
        step = PrivateStep(plain, last=i == len(batches))
        state = step(state, data, target.asarray(rows, "int32"))
    return state


@pytest.mark.parametrize("clips", [(0.7,), (0.5, 0.2)], ids=["flat", "per_layer"])
def test_a_step_is_a_clipped_sum_noise_and_an_update(target, clips):
    net, data, state, plain = parts(target, 5, clips, noise=0.1)
    after = trained(target, plain, state, data, [3, 0, 7, 7, 5, 1])
    picked = [3, 0, 7, 7, 5]
    x, y = (host(each)[picked] for each in data[:2])
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    clip = clips if len(clips) > 1 else clips[0]
    summed = privacy.clipped_sum(trace, clip)
    for w, g, noise, new in zip(
        *map(leaves, (net.parameters, summed, data.noise, after.parameters)), strict=True
    ):
        moved = SHARE * host(g) + host(noise)[1].reshape(w.shape)
        np.testing.assert_allclose(host(new), host(w) - 0.5 * moved, rtol=1e-12)
    np.testing.assert_allclose(host(after.metrics.cost), host(trace.cost), rtol=1e-12)
    assert host(after.metrics.hits).sum() == (host(trace.a[-1]).argmax(axis=1) == y).sum()
    assert not flat(after.extra.summed).any()


def test_padding_changes_nothing(target):
    _, data, state, plain = parts(target, 7)
    after = trained(target, plain, state, data, [3, 4, 7, -1, -1, -1, -1, 0])
    _, _, short, _ = parts(target, 3)
    bare = trained(target, plain, short, data, [3, 4, 7, 0])
    close(flat(after.parameters), flat(bare.parameters), 1e-14)
    close(host(after.metrics.cost).sum(), host(bare.metrics.cost).sum(), 1e-14)
    assert host(after.metrics.hits).sum() == host(bare.metrics.hits).sum()
    assert not host(after.metrics.cost)[3:].any()


def test_an_empty_batch_moves_by_its_noise_alone(target):
    net, data, state, plain = parts(target, 2, noise=0.1)
    after = trained(target, plain, state, data, [-1, -1, 2])
    for w, noise, new in zip(net.weights, data.noise.w, after.parameters.w, strict=True):
        np.testing.assert_allclose(
            host(new), host(w) - 0.5 * host(noise)[2].reshape(w.shape), rtol=1e-12
        )
    assert not host(after.metrics.cost).any()


def test_a_batch_in_parts_is_the_whole_one(target):
    _, data, state, plain = parts(target, 8, noise=0.1)
    whole = trained(target, plain, state, data, [0, 1, 2, 3, 5, 8, 9, -1, 1])
    _, _, small, _ = parts(target, 3)
    part = trained(target, plain, small, data, [0, 1, 2, 0], [3, 5, 8, 0], [9, -1, -1, 1])
    close(flat(part.parameters), flat(whole.parameters), 1e-14)
    close(host(part.metrics.cost).sum(), host(whole.metrics.cost).sum(), 1e-14)
    assert not flat(part.extra.summed).any()


def test_what_is_only_added_up_moves_nothing(target):
    net, data, state, plain = parts(target, 3, noise=0.1)
    step = PrivateStep(plain, last=False)
    after = step(state, data, target.asarray([4, 5, -1, 0], "int32"))
    assert after.parameters is state.parameters
    assert after.optimizer is state.optimizer
    rows = [4, 5]
    trace = net.backprop(
        target.asarray(host(data.x)[rows], "float64"),
        target.asarray(host(data.y)[rows], "int32"),
    )
    close(flat(after.extra.summed), SHARE * flat(privacy.clipped_sum(trace, 0.7)), 1e-12)


def test_several_networks_are_refused(target):
    """With an axis in front, on the same samples: they are trained privately one by one."""
    net, data, state, plain = parts(target, 3)
    w, b = ([host(p) for p in group] for group in (net.weights, net.biases))
    several = bpx.Parameters.dense(
        [target.asarray(np.stack([p] * 2), "float64") for p in w],
        [target.asarray(np.stack([p[None, :]] * 2), "float64") for p in b],
    )
    step = PrivateStep(plain, last=True)
    with pytest.raises(bpx.InputError, match=r"of 2 networks was given; .* them one by one"):
        step(state._replace(parameters=several), data, target.asarray([4, 5, 6, 0], "int32"))


def test_equal_steps_are_equal_whatever_their_numbers():
    spec = bpx.Network([4, 3, 2], seed=0).spec
    one, other = (TrainingStep(spec, bpx.SGD(eta).update, "argmax") for eta in (1.0, 2.0))
    assert PrivateStep(one, last=True) == PrivateStep(other, last=True)
    assert hash(PrivateStep(one, last=True)) == hash(PrivateStep(other, last=True))
    assert PrivateStep(one, last=True) != PrivateStep(one, last=False)
    assert PrivateStep(one, last=True).precision == "float32"
    assert PrivateStep(one, last=True).spec is spec
