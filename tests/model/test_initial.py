"""Initial parameters: each array from a generator of its own, the same on every backend."""

from dataclasses import replace

import numpy as np
import pytest

from bpx.arrays.host import generator
from bpx.initializers import INITIALIZERS, default
from bpx.model.initial import draw, draw_feedback
from bpx.model.parameters import Parameters
from bpx.model.spec import make_spec
from tests.backends import host
from tests.doubling import Double

SPEC = make_spec([5, 4, 3], hidden="tanh")


def test_each_array_is_of_its_layer_and_its_purpose():
    drawn, seed = draw(SPEC, None, 7), 7
    assert isinstance(drawn, Parameters)
    for i, layer in enumerate(SPEC.layers):
        chosen = default(layer.activation)
        w = chosen.weights(generator(seed, "weights", i), layer.n_out, layer.n_in)
        b = chosen.biases(generator(seed, "biases", i), layer.n_out)
        np.testing.assert_array_equal(drawn.w[i], w)
        np.testing.assert_array_equal(drawn.b[i], b)
        assert drawn.w[i].dtype == np.float64


def test_a_wider_network_below_leaves_the_layers_above_alone():
    other = make_spec([9, 4, 3], hidden="tanh")
    np.testing.assert_array_equal(draw(SPEC, None, 0).w[1], draw(other, None, 0).w[1])


def test_another_seed_draws_other_weights():
    assert (draw(SPEC, None, 0).w[0] != draw(SPEC, None, 1).w[0]).all()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_is_for_all_layers(name):
    by_name, by_value = draw(SPEC, name, 0), draw(SPEC, INITIALIZERS[name], 0)
    for a, b in zip(by_name.w, by_value.w, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_between_draws_no_others_for_the_dense_ones():
    first, last = SPEC.layers
    longer = replace(SPEC, layers=(first, Double(4, 4), last))
    drawn, plain = draw(longer, None, 3), draw(SPEC, None, 3)
    assert drawn.layers[1] == ()
    for a, b in zip((*drawn.w, *drawn.b), (*plain.w, *plain.b), strict=True):
        np.testing.assert_array_equal(a, b)


def test_backpropagation_draws_nothing_for_its_feedback():
    assert draw_feedback(SPEC, 0) == ()


def test_a_feedback_draws_one_array_for_each_hidden_layer():
    spec = make_spec([5, 4, 6, 3], feedback="fa")
    drawn, again = draw_feedback(spec, 0), draw_feedback(spec, 0)
    assert [each.shape for each in drawn] == list(spec.feedback.shapes(spec.sizes))
    assert [each.shape for each in drawn] == [(6, 4), (3, 6)]
    assert all(map(np.array_equal, drawn, again))
    assert not np.array_equal(drawn[1], draw_feedback(spec, 1)[1])
    assert not np.array_equal(drawn[1], draw(spec, None, 0).w[2])


def test_the_same_network_on_every_backend(target):
    net = target.network([5, 4, 3], hidden="tanh", seed=7, dtype="float64")
    for a, b in zip(net.weights, draw(SPEC, None, 7).w, strict=True):
        np.testing.assert_array_equal(host(a), b)
