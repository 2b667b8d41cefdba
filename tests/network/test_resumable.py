"""States from files and from elsewhere: set whole, or not at all."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves
from tests.backends import flags, host
from tests.network.test_trainer import same
from tests.network.test_training import training
from tests.training.small import network, samples


def test_a_state_is_saved_and_read_again(target, tmp_path):
    path, nets = (
        tmp_path / "state.safetensors",
        [network(target, dropout=0.2) for _ in range(2)],
    )
    with flags(target):
        running, other = (training(net, target) for net in nets)
        next(running)
        running.save_state(path)
        other.load_state(path)
        assert other.state[4:] == running.state[4:] == (1, 5, 1, None)
        for each in (running, other):
            list(each)
    same(*nets)


def test_a_trainer_is_saved_and_read_again(tmp_path):
    (x, y), path = samples(), tmp_path / "state.safetensors"
    nets = [network(dropout=0.2) for _ in range(2)]
    one, other = (bpx.Trainer(net, optimizer=bpx.Adam(0.01), seed=7) for net in nets)
    one.step(x, y)
    one.save_state(path)
    other.load_state(path)
    for each in (one, other):
        each.step(x, y)
    same(*nets)
    assert one.state.steps == other.state.steps == 2


def test_a_state_goes_from_one_backend_to_another(target):
    with flags(target):
        first, second = training(network()), training(network(target), target)
        next(first)
        second.state = first.state
        assert second.state.steps == 5
        np.testing.assert_array_equal(
            host(second.state.optimizer.m.w[0]), first.state.optimizer.m.w[0]
        )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            lambda: training(network(), seed=2),
            "the state is of a training with seed=2, but this",
        ),
        (lambda: training(network(dtype="float64")), r"parameters.w\[0\] of shape .* float64"),
        (lambda: training(network(), optimizer=bpx.SGD(0.1)), "the state has optimizer of the"),
        (
            lambda: training(bpx.Network([5, 6, 3], seed=0)),
            r"the state has parameters.w\[0\] of shape \(6, 5\)",
        ),
        (lambda: training(network(feedback="fa")), "the state has feedback of the form"),
        (lambda: training(network(dropout=0.1)), "the state has randomness of the form"),
    ],
)
def test_a_state_of_another_training_is_refused_and_nothing_has_changed(other, said, tmp_path):
    net = network()
    running, given = training(net), other()
    next(running)
    before, parameters = running.state, net.parameters
    with pytest.raises(bpx.InputError, match=said):
        running.state = given.state
    given.save_state(tmp_path / "state.safetensors")
    with pytest.raises(bpx.InputError):
        running.load_state(tmp_path / "state.safetensors")
    assert net.parameters is parameters
    assert all(
        a is b for a, b in zip(leaves(running.state.arrays), leaves(before.arrays), strict=True)
    )
    assert running.state[4:] == before[4:]


def test_what_is_no_state_is_refused(tmp_path):
    net = network()
    running = training(net)
    with pytest.raises(bpx.InputError, match=r"state is dict; expected the `.state` of such"):
        running.state = {}
    with pytest.raises(bpx.InputError, match="there is no file"):
        running.load_state(tmp_path / "none.safetensors")
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(bpx.FileFormatError, match="holds no training state"):
        running.load_state(tmp_path / "net.safetensors")
    running.save_state(tmp_path / "state.safetensors")
    other = training(network(), optimizer=bpx.SGD(0.1))
    with pytest.raises(
        bpx.InputError, match=r"only one of the two has .*beta1, optimizer.beta2, "
    ):
        other.load_state(tmp_path / "state.safetensors")


def test_a_private_training_cannot_be_set_back():
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.1, delta=1e-3)
    running = training(network(), privacy=private, seed=None)
    next(running)
    with pytest.raises(bpx.InputError, match="the state of a private training cannot be set"):
        running.state = running.state
