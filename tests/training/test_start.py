"""The state before the first step, and a step from it as `Network.program` shows it."""

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.start import first_state


@pytest.fixture
def net():
    return bpx.Network([3, 4, 2], seed=0)


@pytest.mark.parametrize("optimizer", ["sgd", bpx.SGD, None])
def test_what_is_no_optimizer_is_refused(net, optimizer):
    with pytest.raises(bpx.InputError, match=r"expected bpx\.SGD"):
        net.program(batch_size=2, optimizer=optimizer)


@pytest.mark.parametrize("batch_size", [0, 1.5, "2"])
def test_what_is_no_batch_is_refused(net, batch_size):
    with pytest.raises(bpx.InputError, match="batch_size"):
        net.program(batch_size=batch_size, optimizer=bpx.SGD(1.0))


def test_no_batch_is_made(net):
    program = net.program(batch_size=10**12, optimizer=bpx.Adam())
    assert program.data[0].shape == (10**12, 3)
    assert [each.shape for each in program.state[-2:]] == [(10**12,)] * 2


def test_the_penalty_is_an_operation_more(net):
    without = net.program(batch_size=2, optimizer=bpx.SGD(1.0))
    with_it = net.program(batch_size=2, optimizer=bpx.SGD(1.0), lmbda=0.1)
    assert with_it.counts["multiply"] == without.counts["multiply"] + 2
    assert "optimizer.decay" in {each.name for each in with_it.state}


@pytest.mark.parametrize(
    ("output", "hits"), [("sigmoid", "greater"), ("identity", None), ("softmax", None)]
)
def test_one_output_is_counted_as_training_counts_it(output, hits):
    cost = "quadratic" if output != "softmax" else "cross_entropy"
    width = 2 if output == "softmax" else 1
    net = bpx.Network([3, width], output=output, cost=cost, seed=0)
    program = net.program(batch_size=2, optimizer=bpx.SGD(1.0))
    assert ("greater" in program.counts) == (hits == "greater")
    assert ("argmax" in program.counts) == (output == "softmax")


class Noting:
    """An optimizer that keeps what it is given to move."""

    def init(self, parameters):
        self.given = parameters
        return ()

    def update(self, gradients, state, parameters):
        return parameters, state


def test_the_first_state_is_the_network_with_a_fresh_optimizer():
    net, optimizer = bpx.Network([3, 4, 2], seed=0, feedback="kp"), Noting()
    state = first_state(net.spec, net.parameters, net.feedback, optimizer)
    assert state.parameters is net.parameters
    assert state.feedback is net.feedback
    assert (state.optimizer, state.extra) == ((), None)
    given = zip(leaves(optimizer.given), (*leaves(net.parameters), *net.feedback), strict=True)
    assert all(a is b for a, b in given)  # a B that learns is moved, too
