"""What a network is apart from its numbers: validated once, equal and hashable."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx import activations, costs, feedback
from bpx.layers import Dense
from bpx.model.initial import draw
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, check_feedback, check_shapes, make_spec
from tests.doubling import Double


def with_double(spec):
    """The same with a layer that learns nothing behind the first."""
    first, *rest = spec.layers
    return replace(spec, layers=(first, Double(first.n_out, first.n_out), *rest))


def test_of_sizes_and_names():
    spec = make_spec([5, 4, 3], hidden="tanh", output="softmax", cost="cross_entropy")
    assert spec.layers == (
        Dense(5, 4, activations.tanh),
        Dense(4, 3, activations.softmax),
    )
    assert spec.cost is costs.COSTS["categorical_cross_entropy"]
    assert spec.feedback is feedback.transpose
    assert spec.sizes == (5, 4, 3)
    assert spec.output is activations.softmax


def test_it_is_the_books_unless_said_otherwise():
    spec = make_spec([2, 3, 1])
    assert [layer.activation.name for layer in spec.layers] == ["sigmoid", "sigmoid"]
    assert spec.cost is costs.quadratic


def test_one_activation_for_each_layer():
    spec = make_spec([2, 3, 3, 1], each=["relu", activations.tanh, "identity"])
    assert [layer.activation.name for layer in spec.layers] == ["relu", "tanh", "identity"]


def test_equal_specs_have_equal_hashes():
    one, other = make_spec([2, 3, 1]), make_spec(np.array([2, 3, 1]))
    assert one == other
    assert hash(one) == hash(other)
    assert one != make_spec([2, 3, 1], cost="cross_entropy")
    with pytest.raises(AttributeError):
        one.cost = costs.quadratic


def test_what_is_said_of_dense_layers_leaves_out_the_others():
    plain = make_spec([5, 4, 3])
    spec = with_double(plain)
    assert spec.dense == plain.layers
    assert spec.sizes == (5, 4, 3)
    assert [spec.dense_below(i) for i in range(4)] == [0, 1, 1, 2]


def test_by_transpose_the_rest_stays():
    spec = make_spec([5, 4, 3], hidden="tanh", feedback="fa")
    assert spec.by_transpose() == make_spec([5, 4, 3], hidden="tanh")
    assert spec.by_transpose() != spec


@pytest.mark.parametrize(
    "sizes", [[], [3], [3, 0], [3, -1], [3, 2.5], "ab", 7, None, [3, None], [3, float("inf")]]
)
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(bpx.InputError, match=r"at least two whole widths .* \[784, 30, 10\]"):
        make_spec(sizes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output": "softmax"}, "softmax was given for a single output, where it is always 1"),
        ({"each": "relu"}, "activations='relu' was given; expected a list of 2 names"),
        ({"each": ["relu"]}, "1 activations were given for 2 layers"),
        ({"each": ["relu"] * 3}, "3 activations were given for 2 layers"),
        ({"hidden": "rely"}, "did you mean 'relu'"),
        ({"cost": "quadratik"}, "did you mean 'quadratic'"),
        ({"feedback": "transpos"}, "transpose"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        make_spec([2, 3, 1], **settings)


# Arrays that fit it


@pytest.mark.parametrize("spec", [make_spec([5, 4, 3]), with_double(make_spec([5, 4, 3]))])
def test_parameters_that_fit_are_taken(spec):
    assert check_shapes(spec, draw(spec, None, 0)) is None


@pytest.mark.parametrize("sizes", [[5, 4, 2], [4, 4, 3], [5, 3], [5, 4, 3, 3]])
def test_parameters_that_do_not_fit_are_refused_with_their_shapes(sizes):
    given = draw(make_spec(sizes), None, 0)
    with pytest.raises(bpx.InputError) as told:
        check_shapes(make_spec([5, 4, 3]), given)
    assert str(told.value) == (
        f"weights of shapes {[w.shape for w in given.w]} and biases of shapes "
        f"{[b.shape for b in given.b]} were given; a network of sizes [5, 4, 3] has weights "
        "[(4, 5), (3, 4)] and biases [(4,), (3,)]"
    )


def test_with_other_layers_the_whole_form_is_told():
    spec = with_double(make_spec([5, 4, 3]))
    given = draw(make_spec([5, 4, 3]), None, 0)
    with pytest.raises(bpx.InputError, match="the layers dense, double, dense has") as told:
        check_shapes(spec, given)
    assert "{'w': (4, 5), 'b': (4,)}, {}, {'w': (3, 4), 'b': (3,)}" in str(told.value)


def test_no_parameters_are_no_parameters():
    with pytest.raises(bpx.InputError, match=r"weights of shapes \[\] and biases"):
        check_shapes(make_spec([5, 4, 3]), Parameters(()))


def test_feedback_arrays_are_those_of_the_rule():
    spec = make_spec([5, 4, 3], feedback="fa")
    assert check_feedback(spec, [np.zeros((3, 4))]) is None
    assert check_feedback(spec.by_transpose(), ()) is None
    for given in ([], [np.zeros((4, 3))], [np.zeros((3, 4))] * 2):
        with pytest.raises(bpx.InputError, match=r"'fa' has \[\(3, 4\)\]: pass feedback=net"):
            check_feedback(spec, given)


def test_a_spec_may_be_made_of_layers():
    layers = make_spec([5, 4, 3]).layers
    assert Spec(layers, costs.quadratic) == make_spec([5, 4, 3])


def test_an_array_of_rates_is_not_for_layers():
    with pytest.raises(bpx.InputError, match=r"dropout=array.* was given with layers"):
        make_spec([bpx.Dense(3, 2, "relu")], dropout=np.array([0.1, 0.2]))
