"""What a layer is: one of the test's own, without parameters, in a network among Dense ones."""

import pytest

import bpx
from bpx.layers import Context, Dense, Layer
from bpx.layers.dense import DenseSaved
from bpx.layers.layer import learns
from tests.backends import host
from tests.doubling import Double, Doubled, between
from tests.peers import close, random_samples


def test_a_context_is_of_no_training_unless_it_says_so():
    assert Context() == (False, None, None, None, None)
    assert Context(True, "key", "step").step == "step"


def test_a_layer_learns_if_what_it_saves_has_gradients():
    assert learns(DenseSaved(None, None, None))
    assert not learns(Doubled(None))


@pytest.mark.parametrize("layer", [Dense(2, 2, bpx.activations.tanh), Double(2, 2)])
def test_the_protocol_is_what_they_have(layer):
    asked = [name for name in vars(Layer) if not name.startswith("_")]
    assert len(asked) > 10
    assert [name for name in asked if not hasattr(layer, name)] == []


def test_a_layer_between_is_run_and_sent_through(target):
    """Twice the outputs below are twice the weights above."""
    net = target.network([4, 5, 3], hidden="tanh", seed=0, dtype="float64")
    spec, parameters = between(net)
    x, y = random_samples(net)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    Double.told.clear()
    trace = bpx.backprop(spec, parameters, x, y)
    assert Double.told == [Context()]
    (w1, w2), (b1, b2) = net.weights, net.biases
    expected = bpx.backprop(net.spec, bpx.Parameters.dense((w1, 2.0 * w2), (b1, b2)), x, y)
    close(trace.cost, host(expected.cost))
    close(trace.gradients.w[0], host(expected.gradients.w[0]))
    close(trace.gradients.w[1], 2.0 * host(expected.gradients.w[1]))
    close(trace.gradients.b[0], host(expected.gradients.b[0]))
    assert trace.gradients.layers[1] == ()


def test_equal_values_are_equal_layers():
    assert Double(3, 3) == Double(3, 3) != Double(3, 4)
    assert len({Double(3, 3), Double(3, 3)}) == 1
