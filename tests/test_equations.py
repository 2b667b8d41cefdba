"""Each equation alone, against loops over samples and units written from the book."""

from math import cosh, exp, log, tanh

import numpy as np
import pytest

import bpx
from bpx import activations
from bpx.equations import bp1, bp2, bp3, bp4, forward

# (n, k_prev, k): a single sample, a single unit, wide, narrow.
SHAPES = [(1, 1, 1), (1, 3, 2), (5, 4, 3), (6, 1, 4), (3, 5, 1)]
PRIMES = {
    "sigmoid": lambda z: exp(-z) / (1.0 + exp(-z)) ** 2,
    "tanh": lambda z: 1.0 / cosh(z) ** 2,
    "relu": lambda z: 1.0 if z > 0 else 0.0,
    "softplus": lambda z: 1.0 / (1.0 + exp(-z)),  # of z, not of a
    "identity": lambda z: 1.0,
}
SIGMAS = {
    "sigmoid": lambda z: 1.0 / (1.0 + exp(-z)),
    "tanh": tanh,
    "relu": lambda z: max(z, 0.0),
    "softplus": lambda z: log(1.0 + exp(z)),
    "identity": lambda z: z,
}

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
elementwise = pytest.mark.parametrize("name", PRIMES)


def draw(*shapes):
    rng = np.random.default_rng(sum(map(sum, shapes)))
    return [rng.standard_normal(shape) for shape in shapes]


def weights_of(kind, n):
    """The forms that r takes: a number, a column, a column with zeros for padding."""
    if kind == "float":
        return 1.0 / n, [1.0 / n] * n
    column = np.random.default_rng(n).uniform(0.1, 2.0, (n, 1))
    if kind == "padded":
        column[::2] = 0.0
    return column, column[:, 0].tolist()


rs = pytest.mark.parametrize("kind", ["float", "column", "padded"])


def assert_close(got, expected):
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)


@shapes
def test_forward(shape):
    n, k_prev, k = shape
    w, b, a_prev = draw((k, k_prev), (k,), (n, k_prev))
    z = [
        [sum(w[j, i] * a_prev[x, i] for i in range(k_prev)) + b[j] for j in range(k)]
        for x in range(n)
    ]
    assert_close(forward(w, b, a_prev), z)


@shapes
@elementwise
def test_bp1(shape, name):
    n, _, k = shape
    z, grad_a = draw((n, k), (n, k))
    a = np.vectorize(SIGMAS[name], otypes=[float])(z)
    delta = [[grad_a[x, j] * PRIMES[name](z[x, j]) for j in range(k)] for x in range(n)]
    assert_close(bp1(activations.get(name), z, a, grad_a), delta)


@shapes
@elementwise
def test_bp2(shape, name):
    n, k_next, k = shape
    z, w_next, delta_next = draw((n, k), (k_next, k), (n, k_next))
    a = np.vectorize(SIGMAS[name], otypes=[float])(z)
    delta = [
        [
            sum(w_next[i, j] * delta_next[x, i] for i in range(k_next)) * PRIMES[name](z[x, j])
            for j in range(k)
        ]
        for x in range(n)
    ]
    assert_close(bp2(activations.get(name), z, a, w_next, delta_next), delta)


def softmax_row(z):
    e = [exp(each) for each in z]
    return [each / sum(e) for each in e]


def softmax_error(z, g):
    """The sum over j of da_j/dz_i g_j, with da_j/dz_i = a_j (1 if i = j else 0) - a_j a_i."""
    a = softmax_row(z)
    return [
        sum((a[j] * (i == j) - a[j] * a[i]) * g[j] for j in range(len(a)))
        for i in range(len(a))
    ]


@shapes
def test_bp1_and_bp2_through_an_activation_that_couples_its_row(shape):
    n, k_next, k = shape
    z, g, w_next, delta_next = draw((n, k), (n, k), (k_next, k), (n, k_next))
    a = np.array([softmax_row(row) for row in z])
    sent = [
        [sum(w_next[i, j] * delta_next[x, i] for i in range(k_next)) for j in range(k)]
        for x in range(n)
    ]
    softmax = activations.softmax
    assert_close(bp1(softmax, z, a, g), [softmax_error(z[x], g[x]) for x in range(n)])
    assert_close(
        bp2(softmax, z, a, w_next, delta_next),
        [softmax_error(z[x], sent[x]) for x in range(n)],
    )


@shapes
@rs
def test_bp3(shape, kind):
    n, _, k = shape
    (delta,) = draw((n, k))
    r, listed = weights_of(kind, n)
    expected = [sum(listed[x] * delta[x, j] for x in range(n)) for j in range(k)]
    assert_close(bp3(r, delta), expected)


@shapes
@rs
def test_bp4(shape, kind):
    n, k_prev, k = shape
    delta, a_prev = draw((n, k), (n, k_prev))
    r, listed = weights_of(kind, n)
    expected = [
        [sum(listed[x] * a_prev[x, i] * delta[x, j] for x in range(n)) for i in range(k_prev)]
        for j in range(k)
    ]
    assert_close(bp4(r, delta, a_prev), expected)


def test_rows_of_zero_weight_are_as_good_as_absent():
    delta, a_prev = draw((6, 3), (6, 4))
    r = np.array([[0.5], [0.0], [0.25], [0.0], [1.0], [0.0]])
    kept = r[:, 0] > 0
    assert_close(bp3(r, delta), bp3(r[kept], delta[kept]))
    assert_close(bp4(r, delta, a_prev), bp4(r[kept], delta[kept], a_prev[kept]))


# What delta for each sample makes free.


def network(**settings):
    return bpx.Network([4, 5, 3, 2], seed=3, backend="numpy", dtype="float64", **settings)


def samples(n=6):
    x, y = draw((n, 4), (n, 2))
    return x, 1.0 / (1.0 + np.exp(-y))


def one_by_one(net, x, y):
    """The gradient of each sample's own cost: C is C_x where n is 1."""
    return [net.backprop(x[i : i + 1], y[i : i + 1]).gradients for i in range(len(x))]


def squared_norm(gradients):
    return sum(float((each**2).sum()) for each in (*gradients.w, *gradients.b))


SETTINGS = [
    {"cost": "quadratic"},
    {"cost": "cross_entropy"},
    {"hidden": "tanh", "output": "identity"},
]
settings = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(s.values()))


@settings
def test_norm_of_each_samples_gradient(settings):
    net, (x, y) = network(**settings), samples()
    trace = net.backprop(x, y)
    squares = sum(
        (delta**2).sum(axis=1) * ((a**2).sum(axis=1) + 1.0)
        for delta, a in zip(trace.delta, trace.a[:-1], strict=True)
    )
    expected = [squared_norm(gradients) for gradients in one_by_one(net, x, y)]
    assert min(expected) > 1e-4
    np.testing.assert_allclose(squares, expected, rtol=1e-12)


@settings
def test_clipping_a_samples_gradient_is_scaling_its_rows_of_delta(settings):
    net, (x, y) = network(**settings), samples()
    apart = one_by_one(net, x, y)
    norms = np.sqrt([squared_norm(gradients) for gradients in apart])
    factors = np.minimum(1.0, np.median(norms) / norms)
    assert 0 < (factors < 1.0).sum() < len(x)

    trace = net.backprop(x, y)
    weighted = net.backprop(x, y, r=factors[:, None] / len(x))
    for layer, (delta, a_prev) in enumerate(zip(trace.delta, trace.a[:-1], strict=True)):
        clipped = factors[:, None] * delta
        w = sum(f * g.w[layer] for f, g in zip(factors, apart, strict=True)) / len(x)
        b = sum(f * g.b[layer] for f, g in zip(factors, apart, strict=True)) / len(x)
        assert_close(bp4(1.0 / len(x), clipped, a_prev), w)
        assert_close(bp3(1.0 / len(x), clipped), b)
        assert_close(weighted.gradients.w[layer], w)
        assert_close(weighted.gradients.b[layer], b)


def test_delta_is_not_divided_by_n():
    net, (x, y) = network(), samples()
    whole = net.backprop(x, y)
    for i in range(len(x)):
        alone = net.backprop(x[i : i + 1], y[i : i + 1])
        for delta, row in zip(whole.delta, alone.delta, strict=True):
            assert_close(delta[i : i + 1], row)
