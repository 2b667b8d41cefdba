"""The programs: they compute what the network and its trainer do."""

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from bpx.export.c.programs import Rule, inference, on_host, training
from bpx.program.contract import leaves
from tests.architectures import random_network, random_samples


@pytest.mark.parametrize("seed", range(6))
def test_answers(seed):
    net = random_network(seed)
    program = inference(net.spec, net.parameters, 3)
    x = random_samples(net, 3)
    (y,) = program.replay(np, [np.empty((3, net.sizes[-1]))], [*leaves(net.parameters), x], [0])
    np.testing.assert_allclose(y, net.predict(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_training_step(seed):
    net = random_network(seed, "float64")
    rule = Rule(bpx.Adam(), 0.01, seed, "numbers")
    made = training(net.spec, net.parameters, net.feedback, 4, rule)
    x, y = random_samples(net, 4), np.full((4, net.sizes[-1]), 0.25)
    given = leaves(made.state)
    after = made.program.replay(np, given, [x, y], np.zeros(4, np.int32))
    trainer = bpx.Trainer(net, optimizer=bpx.Adam(), penalty=0.01, seed=seed, compile=False)
    cost = trainer.step(x, y).cost
    expected = leaves(trainer.state.parameters)
    for one, other in zip(after, expected, strict=False):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    at = [v.name for v in made.program.state].index("metrics.cost")
    assert after[at] == pytest.approx(cost, rel=1e-9)


def test_a_layer_that_needs_more_samples():
    net = bpx.Network([3, 4, 2], norm="batch", seed=0)
    with pytest.raises(InputError, match="at least 2"):
        training(net.spec, net.parameters, (), 1, Rule(bpx.Adam(), 0.0, 0, "labels"))


def test_what_happens_between_steps_is_refused():
    net = bpx.Network([3, 2], seed=0)
    watching = bpx.SGD(bpx.optim.reduce_on_plateau(0.1))
    averaging = bpx.optim.chain(bpx.SGD(0.1), bpx.optim.average_parameters(0.9))
    for optimizer, said in (
        (watching, "reduce_on_plateau"),
        (averaging, "averages the weights"),
    ):
        with pytest.raises(InputError, match=said):
            training(net.spec, net.parameters, (), 4, Rule(optimizer, 0.0, 0, "labels"))


def test_arrays_of_another_library():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    net = bpx.Network([3, 2], seed=0, backend="torch")
    assert isinstance(net.weights[0], torch.Tensor)
    host = on_host(net.parameters)
    assert isinstance(host.w[0], np.ndarray)
    other = bpx.Network([3, 2], seed=0, backend="numpy")
    assert net.to_c() == other.to_c()
