"""What a network holds: arrays at one home, all of them or none, and the passes over them."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from bpx.model.initial import draw, draw_feedback
from bpx.model.spec import make_spec
from bpx.network.held import Held
from bpx.network.summary import table
from bpx.program.contract import leaves
from tests.backends import assert_at_home, host
from tests.peers import random_samples


class Doubtful(bpx.Network):
    """A network that says when it does not know: an argument, and attributes, of its own."""

    def __init__(self, k, threshold, **settings):
        super().__init__([4, k, 3], output="softmax", cost="cross_entropy", **settings)
        self.threshold, self.asked = threshold, []

    @classmethod
    def from_arrays(cls, *args, threshold=0.5, **settings):
        net = super().from_arrays(*args, **settings)
        net.threshold, net.asked = threshold, []
        return net


class Unsure(Doubtful):
    """Made as what it inherits from is."""


class Forgetful(bpx.Network):
    """With an `__init__` of its own, and without a `from_arrays`."""

    def __init__(self, threshold):
        super().__init__([4, 3], seed=0)
        self.threshold = threshold


class Mixin:
    def __init__(self, **settings):
        super().__init__([4, 3], **settings)
        self.asked = 0


class Mixed(Mixin, bpx.Network):
    pass


SIZES = [4, 5, 3]
SPEC = make_spec(SIZES, hidden="tanh", output="softmax", cost="cross_entropy")
ALIGNED = make_spec(SIZES, feedback="fa")


def held(target, spec=SPEC, seed=0, **settings):
    home = target.network([1, 1], seed=0, dtype="float64").home
    return Held.from_arrays(spec, draw(spec, None, 1), home, seed, **settings)


@pytest.mark.parametrize("kind", [bpx.Network, Held])
def test_arrays_from_anywhere_are_copied_home(target, kind):
    home = target.network([1, 1], seed=0, dtype="float32").home
    given = draw(SPEC, None, 1)
    net = kind.from_arrays(SPEC, given, home)
    assert type(net) is kind
    for ours, theirs in zip(leaves(net.parameters), leaves(given), strict=True):
        assert_at_home(ours, net, "float32")
        np.testing.assert_allclose(host(ours), theirs, rtol=1e-6)
    before = host(net.weights[0])
    given.w[0][:] = 0.0
    np.testing.assert_array_equal(host(net.weights[0]), before)
    assert (net.seed, net.spec, net.home) == (None, SPEC, home)


def test_a_pair_of_weights_and_biases_will_do():
    given, home = draw(SPEC, None, 1), bpx.Network([1, 1], dtype="float64", seed=0).home
    net = Held.from_arrays(SPEC, (given.w, list(given.b)), home)
    assert all(map(np.array_equal, leaves(net.parameters), leaves(given)))


def test_the_feedback_is_drawn_from_the_seed_or_given(target):
    drawn = held(target, ALIGNED, seed=3)
    np.testing.assert_array_equal(host(drawn.feedback[0]), draw_feedback(ALIGNED, 3)[0])
    given = np.arange(15.0).reshape(3, 5)
    np.testing.assert_array_equal(
        host(held(target, ALIGNED, feedback=[given]).feedback[0]), given
    )
    with pytest.raises(bpx.InputError, match=r"'fa' has \[\(3, 5\)\]"):
        held(target, ALIGNED, seed=None)


def test_what_is_assigned_is_taken_whole_or_not_at_all(target):
    net = held(target, ALIGNED)
    parameters, feedback = net.parameters, net.feedback
    w = [2.0 * host(each) for each in net.weights]
    with pytest.raises(bpx.InputError, match="weights of shapes"):
        net.parameters = w, [np.zeros(5), np.zeros(4)]
    with pytest.raises(bpx.InputError, match="feedback arrays of shapes"):
        net.feedback = [np.zeros((5, 3))]
    assert net.parameters is parameters
    assert net.feedback is feedback
    net.parameters = w, net.biases
    np.testing.assert_array_equal(host(net.weights[0]), w[0])
    net.feedback = [np.ones((3, 5))]
    assert (host(net.feedback[0]) == 1.0).all()
    assert_at_home(net.feedback[0], net, "float64")


def test_its_views_are_those_of_its_parameters(target):
    net = held(target)
    assert all(a is b for a, b in zip(net.weights, net.parameters.w, strict=True))
    assert all(a is b for a, b in zip(net.biases, net.parameters.b, strict=True))
    assert net.sizes == (4, 5, 3)


def test_it_shows_what_it_is():
    net = bpx.Network(SIZES, hidden="tanh", seed=0, backend="numpy")
    assert repr(net) == (
        "<bpx.Network [4, 5, 3], activations ['tanh', 'sigmoid'], cost 'quadratic', "
        "on numpy, float32>"
    )
    assert "cost 'quadratic', feedback 'fa', on " in repr(bpx.Network(SIZES, feedback="fa"))
    dropped = bpx.Network(SIZES, norm="layer", dropout=0.5)
    assert "'sigmoid'], with dropout, layer_norm, cost 'quadratic', on " in repr(dropped)
    assert str(net).splitlines() == [repr(net), *table(net.spec).splitlines()]


def test_the_passes_are_the_pure_ones(target):
    net = held(target)
    x, y = random_samples(bpx.Network(SIZES, output="softmax", cost="cross_entropy", seed=0))
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    for found, expected in (
        (net.forward(x), bpx.forward(SPEC, net.parameters, x)),
        (net.backprop(x, y, r=0.5), bpx.backprop(SPEC, net.parameters, x, y, r=0.5)),
    ):
        for one, other in zip(leaves(found), leaves(expected), strict=True):
            np.testing.assert_array_equal(host(one), host(other))


def test_backprop_looks_at_the_targets(target):
    net = held(target)
    x = target.asarray(np.ones((2, 4)), "float64")
    with pytest.raises(bpx.InputError, match=r"y\[1\] is 3"):
        net.backprop(x, target.asarray([0, 3], "int32"))


def test_its_own_feedback_is_sent_back(target):
    net = held(target, ALIGNED)
    x, y = target.asarray(np.ones((2, 4)), "float64"), target.asarray([0, 1], "int32")
    before = host(net.backprop(x, y).delta[0])
    net.feedback = [3.0 * host(net.feedback[0])]
    np.testing.assert_allclose(host(net.backprop(x, y).delta[0]), 3.0 * before, rtol=1e-12)


def test_a_move_takes_all_of_it(target):
    net = held(target, ALIGNED)
    assert net.to(dtype="float32") is net
    for each in (*leaves(net.parameters), *net.feedback):
        assert_at_home(each, net, "float32")
    assert net.home.dtype == "float32"
    net.to("numpy", dtype="float64")
    assert all(isinstance(each, np.ndarray) for each in leaves(net.parameters))
    assert str(net.home) == "numpy"


def test_a_move_to_nowhere_changes_nothing(target):
    net = held(target)
    parameters, home = net.parameters, net.home
    with pytest.raises(bpx.BackendError):
        net.to("nowhere")
    assert net.parameters is parameters
    assert net.home is home


def test_published_arrays_are_taken_as_they_are():
    net = bpx.Network(SIZES, feedback="fa", seed=0)
    other = bpx.optim.mapped(lambda w: 2.0 * w, net.parameters)
    feedback = net.feedback
    net.publish(other)
    assert net.parameters is other
    assert net.feedback is feedback
    net.publish(other, (feedback[0] + 1.0,))
    assert net.feedback is not feedback


def test_arrays_that_do_not_fit_are_not_published():
    net = bpx.Network([3, 4, 2], feedback="fa", seed=0)
    before = net.parameters, net.feedback
    w, b = list(net.weights), list(net.biases)
    for parameters, feedback, said in (
        (bpx.Parameters.dense([w[0].T, w[1]], b), (), "weights of shapes"),
        (bpx.Parameters.dense(w[:1], b[:1]), (), "weights of shapes"),
        (net.parameters, (net.feedback[0].T,), "feedback"),
    ):
        with pytest.raises(bpx.InputError, match=said):
            net.publish(parameters, feedback)
    assert net.parameters is before[0]
    assert net.feedback is before[1]


def doubtful(target, dtype="float64"):
    home = target.network([1, 1], seed=0, dtype=dtype).home
    return Doubtful(5, 0.9, backend=str(home), dtype=home.dtype, seed=3)


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: copy.copy(net).to(dtype="float32").to(dtype="float64"),
        lambda net: copy.copy(net).to("numpy"),
    ],
    ids=["copy", "deepcopy", "pickle", "dtype", "numpy"],
)
def test_what_the_init_of_a_subclass_sets_survives(target, again):
    net = doubtful(target)
    net.asked.append("once")
    other = again(net)
    assert type(other) is Doubtful
    assert other is not net
    assert (other.threshold, other.asked, other.seed) == (0.9, ["once"], 3)
    for ours, theirs in zip(leaves(other.parameters), leaves(net.parameters), strict=True):
        np.testing.assert_allclose(host(ours), host(theirs), rtol=1e-6)
    other.parameters = draw(other.spec, None, 7)
    assert not np.array_equal(host(other.weights[0]), host(net.weights[0]))


def test_a_network_of_a_subclass_moves_as_itself(target):
    net = doubtful(target, "float32")
    assert net.to(dtype="float64") is net
    assert (net.threshold, net.home.dtype) == (0.9, "float64")


@pytest.mark.parametrize("kind", [Doubtful, Unsure])
def test_a_subclass_says_how_it_is_made_of_arrays(target, kind):
    net = doubtful(target)
    made = kind.from_arrays(net.spec, net.parameters, net.home, threshold=0.7)
    assert type(made) is kind
    assert (made.threshold, made.asked, made.seed, made.schema) == (0.7, [], None, None)
    x = np.ones((2, 4))
    np.testing.assert_array_equal(made.predict(x), net.predict(x))


@pytest.mark.parametrize(("kind", "named"), [(Forgetful, "Forgetful"), (Mixed, "Mixin")])
def test_no_subclass_is_made_of_arrays_without_its_init(kind, named):
    net = bpx.Network([4, 3], seed=0)
    with pytest.raises(
        bpx.InputError, match=rf"^{named} has .* define {kind.__name__}.from_arr"
    ):
        kind.from_arrays(net.spec, net.parameters, net.home)
