"""Functions of a trace take a network and samples, and come to the same."""

import inspect as signatures

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.inspect.given import takes_network
from bpx.program.contract import leaves
from tests.backends import flags, host

SIZES, N = [4, 5, 3], 6
BY_FORWARD = {
    inspect.dead_units: ("spec",),
    inspect.input_sizes: (),
    inspect.saturation: ("spec",),
    inspect.input_jacobian: ("spec", "parameters"),
    inspect.output_traces: ("spec", "parameters"),
    inspect.neural_tangent_kernel: ("spec", "parameters"),
}
BY_BACKPROP = {
    inspect.layer_norms: (),
    inspect.gradient_norms: (),
    inspect.inner_products: (),
    inspect.individual_gradients: (),
    inspect.moments: (),
    inspect.gradient_diversity: (),
    inspect.error_norms: (),
    inspect.learning_speeds: (),
    inspect.gradient_alignment: ("spec", "parameters"),
    inspect.input_gradients: ("spec", "parameters"),
}
WITH_TARGETS = {
    inspect.output_response: ("spec",),
    inspect.ggn_diagonal: ("spec", "parameters"),
    inspect.kfac: ("spec", "parameters"),
}
ALONG = {
    inspect.hessian_vector_product: ("spec", "parameters"),
    inspect.ggn_vector_product: ("spec", "parameters"),
    inspect.fisher_vector_product: ("spec", "parameters"),
}


def made(target):
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "seed": 0}
    net = target.network(SIZES, dtype="float64", **settings)
    rng = np.random.default_rng(1)
    return net, rng.standard_normal((N, 4)), rng.integers(0, 3, N)


def arrays(found):
    """All arrays of a result, on the host."""
    if signatures.isgenerator(found):
        return [each for part in found for each in arrays(part)]
    if isinstance(found, slice) or found is None:
        return []
    if hasattr(found, "shape"):
        return [host(found)]
    if hasattr(found, "_fields") or isinstance(found, tuple | list):
        return [each for leaf in leaves(found) if leaf is not None for each in arrays(leaf)]
    return [each for value in vars(found).values() for each in arrays(value)]


def same(found, expected):
    one, other = arrays(found), arrays(expected)
    assert one
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("function", [*BY_FORWARD, *BY_BACKPROP, *WITH_TARGETS, *ALONG])
def test_a_network_and_samples_come_to_the_same_as_their_trace(target, function):
    net, x, y = made(target)
    kinds = {**BY_FORWARD, **BY_BACKPROP, **WITH_TARGETS, **ALONG}
    own = [getattr(net, name) for name in kinds[function]]
    with flags(target):
        a, b = target.asarray(x, "float64"), target.asarray(y, "int32")
        trace = net.forward(a) if function in BY_FORWARD else net.backprop(a, b)
        if function in BY_FORWARD:
            same(function(net, x), function(*own, trace))
        elif function in BY_BACKPROP:
            same(function(net, x, y), function(*own, trace))
        elif function in WITH_TARGETS:
            same(function(net, x, y), function(*own, trace, b))
        else:
            v = trace.gradients
            same(function(net, x, y, v), function(*own, trace, b, v))


def test_what_else_is_given_stays(target):
    net, x, y = made(target)
    with flags(target):
        trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
        v = trace.gradients
        same(
            inspect.empirical_fisher_vector_product(net, x, y, v, r=0.5),
            inspect.empirical_fisher_vector_product(trace, v, r=0.5),
        )
        own = net.spec, net.parameters, trace
        same(
            inspect.kfac(net, x, y, kind="empirical"),
            inspect.kfac(*own, target.asarray(y, "int32"), kind="empirical"),
        )
        u = target.asarray(0.5 * x, "float64")
        same(
            inspect.input_gradient_product(net, x, y, u, r=0.5),
            inspect.input_gradient_product(*own, target.asarray(y, "int32"), u, r=0.5),
        )


def test_a_function_without_a_trace_takes_the_network_alone():
    net = bpx.Network(SIZES, feedback="fa", seed=0)
    same(
        inspect.matrix_alignment(net),
        inspect.matrix_alignment(net.spec, net.parameters, net.feedback),
    )


def test_the_feedback_is_the_networks():
    net = bpx.Network(SIZES, feedback="fa", seed=0, dtype="float64")
    x, y = np.ones((N, 4)), np.arange(N) % 3
    same(inspect.gradient_norms(net, x, y), inspect.gradient_norms(net.backprop(x, y)))


def test_every_function_of_a_trace_does():
    of_a_trace = {
        function
        for name in inspect.__all__
        if signatures.isfunction(function := getattr(inspect, name))
        and {"trace", "parameters"} & set(signatures.signature(function).parameters)
    }
    tried = {*BY_FORWARD, *BY_BACKPROP, *WITH_TARGETS, *ALONG}
    tried |= {inspect.empirical_fisher_vector_product, inspect.matrix_alignment}
    tried |= {inspect.input_gradient_product}
    assert of_a_trace == tried
    assert all("With a network," in function.__doc__ for function in tried)


def test_what_is_missing_is_named():
    net = bpx.Network(SIZES, seed=0)
    with pytest.raises(
        bpx.InputError,
        match=r"without y; expected bpx.inspect.gradient_norms\(net, x, y, ...\)",
    ):
        inspect.gradient_norms(net, np.ones((2, 4)))
    with pytest.raises(
        bpx.InputError, match=r"without x; expected bpx.inspect.dead_units\(net, x, ...\)"
    ):
        inspect.dead_units(net)
    with pytest.raises(bpx.InputError, match=r"x has shape \(2, 3\); expected \(n, 4\)"):
        inspect.dead_units(net, np.ones((2, 3)))
    with pytest.raises(bpx.InputError, match=r"y\[1\] is 9"):
        inspect.gradient_norms(net, np.ones((2, 4)), [0, 9])


def test_a_signature_and_its_docstring_stay():
    @takes_network()
    def own(spec, trace, y, *, share=0.5):
        """What it is.

        Parameters
        ----------
        spec, trace, y
        """

    assert list(signatures.signature(own).parameters) == ["spec", "trace", "y", "share"]
    assert own.__doc__.startswith("What it is.")
