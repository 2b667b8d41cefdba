"""Looking inside, by mistake: one sentence that says what was given and what was expected."""

import numpy as np
import pytest

import bpx

NETWORK_IN_ITS_PLACE = [
    bpx.inspect.layer_norms,
    bpx.inspect.gradient_norms,
    bpx.inspect.inner_products,
    bpx.inspect.individual_gradients,
    bpx.inspect.moments,
    bpx.inspect.gradient_diversity,
    bpx.inspect.error_norms,
    bpx.inspect.learning_speeds,
]
FIRST_A_SPEC = {
    "ntk": lambda net, *given: bpx.inspect.neural_tangent_kernel(*given[:3]),
    "alignment": lambda net, *given: bpx.inspect.gradient_alignment(*given[:3]),
    "hvp": lambda net, *given: bpx.inspect.hessian_vector_product(*given, net.parameters),
    "diagonal": lambda net, *given: bpx.inspect.ggn_diagonal(*given),
    "kfac": lambda net, *given: bpx.inspect.kfac(*given),
}


def network(widths=(4, 5, 3), dtype="float64"):
    return bpx.Network([*widths], output="softmax", cost="cross_entropy", seed=0, dtype=dtype)


def batch(dtype="float64"):
    return np.random.default_rng(0).random((6, 4)).astype(dtype), np.arange(6) % 3


@pytest.mark.parametrize("function", NETWORK_IN_ITS_PLACE, ids=lambda f: f.__name__)
def test_a_network_is_no_trace(function):
    with pytest.raises(bpx.InputError, match=r"a Network was given without x and y.*net\.back"):
        function(network())


@pytest.mark.parametrize("function", FIRST_A_SPEC.values(), ids=FIRST_A_SPEC)
def test_a_network_is_no_spec(function):
    net, (x, y) = network(), batch()
    with pytest.raises(bpx.InputError, match=r"a Network was given as the spec.*net\.spec"):
        function(net, net, net.parameters, net.backprop(x, y), y)


@pytest.mark.parametrize("function", FIRST_A_SPEC.values(), ids=FIRST_A_SPEC)
def test_samples_are_no_trace(function):
    net, (x, y) = network(), batch()
    with pytest.raises(bpx.InputError, match="a ndarray was given as a trace"):
        function(net, net.spec, net.parameters, x, y)


@pytest.mark.parametrize("function", FIRST_A_SPEC.values(), ids=FIRST_A_SPEC)
def test_a_trace_of_another_network_is_refused(function):
    net, (x, y) = network(), batch()
    with pytest.raises(bpx.InputError, match=r"widths \[4, 6, 3\].*\[4, 5, 3\]"):
        function(net, net.spec, net.parameters, network((4, 6, 3)).backprop(x, y), y)


@pytest.mark.parametrize("name", ["ntk", "alignment"])
def test_a_trace_of_another_dtype_is_refused(name):
    net, (x, y) = network(), batch("float32")
    trace = network(dtype="float32").backprop(x, y)
    with pytest.raises(bpx.MixedArraysError, match=r"float32.*the network is.*float64"):
        FIRST_A_SPEC[name](net, net.spec, net.parameters, trace, y)


def test_inner_products_of_two_dtypes_are_refused():
    one = network().backprop(*batch())
    other = network(dtype="float32").backprop(*batch("float32"))
    with pytest.raises(bpx.MixedArraysError, match=r"other\.a\[0\] is.*float32"):
        bpx.inspect.inner_products(one, other)


def test_numbers_are_no_direction():
    net, (x, y) = network(), batch()
    trace = net.backprop(x, y)
    with pytest.raises(bpx.InputError, match=r"v is tuple \['int', 'int'\]; expected a direct"):
        bpx.inspect.ggn_vector_product(net.spec, net.parameters, trace, y, (1, 2))


@pytest.mark.parametrize("score", [bpx.inspect.el2n, bpx.inspect.grand])
def test_what_are_no_networks(score):
    for given, told in ((None, "a NoneType"), ([], r"\[\]"), (batch()[0], "a ndarray")):
        with pytest.raises(
            bpx.InputError, match=rf"networks={told} was.*one or more bpx\.Network"
        ):
            score(given, *batch())


def test_tracin_of_one_network_is_that_of_a_list_of_it():
    net, given = network(), batch()
    alone = bpx.inspect.tracin(net, given, given, eta=0.5)
    np.testing.assert_array_equal(alone, bpx.inspect.tracin([net], given, given, eta=0.5))


def test_flatten_and_unflatten_name_what_they_were_given():
    net = network()
    for given, told in ((np.ones((4, 4)), "a ndarray"), (((), ()), "a tuple"), (net, "a Net")):
        with pytest.raises(
            bpx.InputError, match=rf"{told}.*expected bpx\.Parameters.*or a pair \(w, b\)"
        ):
            bpx.inspect.flatten(given)
    with pytest.raises(bpx.InputError, match=r"a list was given; expected \(43,\)"):
        bpx.inspect.unflatten([1.0], net.parameters)


def test_health_names_what_it_was_given():
    net, (x, y) = network(), batch()
    with pytest.raises(bpx.InputError, match=r"a ndarray was given as the network"):
        bpx.inspect.examine(x, y, net)
    with pytest.raises(bpx.InputError, match=r"limits=\{'share': 0.1\}.*Limits"):
        bpx.inspect.examine(net, x, y, limits={"share": 0.1})
    health = bpx.inspect.examine(net, x, y)
    with pytest.raises(bpx.InputError, match=r"limits=3 was given"):
        bpx.inspect.diagnose(health, 3)
    with pytest.raises(bpx.InputError, match=r"a Forward was given; expected a Health"):
        bpx.inspect.diagnose(net.forward(x))


def test_a_rule_of_ones_own_of_the_wrong_shape_is_named():
    def unmoved(w, delta, B):
        return delta[0]

    net = bpx.Network([4, 5, 3], feedback=unmoved, seed=0, dtype="float64")
    with pytest.raises(bpx.InputError, match=r"'unmoved' gave shape \(6, 3\).*\(6, 5\)"):
        net.backprop(*batch())


def test_solvers_refuse_a_network():
    pytest.importorskip("scipy", reason="the solvers are SciPy's")
    from bpx.interop import spectrum

    for solver in (spectrum.eigenpairs, spectrum.estimated_trace):
        with pytest.raises(bpx.InputError, match=r"a Network was given.*curvature_operator"):
            solver(network())


def test_plots_take_one_health_and_refuse_what_cannot_be_drawn():
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="the plots are Matplotlib's")
    health = bpx.inspect.examine(network(), *batch())
    other = bpx.inspect.examine(network((4, 3)), *batch())
    figure, axes = pyplot.subplots(1, 2)
    assert len(bpx.inspect.plots.errors(health, ax=axes[0]).lines) == 2
    with pytest.raises(bpx.InputError, match=r"ax is a ndarray; expected.*axes\[0\]"):
        bpx.inspect.plots.errors([health], ax=axes)
    with pytest.raises(bpx.InputError, match="networks of different widths"):
        bpx.inspect.plots.saturation([health, other], ax=axes[1])
    with pytest.raises(bpx.InputError, match="0 of 1 records have a health"):
        bpx.inspect.plots.errors([network()], ax=axes[1])
    pyplot.close(figure)
