"""Initial weights and biases: their distributions, and which draw is whose."""

from math import sqrt

import numpy as np
import pytest

import bpx
from bpx import activations, initializers
from bpx.activations import ACTIVATIONS, Elementwise
from bpx.initializers import INITIALIZERS, Initializer

N_OUT, N_IN = 300, 500
COUNT = N_OUT * N_IN
VARIANCES = {
    "book": 1 / N_IN,
    "book_large": 1.0,
    "glorot_normal": 2 / (N_IN + N_OUT),
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "lecun_normal": 1 / N_IN,
    "lecun_uniform": 1 / N_IN,
}
LIMITS = {  # of the uniform ones, from the papers
    "glorot_uniform": sqrt(6 / (N_IN + N_OUT)),
    "he_uniform": sqrt(6 / N_IN),
    "lecun_uniform": sqrt(3 / N_IN),
}
NORMAL = sorted(set(VARIANCES) - set(LIMITS))


def rng(seed=0):
    return np.random.default_rng(seed)


def weights(name, n_out=N_OUT, n_in=N_IN, seed=0):
    w = INITIALIZERS[name].weights(rng(seed), n_out, n_in)
    assert w.shape == (n_out, n_in)
    assert w.dtype == np.float64
    return w


def network(sizes=(4, 6, 6, 3), **settings):
    return bpx.Network(list(sizes), **{"seed": 0, "backend": "numpy", **settings})


def test_every_initializer_is_tried_here():
    assert {*VARIANCES, "orthogonal", "zeros"} == set(INITIALIZERS)
    assert all(name == each.name for name, each in INITIALIZERS.items())


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance(name):
    w, variance = weights(name), VARIANCES[name]
    excess = -6 / 5 if name in LIMITS else 0.0  # the kurtosis beyond a Gaussian's
    assert abs(w.mean()) < 5 * sqrt(variance / COUNT)
    assert abs((w**2).mean() / variance - 1) < 5 * sqrt((2 + excess) / COUNT)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_ones_are_gaussian(name):
    x = weights(name) / sqrt(VARIANCES[name])
    assert abs((x**4).mean() - 3) < 5 * sqrt(96 / COUNT)
    assert abs((np.abs(x) < 1).mean() - 0.6826894921) < 5 * sqrt(0.2166 / COUNT)


@pytest.mark.parametrize("name", LIMITS)
def test_uniform_ones_fill_their_interval(name):
    w, limit = weights(name), LIMITS[name]
    assert np.abs(w).max() <= limit
    # The largest of COUNT draws falls short by 1/COUNT on average.
    assert w.max() > limit * (1 - 25 / COUNT)
    assert w.min() < -limit * (1 - 25 / COUNT)
    counts = np.histogram(w, bins=50, range=(-limit, limit))[0]
    assert ((counts - COUNT / 50) ** 2).sum() / (COUNT / 50) < 49 + 5 * sqrt(2 * 49)


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"book", "book_large"}))
def test_biases_are_zero(name):
    b = INITIALIZERS[name].biases(rng(), 50)
    assert (b.shape, b.dtype) == ((50,), np.float64)
    assert (b == 0.0).all()


@pytest.mark.parametrize("name", ["book", "book_large"])
def test_the_books_biases_are_standard_normal(name):
    b = INITIALIZERS[name].biases(rng(), COUNT)
    assert (b.shape, b.dtype) == ((COUNT,), np.float64)
    assert abs(b.mean()) < 5 * sqrt(1 / COUNT)
    assert abs((b**2).mean() - 1) < 5 * sqrt(2 / COUNT)
    assert abs((b**4).mean() - 3) < 5 * sqrt(96 / COUNT)


def test_zeros():
    assert (weights("zeros") == 0.0).all()


@pytest.mark.parametrize("shape", [(20, 7), (7, 20), (9, 9), (1, 5), (5, 1)], ids=str)
def test_orthogonal_rows_or_columns(shape):
    w = weights("orthogonal", *shape)
    gram = w @ w.T if shape[0] <= shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-13)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (1, 1)], ids=str)
def test_orthogonal_prefers_no_direction(shape):
    """Each element has mean 0 and mean square 1/k: the signs of R's diagonal are taken out."""
    draws = np.array([weights("orthogonal", *shape, seed=seed) for seed in range(500)])
    k = max(shape)
    assert (np.abs(draws.mean(axis=0)) < 5 * sqrt(1 / k / 500)).all()
    spread = sqrt((3 / (k * (k + 2)) - 1 / k**2) / 500)
    assert (np.abs((draws**2).mean(axis=0) - 1 / k) < 5 * spread + 1e-12).all()


# Which one a layer gets


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_default_by_activation(name):
    rectifiers = {"relu", "leaky_relu", "elu", "softplus", "gelu_tanh", "silu"}
    expected = "book" if name == "sigmoid" else "he_normal" if name in rectifiers else None
    chosen = initializers.default(ACTIVATIONS[name])
    assert chosen is INITIALIZERS[expected or "glorot_normal"]


def test_default_of_an_activation_of_ones_own():
    own = Elementwise("relu", lambda z: z, lambda z, a: 1.0 + 0.0 * z)  # by value, not name
    assert initializers.default(own) is INITIALIZERS["glorot_normal"]


def test_a_network_takes_each_layers_default():
    net = network(hidden="relu", output="sigmoid", dtype="float64")
    he, book = (network(init=name, dtype="float64") for name in ("he_normal", "book"))
    for layer, same in enumerate([he, he, book]):
        assert np.array_equal(net.weights[layer], same.weights[layer])
        assert np.array_equal(net.biases[layer], same.biases[layer])
    assert [bool((b == 0).all()) for b in net.biases] == [True, True, False]


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_a_network_takes_the_one_it_is_given(name):
    by_name, by_value = network(init=name), network(init=INITIALIZERS[name])
    assert all(map(np.array_equal, by_name.weights, by_value.weights))
    assert all(map(np.array_equal, by_name.biases, by_value.biases))
    if name != "zeros":
        assert not np.array_equal(by_name.weights[0], network(init="zeros").weights[0])


# Which draw is whose


def arrays(net):
    return [*net.weights, *net.biases]


def test_the_same_seed_is_the_same_network():
    assert all(map(np.array_equal, arrays(network(seed=5)), arrays(network(seed=5))))
    pairs = zip(arrays(network(seed=5)), arrays(network(seed=6)), strict=True)
    assert not any(np.array_equal(*pair) for pair in pairs)


def test_a_drawn_seed_is_recorded():
    net = network(seed=None)
    assert all(map(np.array_equal, arrays(net), arrays(network(seed=net.seed))))
    assert network(seed=None).seed != net.seed


def test_no_two_arrays_share_a_draw():
    # Width 1, so that weights and biases are of a length; book_large, so that they are N(0, 1).
    net = network((1, 8, 1, 8, 1, 8), init="book_large", dtype="float64")
    drawn = [tuple(array.ravel()) for array in arrays(net)]
    assert len(set(drawn)) == len(drawn)
    starts = [numbers[0] for numbers in drawn]
    assert len(set(starts)) == len(starts)


def test_a_layers_draw_does_not_depend_on_the_others():
    net, wider = network((4, 6, 6, 3)), network((9, 6, 6, 5, 5))
    assert np.array_equal(net.weights[1], wider.weights[1])
    assert np.array_equal(net.biases[1], wider.biases[1])


def test_weights_are_drawn_in_double_precision_and_cast():
    single, double = network(dtype="float32"), network(dtype="float64")
    for narrow, wide in zip(arrays(single), arrays(double), strict=True):
        assert (narrow.dtype, wide.dtype) == (np.float32, np.float64)
        assert np.array_equal(narrow, wide.astype(np.float32))
        assert not np.array_equal(wide, narrow.astype(np.float64))


# One of one's own, and what is refused


def test_an_initializer_of_ones_own():
    constant = Initializer(
        "constant",
        lambda rng, n_out, n_in: np.full((n_out, n_in), 0.5),
        lambda rng, n: np.arange(n),
    )
    assert initializers.get(constant) is constant
    net = network((2, 3, 1), init=constant)
    assert net.weights[0].tolist() == [[0.5, 0.5]] * 3
    assert net.biases[0].tolist() == [0.0, 1.0, 2.0]
    assert net.weights[0].dtype == net.biases[0].dtype == np.float32


def test_an_initializer_that_draws_another_shape_is_refused():
    flat = Initializer(
        "flat", lambda rng, n_out, n_in: np.zeros((n_in, n_out)), lambda rng, n: np.zeros(n)
    )
    with pytest.raises(bpx.InputError, match=r"\[\(2, 3\)\] .* \[\(3, 2\)\]"):
        network((2, 3), init=flat)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("he_norma", "he_normal"), ("glorot", "glorot_normal"), ("zero", "zeros")],
)
def test_an_unknown_name_is_told_the_nearest(given, meant):
    with pytest.raises(bpx.InputError) as caught:
        network(init=given)
    assert f"did you mean {meant!r}?" in str(caught.value)
    assert all(name in str(caught.value) for name in INITIALIZERS)


@pytest.mark.parametrize("given", [np.zeros, 3], ids=["function", "number"])
def test_what_is_no_initializer_is_refused(given):
    with pytest.raises(bpx.InputError, match=r"bpx\.Initializer of your own"):
        initializers.get(given)


def test_initializers_are_hashable_values():
    assert len({*INITIALIZERS.values(), *INITIALIZERS.values()}) == len(INITIALIZERS)
    assert activations.sigmoid not in INITIALIZERS.values()
