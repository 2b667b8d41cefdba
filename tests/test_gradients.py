"""Every gradient against central differences and against automatic differentiation.

All in float64, at points away from kinks, each array compared by its norm. The peers'
activations and costs are written with their own libraries' functions.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx import activations, costs
from bpx.activations import ACTIVATIONS, Elementwise
from bpx.costs import COSTS, Cost, Pair
from bpx.equations import bp1, bp2, bp3, bp4

H = 1e-5  # the step of the central differences
AGAINST_DIFFERENCES = 1e-6
AGAINST_AUTODIFF = 1e-10
FLOOR = 1e-5  # below which a norm is compared absolutely

KINKED = {"relu", "leaky_relu", "elu"}
CORNERED = {"mae", "quantile", "hinge", "categorical_hinge"}
WIDTHS = [[4, 3], [4, 5, 3], [3, 4, 5, 3], [3, 5, 4, 4, 3]]
HIDDEN = sorted(ACTIVATIONS)
BOOK = ("quadratic", "binary_cross_entropy", "categorical_cross_entropy")
ENDS = [
    pytest.param(output, cost.name, id=f"{output}-{cost.name}")
    for cost in map(COSTS.__getitem__, BOOK)
    for output in sorted(ACTIVATIONS)
    if cost.outputs is None or ACTIVATIONS[output] in cost.outputs
]


class Point(NamedTuple):
    """Where gradients are checked: a network, inputs and targets."""

    net: bpx.Network
    x: Any
    y: Any


def point(sizes, names, cost, *, n=6) -> Point:
    """The first seed's network and samples that are away from kinks and saturation."""
    spread = 0.4 if "exponential" in names[:-1] else 1.5  # exp of exp grows fast
    for seed in range(500):
        rng = np.random.default_rng(seed)
        net = bpx.Network(
            sizes, activations=names, cost=cost, seed=0, backend="numpy", dtype="float64"
        )
        net.parameters = (
            [spread / w.shape[1] ** 0.5 * rng.standard_normal(w.shape) for w in net.weights],
            [0.5 * rng.standard_normal(b.shape) for b in net.biases],
        )
        x = rng.standard_normal((n, sizes[0]))
        trace, y = net.forward(x), targets(net.spec.cost, n, sizes[-1], rng)
        if is_regular(trace.z, names) and is_away(net.spec.cost, trace.a[-1], y):
            return Point(net, x, y)
    raise AssertionError(f"no regular point for {names} in 500 seeds")


def is_regular(zs, names) -> bool:
    """No unit within 1e-3 of a kink or beyond 6; no kinked layer wholly off or on."""
    kinked = [
        z for z, name in zip(zs, names, strict=True) if getattr(name, "name", name) in KINKED
    ]
    away = all(np.abs(z).min() > 1e-3 and 0.2 < (z > 0).mean() < 0.8 for z in kinked)
    return away and max(np.abs(z).max() for z in zs) < 6.0


def is_away(cost, a, y) -> bool:
    """No output within 1e-3 of a corner of the cost."""
    if cost.name.partition("(")[0] not in CORNERED:
        return True
    steps = 1e-3 * np.concatenate([np.eye(a.shape[1]), -np.eye(a.shape[1])])
    grad = cost.grad_a(a, y)
    return all(np.array_equal(cost.grad_a(a + step, y), grad) for step in steps)


def targets(cost, n, k, rng):
    if cost.targets == "real":
        return rng.standard_normal((n, k))
    if cost.targets == "binary":
        return rng.integers(0, 2, (n, k)).astype("float64")
    if cost.targets == "one_hot":
        return np.eye(k)[rng.integers(0, k, n)]
    y = rng.uniform(0.0, 1.0, (n, k))
    return y / y.sum(axis=1, keepdims=True) if cost.targets == "distribution" else y


def distance(g, h) -> float:
    """The relative distance of two arrays, absolute where both are small."""
    g, h = np.asarray(g), np.asarray(h)
    assert g.shape == h.shape
    largest = max(np.linalg.norm(g), np.linalg.norm(h), FLOOR)
    return float(np.linalg.norm(g - h) / largest)


def differences(cost: Callable[[Any], Any], array) -> Any:
    """The central differences of a mean cost in each element of an array."""
    slopes = np.zeros_like(array)
    for i in np.ndindex(*array.shape):
        ahead, behind = array.copy(), array.copy()
        ahead[i] += H
        behind[i] -= H
        slopes[i] = (cost(ahead) - cost(behind)) / (2.0 * H)
    return slopes


# The network once more, without bpx's passes: what the differences are taken of.


def outputs(net, parameters, a, first=0):
    """a^L, from the activations that enter the layer `first` (0 is the first) on."""
    for layer, w, b in list(zip(net.spec.layers, *parameters, strict=True))[first:]:
        a = layer.activation.sigma(a @ w.T + b)
    return a


def cost_from(net, layer, z, y):
    """C_x of each sample, from the weighted inputs z of a layer on."""
    a = net.spec.layers[layer].activation.sigma(z)
    return net.spec.cost.value(outputs(net, (net.weights, net.biases), a, layer + 1), y)


def mean_cost(net, parameters, x, y) -> float:
    return float(net.spec.cost.value(outputs(net, parameters, x), y).mean())


def gradient_differences(net, x, y):
    """dC/dw and dC/db of every layer, by central differences."""
    found = ([], [])
    for kind in (0, 1):
        for i, array in enumerate((net.weights, net.biases)[kind]):

            def cost(moved, kind=kind, i=i):
                parameters = [list(group) for group in (net.weights, net.biases)]
                parameters[kind][i] = moved
                return mean_cost(net, parameters, x, y)

            found[kind].append(differences(cost, array))
    return found


# The peers


class Found(NamedTuple):
    """What a peer computed: C_x, delta, dC/dw and dC/db."""

    cost: Any
    delta: list[Any]
    w: list[Any]
    b: list[Any]


def torch_peer(net, names, cost, x, y, of=None) -> Found:
    torch = pytest.importorskip("torch", reason="the peer is PyTorch's autograd")
    F = torch.nn.functional
    sigma = {
        "identity": lambda z: z,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "leaky_relu": F.leaky_relu,
        "elu": F.elu,
        "softplus": F.softplus,
        "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
        "silu": F.silu,
        "exponential": torch.exp,
        "softmax": lambda z: F.softmax(z, dim=1),
    }
    value = {
        "quadratic": lambda a, y: 0.5 * F.mse_loss(a, y, reduction="none").sum(1),
        "binary_cross_entropy": lambda a, y: F.binary_cross_entropy(a, y, reduction="none").sum(
            1
        ),
        "categorical_cross_entropy": lambda a, y: -torch.special.xlogy(y, a).sum(1),
    }
    w, b = (
        [torch.from_numpy(e.copy()).requires_grad_() for e in g]
        for g in (net.weights, net.biases)
    )
    a, zs = torch.from_numpy(x), []
    for name, wl, bl in zip(names, w, b, strict=True):
        zs.append(F.linear(a, wl, bl))
        zs[-1].retain_grad()
        a = sigma[name](zs[-1])
    costs_ = (of or value[cost])(a, torch.from_numpy(y))
    costs_.mean().backward()
    return Found(
        costs_.detach().numpy(),
        [len(x) * z.grad.numpy() for z in zs],
        [each.grad.numpy() for each in w],
        [each.grad.numpy() for each in b],
    )


def jax_peer(net, names, cost, x, y, of=None) -> Found:
    jax = pytest.importorskip("jax", reason="the peer is JAX's grad")
    jnp, nn = jax.numpy, jax.nn
    sigma = {
        "identity": lambda z: z,
        "leaky_relu": lambda z: nn.leaky_relu(z, 0.01),
        "gelu_tanh": lambda z: nn.gelu(z, approximate=True),
        "exponential": jnp.exp,
    }
    value = {
        "quadratic": lambda z, a, y: jnp.vdot(a - y, a - y) / 2,
        "binary_cross_entropy": lambda z, a, y: (
            -jnp.sum(y * nn.log_sigmoid(z) + (1 - y) * nn.log_sigmoid(-z))
        ),
        "categorical_cross_entropy": lambda z, a, y: -jnp.vdot(y, nn.log_softmax(z)),
    }

    def cost_of(w, b, shifts, x, y):
        """C_x of one sample; its gradient by the shifts of z is delta."""
        a = x
        for name, wl, bl, shift in zip(names, w, b, shifts, strict=True):
            z = wl @ a + bl + shift
            a = sigma.get(name, getattr(nn, name, None))(z)
        return (of or value[cost])(z, a, y)

    w, b = net.weights, net.biases
    shifts = tuple(np.zeros_like(bl) for bl in b)
    with jax.enable_x64(True):
        one = jax.value_and_grad(cost_of, argnums=(0, 1, 2))
        each, (dw, db, delta) = jax.vmap(one, (None, None, None, 0, 0))(w, b, shifts, x, y)
        dw, db = ([np.asarray(g.mean(axis=0)) for g in group] for group in (dw, db))
        return Found(np.asarray(each), [np.asarray(d) for d in delta], dw, db)


def assert_is_found(trace, found: Found):
    assert distance(trace.cost, found.cost) < AGAINST_AUTODIFF
    for i in range(len(found.w)):
        for name, got, expected in (
            ("delta", trace.delta[i], found.delta[i]),
            ("dC/dw", trace.gradients.w[i], found.w[i]),
            ("dC/db", trace.gradients.b[i], found.b[i]),
        ):
            off = distance(got, expected)
            assert off < AGAINST_AUTODIFF, f"{name} of layer {i + 1} is off by {off:.1e}"


def assert_is_differenced(trace, w, b):
    for i in range(len(w)):
        for name, got, expected in (
            ("dC/dw", trace.gradients.w[i], w[i]),
            ("dC/db", trace.gradients.b[i], b[i]),
        ):
            assert np.linalg.norm(expected) > FLOOR, f"{name} of layer {i + 1} vanishes here"
            off = distance(got, expected)
            assert off < AGAINST_DIFFERENCES, f"{name} of layer {i + 1} is off by {off:.1e}"


# Every hidden activation × every output with every cost it may have × depth 1 to 4


def every_network():
    for sizes in WIDTHS:
        depth = len(sizes) - 1
        for hidden in HIDDEN if depth > 1 else ["none"]:
            for output, cost in (end.values for end in ENDS):
                names = [hidden] * (depth - 1) + [output]
                label = f"depth{depth}-{hidden}-{output}-{cost}"
                yield pytest.param(sizes, names, cost, id=label)


@pytest.mark.parametrize(("sizes", "names", "cost"), list(every_network()))
def test_gradients(sizes, names, cost):
    net, x, y = point(sizes, names, cost)
    trace = net.backprop(x, y)
    assert_is_differenced(trace, *gradient_differences(net, x, y))
    assert_is_found(trace, torch_peer(net, names, cost, x, y))


STABLE = {
    ("identity", "quadratic"),
    ("gelu_tanh", "quadratic"),
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "categorical_cross_entropy"),
}
STABLE_ENDS = [end for end in ENDS if end.values in STABLE]


@pytest.mark.parametrize(("output", "cost"), STABLE_ENDS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradients_against_a_second_peer(hidden, output, cost):
    names = [hidden, hidden, output]
    net, x, y = point([3, 4, 5, 3], names, cost)
    assert_is_found(net.backprop(x, y), jax_peer(net, names, cost, x, y))


@pytest.mark.parametrize(("output", "cost"), ENDS)
def test_each_layer_may_have_its_own_activation(output, cost):
    names = ["softmax", "relu", "tanh", output]
    net, x, y = point([3, 5, 4, 4, 3], names, cost)
    trace = net.backprop(x, y)
    assert_is_differenced(trace, *gradient_differences(net, x, y))
    assert_is_found(trace, torch_peer(net, names, cost, x, y))


def test_widths_and_batches_of_one():
    names = ["tanh", "silu", "sigmoid"]
    net, x, y = point([1, 1, 2, 1], names, "cross_entropy", n=1)
    trace = net.backprop(x, y)
    assert_is_differenced(trace, *gradient_differences(net, x, y))
    assert_is_found(trace, torch_peer(net, names, "binary_cross_entropy", x, y))
    flat = net.backprop(x, y[:, 0])
    assert all(map(np.array_equal, flat.gradients.w, trace.gradients.w))


@pytest.mark.parametrize(("output", "cost"), ENDS)
def test_labels_are_one_hot_rows(output, cost):
    names = ["tanh", output]
    net, x, _ = point([4, 5, 3], names, cost)
    labels = np.array([2, 0, 1, 1, 2, 0])
    trace = net.backprop(x, labels)
    assert_is_found(trace, torch_peer(net, names, cost, x, np.eye(3)[labels]))


@pytest.mark.parametrize("form", ["column", "float"])
def test_row_weights_weigh_the_samples(form):
    net, x, y = point([3, 4, 5, 3], ["tanh", "relu", "sigmoid"], "cross_entropy")
    r = np.array([[0.5], [0.0], [2.0], [1.0], [0.0], [0.25]]) if form == "column" else 2.0
    weights = len(x) * np.broadcast_to(r, (len(x), 1))[:, 0]
    # As a cost of its own, whose mean is the weighted sum.
    plain = net.spec.cost
    weighted = Cost("weighted", lambda a, y: weights * plain.value(a, y), plain.grad_a)
    other = bpx.Network.from_arrays(
        replace(net.spec, cost=weighted), net.parameters, home=net.home
    )
    trace = net.backprop(x, y, r=r)
    assert_is_differenced(trace, *gradient_differences(other, x, y))
    # r enters BP3 and BP4 alone.
    unweighted = net.backprop(x, y)
    assert np.array_equal(trace.cost, unweighted.cost)
    assert all(map(np.array_equal, trace.delta, unweighted.delta))


# Each equation alone, so that what is wrong is named


def require(name, layer, label, got, expected):
    off = distance(got, expected)
    if not off < AGAINST_DIFFERENCES:
        raise AssertionError(
            f"{name}, layer {layer}, {label}: off by {off:.1e} from central differences"
        )


def check_equations(net, x, y):
    """Check BP1 to BP4 layer by layer against central differences, each on its own.

    Every equation is given what the differences say of the layers around it, so that an
    error does not spread to the next one: the message names the equation, the layer and
    its activation.
    """
    layers, w, n = net.spec.layers, net.weights, len(x)
    trace = net.forward(x)
    deltas = [delta_differences(net, i, trace.z[i], y) for i in range(len(layers))]
    last, sigma = len(layers) - 1, net.spec.output

    z, a = trace.z[last], trace.a[-1]
    plain = bp1(sigma, z, a, net.spec.cost.grad_a(a, y))
    require("BP1", last + 1, f"{sigma.name}, {net.spec.cost.name}", plain, deltas[last])
    used = net.backprop(x, y).delta[-1]
    label = f"{sigma.name}, as paired with {net.spec.cost.name}"
    require("BP1", last + 1, label, used, deltas[last])

    for i in reversed(range(last)):
        sigma = layers[i].activation
        delta = bp2(sigma, trace.z[i], trace.a[i + 1], w[i + 1], deltas[i + 1])
        require("BP2", i + 1, sigma.name, delta, deltas[i])

    dw, db = gradient_differences(net, x, y)
    for i, layer in enumerate(layers):
        require("BP3", i + 1, layer.activation.name, bp3(1.0 / n, deltas[i]), db[i])
        found = bp4(1.0 / n, deltas[i], trace.a[i])
        require("BP4", i + 1, layer.activation.name, found, dw[i])


def delta_differences(net, layer, z, y):
    """dC_x/dz of a layer, by central differences in one unit of all samples at a time."""
    columns = []
    for j in range(z.shape[1]):
        step = H * (np.arange(z.shape[1]) == j)
        ahead, behind = (cost_from(net, layer, z + s, y) for s in (step, -step))
        columns.append((ahead - behind) / (2.0 * H))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(("output", "cost"), ENDS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_each_equation_alone(hidden, output, cost):
    check_equations(*point([3, 4, 5, 3], [hidden, hidden, output], cost))


def wrong(name, factor=1.001):
    """An activation whose sigma' is a thousandth too large."""
    right = ACTIVATIONS[name]
    return Elementwise(name, right.sigma, lambda z, a: factor * right.sigma_prime(z, a))


ELEMENTWISE = [name for name in HIDDEN if name != "softmax"]


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_wrong_sigma_prime_of_a_hidden_layer_fails_naming_bp2(name, layer):
    names = ["tanh", "tanh", "sigmoid"]
    names[layer - 1] = wrong(name)
    at = point([3, 4, 5, 3], names, "cross_entropy")
    with pytest.raises(AssertionError, match=rf"^BP2, layer {layer}, {name}: off by"):
        check_equations(*at)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_wrong_sigma_prime_of_the_output_fails_naming_bp1(name):
    at = point([3, 4, 5, 3], ["tanh", "tanh", wrong(name)], "quadratic")
    with pytest.raises(AssertionError, match=rf"^BP1, layer 3, {name}, quadratic: off by"):
        check_equations(*at)


def test_a_sigma_prime_that_is_wrong_on_one_side_fails():
    softsign = Elementwise(
        "softsign",
        lambda z: z / (1.0 + np.abs(z)),
        lambda z, a: 1.0 / (1.0 + z) ** 2,  # |z| forgotten
    )
    at = point([3, 4, 5, 3], [softsign, "tanh", "sigmoid"], "quadratic")
    with pytest.raises(AssertionError, match=r"^BP2, layer 1, softsign: off by"):
        check_equations(*at)


def test_a_wrong_gradient_of_the_cost_fails_naming_bp1():
    cost = Cost("off", costs.quadratic.value, lambda a, y: y - a)
    at = point([3, 4, 3], ["tanh", "sigmoid"], cost)
    with pytest.raises(AssertionError, match=r"^BP1, layer 2, sigmoid, off: off by"):
        check_equations(*at)


def test_a_wrong_pair_fails_naming_bp1_and_the_pair():
    """The quadratic cost's delta is a - y after identity, and nowhere else."""
    pair = Pair(costs.quadratic.value, lambda z, a, y: a - y)
    cost = replace(costs.quadratic, name="off", pairs=((activations.sigmoid, pair),))
    at = point([3, 4, 3], ["tanh", "sigmoid"], cost)
    with pytest.raises(AssertionError, match=r"^BP1, layer 2, sigmoid, as paired with off"):
        check_equations(*at)


@pytest.mark.parametrize(("name", "number"), [("bp3", 3), ("bp4", 4)])
def test_a_wrong_sum_over_samples_fails_naming_bp3_or_bp4(monkeypatch, name, number):
    right = globals()[name]
    monkeypatch.setitem(globals(), name, lambda r, *arrays: right(1.001 * r, *arrays))
    at = point([3, 4, 3], ["tanh", "sigmoid"], "quadratic")
    with pytest.raises(AssertionError, match=rf"^BP{number}, layer 1, tanh: off by"):
        check_equations(*at)


def test_the_differences_are_taken_of_the_traces_own_cost():
    """`cost_from` and `mean_cost` are the network, from any of its layers on."""
    net, x, y = point([3, 5, 4, 4, 3], ["softmax", "relu", "tanh", "softmax"], "cross_entropy")
    trace = net.backprop(x, y)
    assert distance(mean_cost(net, (net.weights, net.biases), x, y), trace.cost.mean()) < 1e-14
    for layer, z in enumerate(trace.z):
        assert distance(cost_from(net, layer, z, y), trace.cost) < 1e-14
