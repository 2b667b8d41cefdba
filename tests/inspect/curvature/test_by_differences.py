"""The matrices of curvature, written out by differences: no peer is needed for their values."""

from functools import partial

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.activations import relu, sigmoid, softmax, tanh
from bpx.inspect import flatten, unflatten
from tests.peers import close, flat, random_samples

STEP = 1e-5
N = 4
DENSE = {
    "softmax": ([3, 4, 3], "tanh", "softmax", "cross_entropy"),
    "binary": ([3, 4, 2], "sigmoid", "sigmoid", "cross_entropy"),
    "book": ([3, 4, 2], "sigmoid", "sigmoid", "quadratic"),
    "squashed": ([3, 4, 3], "tanh", "softmax", "quadratic"),
    "regression": ([3, 3, 2], "silu", "identity", "quadratic"),
}
MIXED = [
    bpx.Dense(3, 4, tanh), bpx.Dropout(4, 0.5), bpx.Dense(4, 5, softmax),
    bpx.Dense(5, 3, sigmoid), bpx.Dropout(3, 0.0), bpx.Dense(3, 3, softmax),
]  # fmt: skip
STEEP = bpx.Elementwise(  # no pair with the cross-entropy
    "steep",
    lambda z: 1.0 / (1.0 + np.exp(-2.0 * z)),
    lambda z, a: 2.0 * a * (1.0 - a),
    lambda z, a: 4.0 * a * (1.0 - a) * (1.0 - 2.0 * a),
)
DENSE["no pair"] = [3, 4, 2], "tanh", STEEP, "binary_cross_entropy"
RESIDUAL = [
    bpx.Residual([bpx.Dense(3, 4, tanh), bpx.Dense(4, 3, sigmoid)]), bpx.Dense(3, 4, softmax),
    bpx.Residual([bpx.Dropout(4, 0.5), bpx.Residual([bpx.Dense(4, 4, tanh)])]),
    bpx.Dense(4, 3, softmax),
]  # fmt: skip
NORMED = [
    bpx.LayerNorm(3, 0.1), bpx.Dense(3, 4, tanh), bpx.LayerNorm(4, 0.1), bpx.Dropout(4, 0.5),
    bpx.Dense(4, 3, softmax),
]  # fmt: skip
STRAIGHT = [bpx.Dense(3, 4, relu), bpx.Dropout(4, 0.5), bpx.Dense(4, 3, softmax)]


class Problem:
    """A network with its samples, and its derivatives by central differences."""

    def __init__(self, name):
        if name in DENSE:
            sizes, hidden, output, cost = DENSE[name]
            settings = {"hidden": hidden, "output": output, "cost": cost}
        else:
            named = {"mixed": MIXED, "residual": RESIDUAL, "straight": STRAIGHT}
            sizes = (named | {"normed": NORMED})[name]
            settings = {"cost": "cross_entropy"}
        self.net = bpx.Network(sizes, seed=1, dtype="float64", backend="numpy", **settings)
        self.x, self.y = random_samples(self.net, N)
        if self.net.spec.cost.name == "binary_cross_entropy":
            self.y = np.random.default_rng(5).uniform(0.1, 0.9, (N, self.net.sizes[-1]))
        rng = np.random.default_rng(2)
        start = flatten(self.net.parameters)
        self.at = start + 0.3 * rng.standard_normal(start.shape)
        self.direction = rng.standard_normal(start.shape)
        self.net.parameters = self.moved(self.at)
        self.args = (
            self.net.spec,
            self.net.parameters,
            self.net.backprop(self.x, self.y),
            self.y,
        )

    def moved(self, vector):
        return unflatten(vector, self.net.parameters)

    def slopes(self, of):
        """By each parameter, in the last axis."""
        basis = STEP * np.eye(self.at.size)
        return np.stack([(of(self.at + e) - of(self.at - e)) / (2 * STEP) for e in basis], -1)

    def gradient(self, vector):
        return flat(bpx.backprop(self.net.spec, self.moved(vector), self.x, self.y).gradients)

    def output(self, vector, what):
        return getattr(bpx.forward(self.net.spec, self.moved(vector), self.x), what)[-1]

    def costs(self, vector):
        return bpx.backprop(self.net.spec, self.moved(vector), self.x, self.y).cost

    @property
    def roots(self):
        """Of each sample S with S^T S = J^T H J, shape (n, k, p)."""
        a = self.output(self.at, "a")
        if self.net.spec.cost.name == "quadratic":  # H by a^L is 1
            return self.slopes(partial(self.output, what="a"))
        if self.net.spec.output is STEEP:
            h = self.y / a**2 + (1.0 - self.y) / (1.0 - a) ** 2
            return np.sqrt(h)[..., None] * self.slopes(partial(self.output, what="a"))
        if self.net.spec.cost.name == "binary_cross_entropy":
            h = [np.diag(row * (1.0 - row)) for row in a]
        else:
            h = [np.diag(row) - np.outer(row, row) for row in a]
        jacobians = self.slopes(partial(self.output, what="z"))
        values, vectors = zip(*map(np.linalg.eigh, h), strict=True)
        each = zip(values, vectors, jacobians, strict=True)
        return np.stack([np.sqrt(v.clip(0.0))[:, None] * (u.T @ j) for v, u, j in each])

    @property
    def ggn(self):
        return np.einsum("nkp,nkq->pq", self.roots, self.roots) / N


@pytest.fixture(scope="module", params=[*DENSE, "mixed", "residual", "straight", "normed"])
def problem(request):
    return Problem(request.param)


def test_the_hessian(problem):
    found = inspect.hessian_vector_product(*problem.args, problem.moved(problem.direction))
    close(flat(found), problem.slopes(problem.gradient) @ problem.direction, 1e-7)


def test_the_ggn_and_the_fisher(problem):
    v, expected = problem.moved(problem.direction), problem.ggn @ problem.direction
    products = [inspect.ggn_vector_product]
    if problem.net.spec.output is not STEEP:  # of which no labels are drawn
        products.append(inspect.fisher_vector_product)
    # Each needs a pass forward, and no delta.
    forward = problem.net.spec, problem.net.parameters, problem.net.forward(problem.x)
    for product in products:
        close(flat(product(*problem.args, v)), expected, 1e-7)
        close(flat(product(*forward, problem.y, v)), expected, 1e-7)
        close(flat(product(problem.net, problem.x, problem.y, v)), expected, 1e-7)


def test_the_diagonal(problem):
    close(flat(inspect.ggn_diagonal(*problem.args)), np.diag(problem.ggn), 1e-7)


def test_the_empirical_fisher(problem):
    each, v = problem.slopes(problem.costs), problem.direction
    found = inspect.empirical_fisher_vector_product(problem.args[2], problem.moved(v))
    close(flat(found), each.T @ (each @ v) / N, 1e-7)


def test_the_kronecker_factors(problem):
    """G of the derivatives by the biases, which are those by z; A of what enters a layer."""
    net, x = problem.net, problem.x
    at_biases = [flat_places(net, i) for i in range(len(net.biases))]
    fed = [kept.a_prev for kept in net.forward(x).layers if hasattr(kept, "a_prev")]
    costs = problem.slopes(problem.costs)[:, None, :]
    for kind, roots in (("exact", problem.roots), ("empirical", costs)):
        found = inspect.kfac(*problem.args, kind=kind)
        assert len(found.A) == len(found.G) == len(fed)
        for a, g, enters, at in zip(*found, fed, at_biases, strict=True):
            with_one = np.concatenate([enters, np.ones((N, 1))], axis=1)
            close(a, with_one.T @ with_one / N)
            part = roots[..., at]
            close(g, np.einsum("nkp,nkq->pq", part, part) / N, 1e-7)


def flat_places(net, i):
    """Where in the vector of all parameters the biases of a Dense layer are."""
    place = net.spec.places[i]
    w, b = net.parameters.layers[place]
    before = sum(p.size for entry in net.parameters.layers[:place] for p in entry) + w.size
    return slice(before, before + b.size)
