"""What is asked of a network is refused of several by name: every public function, one by one.

Each is called with a single network's arrays, which it takes, and then with those of several
in the place of one argument, and of all. A new function, or a new argument, has to be in the
tables.
"""

import inspect as signatures

import numpy as np
import pytest

import bpx
from bpx import inspect, privacy
from bpx.inspect.health.examination import signs
from bpx.inspect.single import (
    check_single_parameters,
    check_single_targets,
    check_single_trace,
)
from bpx.interop import spectrum
from bpx.model.expected import as_targets
from bpx.model.passes import backward, gradients
from bpx.model.run import Run, costs, saved
from bpx.model.trace import Forward, Trace
from bpx.optim import mapped
from bpx.program.contract import leaves, rebuilt
from tests.backends import host
from tests.extending.rms_norm import RMSNorm
from tests.peers import random_network, random_samples

K, N, SIZES = 3, 5, (6, 4, 3)
ONE_BY_ONE = r"of 3 networks w(as|ere) given; expected (one|those) of a single network: take "

REFUSES = {
    inspect.empirical_fisher_vector_product: ("trace", "v", "r"),
    inspect.error_norms: ("trace",),
    inspect.dead_units: ("spec", "trace"),
    inspect.fisher_vector_product: ("spec", "parameters", "trace", "y", "v", "r"),
    inspect.flatten: ("groups",),
    inspect.ggn_diagonal: ("spec", "parameters", "trace", "y"),
    inspect.ggn_vector_product: ("spec", "parameters", "trace", "y", "v", "r"),
    inspect.gradient_alignment: ("spec", "parameters", "trace"),
    inspect.gradient_diversity: ("trace",),
    inspect.gradient_norms: ("trace",),
    inspect.hessian_vector_product: ("spec", "parameters", "trace", "y", "v", "r"),
    inspect.individual_gradients: ("trace",),
    inspect.inner_products: ("trace", "other"),
    inspect.input_gradient_product: ("spec", "parameters", "trace", "y", "u", "r"),
    inspect.input_gradients: ("spec", "parameters", "trace"),
    inspect.input_jacobian: ("spec", "parameters", "trace"),
    inspect.input_sizes: ("trace",),
    inspect.kfac: ("spec", "parameters", "trace", "y"),
    inspect.layer_norms: ("trace",),
    inspect.learning_speeds: ("trace",),
    inspect.matrix_alignment: ("spec", "parameters", "feedback"),
    inspect.moments: ("trace", "mean"),
    inspect.neural_tangent_kernel: ("spec", "parameters", "trace", "other"),
    inspect.output_response: ("spec", "trace", "y"),
    inspect.output_traces: ("spec", "parameters", "trace"),
    inspect.saturation: ("spec", "trace"),
    inspect.unflatten: ("vector", "groups"),
    inspect.update_ratios: ("before", "after"),
    privacy.clip_factors: ("trace", "clip"),
    privacy.clipped_backprop: ("spec", "parameters", "x", "y", "clip", "r", "feedback"),
    privacy.clipped_sum: ("trace", "clip"),
}
"""With the arguments that it is called with."""

TAKES = {
    inspect.two_sided: "any array, for its library alone",
    inspect.Moments: "elementwise: see below",
}
OF_A_NETWORK = {
    inspect.check: "what",
    inspect.el2n: "networks",
    inspect.examine: "network",
    inspect.grand: "networks",
    inspect.tracin: "networks",
    spectrum.curvature_operator: "net",
}
"""A `bpx.Network` is one, whose arrays have no axis more."""
OF_NO_ARRAYS = {
    inspect.Alignment,
    inspect.Finding,
    inspect.Health,
    inspect.KroneckerFactors,
    inspect.Limits,
    inspect.Report,
    inspect.Response,
    inspect.Row,
    inspect.diagnose,
    inspect.plots,
    inspect.plots.bands,
    inspect.plots.errors,
    inspect.plots.learning_rates,
    inspect.plots.outputs,
    inspect.plots.saturation,
    inspect.plots.updates,
    privacy.DPSGD,
    privacy.Mechanism,
    privacy.Spent,
    privacy.epsilon,
    privacy.noise_for,
    spectrum.Eigenpairs,
    spectrum.Estimate,
    spectrum.eigenpairs,
    spectrum.estimated_trace,
}
"""What is given back, what reads it, and what is known by numbers, or by products, alone."""

SETTINGS = {"chunk", "kind", "layer", "of", "outputs", "samples", "seed", "share"}
NAMES = {"like": "groups"}  # of `unflatten`
ARRAYS = {
    *("after", "before", "feedback", "groups", "mean", "other", "parameters", "r", "trace"),
    *("u", "v", "vector", "x", "y"),
}
"""The arguments that several networks' arrays are given as."""

CASES = [
    pytest.param(function, name, id=f"{function.__name__}-{name}")
    for function, names in REFUSES.items()
    for name in names
    if name in ARRAYS
]


def stack(trees):
    """K trees of arrays as one: their arrays one behind the other."""
    return rebuilt(trees[0], [np.stack(each) for each in zip(*map(leaves, trees), strict=True)])


def several(each):
    """Parameters of K networks: a bias has an axis of samples, too."""
    together = stack(each)
    entries = [entry._replace(b=entry.b[:, None, :]) for entry in together.layers]
    return type(together)(entries)


def made(spec, parameters, x, y):
    """The trace of the passes, which take one axis more."""
    layers, targets = saved(spec, parameters, x), as_targets(spec, y, x)
    deltas = backward(Run(spec, parameters, layers, targets))
    found = gradients(1.0 / N, layers, deltas)
    return Trace(layers, deltas, costs(spec, layers[-1], targets), found)


def arguments(function):
    """What a single network, and K of them, have for a function's arguments."""
    nets = [random_network(SIZES, seed=seed) for seed in range(K)]
    spec, own = nets[0].spec, [net.parameters for net in nets]
    x, y = zip(*(random_samples(net, N, seed) for seed, net in enumerate(nets)), strict=True)
    feedback = ()
    if function in (inspect.matrix_alignment, privacy.clipped_backprop):
        drawn = bpx.Network(SIZES, feedback="fa", seed=0, dtype="float64")
        spec, feedback = drawn.spec, drawn.feedback
    after = [mapped(lambda p: 0.9 * p, each) for each in own]
    traces = [net.backprop(*pair) for net, *pair in zip(nets, x, y, strict=True)]
    one = {
        "spec": spec,
        "parameters": own[0],
        "trace": traces[0],
        "other": traces[1],
        "x": x[0],
        "y": y[0],
        "r": np.full((N, 1), 0.1),
        "v": after[0],
        "u": 0.5 * x[0],
        "groups": own[0],
        "vector": np.ones(sum(p.size for p in leaves(own[0]))),
        "before": own[0],
        "after": after[0],
        "mean": traces[0].gradients,
        "feedback": feedback,
        "clip": 0.1,
    }
    together = several(own)
    trace = made(nets[0].spec, together, np.stack(x), np.stack(y))
    many = one | {
        "parameters": together,
        "trace": trace,
        "other": trace,
        "x": np.stack(x),
        "y": np.stack(y),
        "r": np.full((K, N, 1), 0.1),
        "v": several(after),
        "u": 0.5 * np.stack(x),
        "groups": together,
        "vector": np.ones((K, one["vector"].size)),
        "before": together,
        "after": several(after),
        "mean": trace.gradients,
        "feedback": tuple(np.stack([B] * K) for B in feedback),
    }
    return one, many


def called(function, given):
    names = {NAMES.get(name, name): name for name in signatures.signature(function).parameters}
    found = function(**{names[name]: given[name] for name in REFUSES[function]})
    return list(found) if signatures.isgenerator(found) else found


@pytest.mark.parametrize("function", REFUSES)
def test_a_single_network_is_taken(function):
    one, _ = arguments(function)
    called(function, one)


@pytest.mark.parametrize(("function", "name"), CASES)
def test_several_in_the_place_of_one_argument(function, name):
    one, many = arguments(function)
    with pytest.raises(bpx.InputError, match=rf"{ONE_BY_ONE}|has shape|of shapes?.* given;"):
        called(function, one | {name: many[name]})


@pytest.mark.parametrize("function", REFUSES)
def test_several_in_the_place_of_all(function):
    _, many = arguments(function)
    with pytest.raises(bpx.InputError, match=f"{ONE_BY_ONE}|take several vectors one by one"):
        called(function, many)


def test_the_same_samples_for_several_networks():
    """What the first layer is fed has no axis in front; all that follows has."""
    one, many = arguments(inspect.input_sizes)
    trace = made(one["spec"], many["parameters"], one["x"], one["y"])
    assert trace.a[0].ndim == 2
    for function in (inspect.input_sizes, inspect.gradient_norms, privacy.clipped_sum):
        with pytest.raises(bpx.InputError, match=ONE_BY_ONE):
            called(function, one | {"trace": trace})


@pytest.mark.parametrize("kind", ["exact", "monte_carlo", "empirical"])
def test_every_kind_of_factors(kind):
    _, many = arguments(inspect.kfac)
    with pytest.raises(bpx.InputError, match=ONE_BY_ONE):
        inspect.kfac(*(many[name] for name in REFUSES[inspect.kfac]), kind=kind)


def test_a_health_of_several():
    _, many = arguments(inspect.examine)
    given = (many[name] for name in ("parameters", "x", "y"))
    with pytest.raises(bpx.InputError, match=ONE_BY_ONE):
        signs(many["spec"], inspect.Limits(), True, *given, ())


@pytest.mark.parametrize("name", ["parameters", "y"])
def test_a_trace_is_of_several_if_its_errors_are(name):
    one, many = arguments(inspect.error_norms)
    rows = {"y": np.eye(SIZES[-1])[many["y"]], "parameters": many["parameters"]}
    given = one | {name: rows[name]}
    trace = made(*(given[each] for each in ("spec", "parameters", "x", "y")))
    for function in (inspect.error_norms, privacy.clip_factors):
        with pytest.raises(bpx.InputError, match=ONE_BY_ONE):
            called(function, one | {"trace": trace})


def test_every_public_function_is_in_a_table():
    """A function that is new is to take several networks, or to refuse them by name."""
    modules = inspect, inspect.plots, privacy, spectrum
    public = {getattr(module, name) for module in modules for name in module.__all__}
    tables = [set(REFUSES), set(TAKES), set(OF_A_NETWORK), OF_NO_ARRAYS]
    assert set().union(*tables) == public
    assert sum(map(len, tables)) == len(public)


@pytest.mark.parametrize("function", REFUSES)
def test_every_argument_is_in_a_table(function):
    names = {NAMES.get(name, name) for name in signatures.signature(function).parameters}
    assert names - SETTINGS == set(REFUSES[function])
    assert names & ARRAYS


@pytest.mark.parametrize("function", OF_A_NETWORK)
def test_what_takes_a_network_takes_no_parameters(function):
    names = list(signatures.signature(function).parameters)
    assert names[0] == OF_A_NETWORK[function]
    assert not {"parameters", "trace", "spec"} & set(names)


def test_two_sided_reads_no_numbers():
    net = bpx.Network([4, 3, 3, 2], activations=["tanh", "relu", "softmax"], seed=0)
    expected = inspect.two_sided(net.spec, np.ones((2, 2)))
    assert expected.tolist() == [True, False, False]
    assert (inspect.two_sided(net.spec, np.ones((K, 2, 2))) == expected).all()


def test_moments_of_several_are_those_of_each():
    one, _ = arguments(inspect.moments)
    each = [inspect.moments(one[name]) for name in ("trace", "other")]
    both = inspect.Moments(*(stack([m[i] for m in each]) for i in range(2)))
    for found, *alone in (
        (both.variance, *(m.variance for m in each)),
        (both.signal_to_noise, *(m.signal_to_noise for m in each)),
    ):
        for array, *own in zip(*map(leaves, (found, *alone)), strict=True):
            np.testing.assert_array_equal(array, np.stack(own))


def test_the_message_says_whose_they_are(target):
    _, many = arguments(inspect.flatten)
    there = many["groups"].grown([target.asarray(p, "float64") for p in many["groups"].w * 2])
    with pytest.raises(bpx.InputError, match=r"^parameters of 3 networks were given; expected"):
        check_single_parameters(there)
    with pytest.raises(bpx.InputError, match=r"^gradients of 3 networks were given"):
        check_single_parameters(many["mean"])
    with pytest.raises(bpx.InputError, match=r"^after: parameters of 3 networks were given"):
        check_single_parameters(there, "after")
    trace = Forward(tuple(mapped_saved(kept, target) for kept in many["trace"].layers))
    with pytest.raises(bpx.InputError, match=r"^a trace of 3 networks was given; expected one"):
        check_single_trace(trace)


def mapped_saved(kept, target):
    return rebuilt(kept, [target.asarray(host(x), "float64") for x in leaves(kept)])


def test_biases_of_several_beside_weights_of_one():
    one, many = arguments(inspect.flatten)
    pairs = zip(one["groups"].w, many["groups"].b, strict=True)
    with pytest.raises(bpx.InputError, match=ONE_BY_ONE):
        inspect.flatten(tuple(map(list, zip(*pairs, strict=True))))


def test_the_samples_own_gradients_are_no_networks():
    one, _ = arguments(inspect.flatten)
    ((_, each),) = inspect.individual_gradients(one["trace"])
    with pytest.raises(
        bpx.InputError, match=r"^gradients of 5 networks or samples were given; .* by one"
    ):
        inspect.flatten(each)


def test_a_layer_of_ones_own_may_have_parameters_of_any_shape():
    """By the spec it is known which: without it, by the Dense layers alone."""
    layers = [bpx.Dense(4, 5, "tanh"), RMSNorm(5), bpx.Dense(5, 3, "softmax")]
    net = bpx.Network(layers, cost="cross_entropy", seed=0, dtype="float64")
    first, (gain,), last = net.parameters.layers
    own = net.parameters.layers[1]._replace(gain=np.stack([gain] * K))
    mixed = bpx.Parameters((first, own, last))
    check_single_parameters(mixed)
    x, y = random_samples(net, N)
    with pytest.raises(
        bpx.InputError, match=r"'gain': \(3, 5\).*layers dense, rms_norm, dense"
    ):
        inspect.ggn_diagonal(net.spec, mixed, net.forward(x), y)


def test_what_is_neither():
    with pytest.raises(
        bpx.InputError, match=r"a tuple was given as before; expected bpx\.Param"
    ):
        check_single_parameters((), "before")
    with pytest.raises(
        bpx.InputError, match=r"a list was given as a trace; expected one of net"
    ):
        check_single_trace([])


def test_targets_are_one_for_each_sample():
    one, _ = arguments(inspect.output_response)
    check_single_targets(one["trace"], np.zeros(N))
    check_single_targets(one["trace"], np.zeros((N, 3)))
    for shape in ((), (N - 1,), (N, 2), (K, N), (K, N, 3)):
        with pytest.raises(bpx.InputError, match=r"for 5 samples of a .* \(5, 3\).* by one"):
            check_single_targets(one["trace"], np.zeros(shape))
