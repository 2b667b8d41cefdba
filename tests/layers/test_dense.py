"""A Dense layer: its equations, what it saves, and what the sums over the samples leave out."""

import numpy as np
import pytest

import bpx
from bpx import equations
from bpx.initializers import Initializer
from bpx.layers import Context, Dense
from bpx.layers.dense import DenseMoved, DenseParameters, DenseSaved, UnbiasedSaved
from tests.backends import host
from tests.peers import close

N, N_IN, N_OUT = 6, 4, 3
TANH = bpx.activations.tanh
IDENTITY = bpx.activations.identity
SOFTMAX = bpx.activations.softmax
LAYER = Dense(N_IN, N_OUT, TANH)
each_activation = pytest.mark.parametrize(
    "sigma", [TANH, IDENTITY, SOFTMAX], ids=lambda sigma: sigma.name
)


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def ran(layer=LAYER, seed=0):
    """Parameters, what the forward pass saved, and some g of the layer above."""
    p = DenseParameters(normal(layer.n_out, layer.n_in, seed=seed), normal(layer.n_out))
    saved = layer.forward(p, normal(N, layer.n_in, seed=seed + 1), Context())
    return p, saved, normal(N, layer.n_out, seed=seed + 2)


def direction(seed=5):
    return DenseParameters(normal(N_OUT, N_IN, seed=seed), normal(N_OUT, seed=seed))


# What it is


def test_equal_layers_have_equal_hashes():
    assert Dense(4, 3, TANH) == LAYER != Dense(4, 3, IDENTITY)
    assert hash(Dense(4, 3, TANH)) == hash(LAYER)
    with pytest.raises(AttributeError):
        LAYER.n_in = 5
    assert (LAYER.kind, LAYER.couples_samples, LAYER.draws) == ("dense", False, False)


def test_its_parameters_are_named():
    assert LAYER.shapes == {"w": (3, 4), "b": (3,)}
    assert LAYER.entry({"b": "biases", "w": "weights"}) == DenseParameters("weights", "biases")


def test_without_biases_there_is_no_b():
    layer = Dense(N_IN, N_OUT, TANH, bias=False)
    assert layer != LAYER
    assert layer.shapes == {"w": (3, 4)}
    assert layer.entry({"w": "weights"}) == DenseParameters("weights", None)
    drawn = layer.draw(None, lambda purpose: np.random.default_rng(1))
    assert list(drawn) == ["w"]
    p, a = DenseParameters(normal(3, 4)), normal(N, 4)
    saved = layer.forward(p, a, Context())
    assert isinstance(saved, UnbiasedSaved)
    close(saved.z, a @ p.w.T)


def test_it_is_shown_with_the_options_that_were_chosen():
    assert repr(LAYER) == "Dense(n_in=4, n_out=3, activation=<bpx.Elementwise 'tanh'>)"
    assert repr(Dense(4, 3, TANH, bias=True, l1=0, l2=0.0, max_norm=None)) == repr(LAYER)
    shown = repr(Dense(4, 3, TANH, bias=False, l2=0.5, max_norm=3))
    assert shown == (
        "Dense(n_in=4, n_out=3, activation=<bpx.Elementwise 'tanh'>, bias=False, l2=0.5, "
        "max_norm=3.0)"
    )


@pytest.mark.parametrize("option", [{"l1": 0.5}, {"l2": 0.5}, {"max_norm": 1}, {"bias": False}])
def test_an_option_makes_another_layer(option):
    layer = Dense(4, 3, TANH, **option)
    assert layer == Dense(4, 3, TANH, **option) != LAYER
    assert hash(layer) == hash(Dense(4, 3, TANH, **option)) != hash(LAYER)
    assert eval(repr(layer).replace("<bpx.Elementwise 'tanh'>", "TANH")) == layer


@pytest.mark.parametrize("name", ["l1", "l2", "max_norm"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "1", True])
def test_options_that_are_no_such_numbers(name, value):
    with pytest.raises(bpx.InputError, match=f"^{name}=.* was given; expected a "):
        Dense(4, 3, TANH, **{name: value})


def test_there_is_a_limit_or_none():
    with pytest.raises(bpx.InputError, match=r"max_norm=0.* a positive number of .*, or N"):
        Dense(4, 3, TANH, max_norm=0.0)
    with pytest.raises(bpx.InputError, match=r"l1=None was given; expected a number of at le"):
        Dense(4, 3, TANH, l1=None)
    with pytest.raises(TypeError, match="positional"):
        Dense(4, 3, TANH, False)


def test_the_penalty_has_the_gradient_of_its_value():
    """Against differences, of l1 ‖w‖_1 + ½ l2 ‖w‖² along a direction; not at a w of 0."""
    layer, h = Dense(N_IN, N_OUT, TANH, l1=0.3, l2=0.7), 1e-6
    w, v = normal(N_OUT, N_IN), normal(N_OUT, N_IN, seed=1)

    def value(w):
        return 0.3 * np.abs(w).sum() + 0.35 * (w * w).sum()

    start = DenseParameters(normal(N_OUT, N_IN, seed=2), normal(N_OUT))
    found = layer.penalised(start, DenseParameters(w, normal(N_OUT, seed=3)))
    slope = (value(w + h * v) - value(w - h * v)) / (2.0 * h)
    close(((found.w - start.w) * v).sum(), slope, 1e-8)
    assert found.b is start.b
    at_0 = layer.penalised(start, DenseParameters(0.0 * w))
    np.testing.assert_array_equal(at_0.w, start.w)


def test_long_rows_are_scaled_and_others_stay(target):
    w = np.array([[3.0, 0.0, 4.0], [0.6, 0.8, 0.0], [0.1, -0.2, 0.3], [0.0, 0.0, 0.0]])
    layer = Dense(3, 4, TANH, max_norm=1.0)
    b = target.asarray(normal(4), "float64")
    found = layer.constrained(DenseParameters(target.asarray(w, "float64"), b))
    assert found.b is b
    np.testing.assert_allclose(host(found.w)[0], [0.6, 0.0, 0.8], rtol=1e-15)
    np.testing.assert_array_equal(host(found.w)[2:], w[2:])
    again = host(layer.constrained(found).w)
    np.testing.assert_allclose(again, host(found.w), rtol=1e-15)


def test_rows_that_are_not_finite_are_not_hidden():
    w = np.array([[np.nan, 1.0], [np.inf, 1.0], [5.0, 0.0]])
    layer = Dense(2, 3, TANH, max_norm=1.0)
    with np.errstate(invalid="ignore"):
        found = layer.constrained(DenseParameters(w, None)).w
    assert [bool(np.isfinite(row).all()) for row in found] == [False, False, True]


@pytest.mark.parametrize("bias", [0, 1, None, "no"])
def test_whether_there_are_biases_is_true_or_false(bias):
    with pytest.raises(bpx.InputError, match=f"bias={bias!r} was given; expected True or F"):
        Dense(4, 3, TANH, bias=bias)


def test_it_draws_by_the_initializer_each_array_from_its_own_purpose():
    asked = []

    def rng(purpose):
        asked.append(purpose)
        return np.random.default_rng(len(asked))

    ones = Initializer("ones", lambda rng, *shape: np.ones(shape), lambda rng, n: np.ones(n))
    drawn = LAYER.draw(ones, rng)
    assert asked == ["weights", "biases"]
    assert (drawn["w"] == np.ones((3, 4))).all()
    assert {name: array.shape for name, array in drawn.items()} == LAYER.shapes
    named, by_itself = (
        LAYER.draw(init, lambda _: np.random.default_rng(0))["w"]
        for init in (bpx.initializers.default(TANH), None)
    )
    assert (named == by_itself).all()
    assert named.std() > 0.0


# The equations of the book


@each_activation
def test_forward_and_back_are_the_books(target, sigma):
    layer = Dense(N_IN, N_OUT, sigma)
    p, saved, g = ran(layer)
    there = DenseParameters(*(target.asarray(each, "float64") for each in p))
    kept = layer.forward(there, target.asarray(saved.a_prev, "float64"), Context())
    assert isinstance(kept, DenseSaved)
    z = saved.a_prev @ p.w.T + p.b
    a = {"tanh": np.tanh(z), "identity": z}.get(sigma.name, np.exp(z))
    a = a / a.sum(axis=1, keepdims=True) if sigma is SOFTMAX else a
    close(kept.a_prev, saved.a_prev)
    close(kept.z, z)
    close(kept.a, a)
    delta = layer.error(kept, target.asarray(g, "float64"))
    slope = {"tanh": 1.0 - a * a, "identity": np.ones_like(a)}.get(sigma.name)
    by_hand = a * (g - (g * a).sum(axis=1, keepdims=True)) if sigma is SOFTMAX else g * slope
    close(delta, by_hand)
    close(layer.send_back(there, kept, delta), by_hand @ p.w)
    r = target.asarray(np.arange(N)[:, None], "float64")
    gradients = kept.gradients(r, delta)
    close(gradients.w, np.einsum("n,nj,nk->jk", np.arange(N), by_hand, saved.a_prev))
    close(gradients.b, np.arange(N) @ by_hand)


# The equations differentiated once


@each_activation
def test_derivatives_along_a_direction(sigma):
    """Against central differences of the layer's own equations."""
    layer, h = Dense(N_IN, N_OUT, sigma), 1e-6
    p, saved, g = ran(layer)
    v, ra_prev, rg = direction(), normal(N, N_IN, seed=8), normal(N, N_OUT, seed=9)

    def at(t):
        moved = DenseParameters(p.w + t * v.w, p.b + t * v.b)
        kept = layer.forward(moved, saved.a_prev + t * ra_prev, Context())
        delta = layer.error(kept, g + t * rg)
        return (
            kept.z,
            kept.a,
            delta,
            layer.send_back(moved, kept, delta),
            *kept.gradients(0.25, delta),
        )

    slopes = [(u - w) / (2.0 * h) for u, w in zip(at(h), at(-h), strict=True)]
    moved = layer.r_forward(p, v, saved, ra_prev)
    delta, rdelta = layer.error(saved, g), layer.r_error(saved, moved, g, rg)
    found = (
        moved.z,
        layer.r_output(saved, moved),
        rdelta,
        layer.r_send_back(p, v, saved, moved, delta, rdelta),
        *layer.r_gradients(0.25, saved, moved, delta, rdelta),
    )
    for one, slope in zip(found, slopes, strict=True):
        close(one, slope, 1e-7)


def test_where_the_inputs_stand_still_none_is_written():
    p, saved, g = ran()
    moved = LAYER.r_forward(p, direction(), saved, None)
    still = LAYER.r_forward(p, direction(), saved, np.zeros((N, N_IN)))
    assert moved.a_prev is None
    close(moved.z, still.z)
    delta, rdelta = LAYER.error(saved, g), LAYER.r_error(saved, moved, g, g)
    for one, other in zip(
        LAYER.r_gradients(1.0, saved, moved, delta, rdelta),
        LAYER.r_gradients(1.0, saved, still, delta, rdelta),
        strict=True,
    ):
        close(one, other)


def test_a_straight_activation_does_not_bend_and_reads_no_g():
    layer = Dense(N_IN, N_OUT, IDENTITY)
    assert LAYER.bends
    assert not layer.bends
    _, saved, rg = ran(layer)
    assert (layer.r_error(saved, DenseMoved(None, rg), None, rg) == rg).all()


def test_its_gradients_are_the_equations():
    _, saved, delta = ran()
    found = saved.gradients(0.5, delta)
    assert (found.w == equations.bp4(0.5, delta, saved.a_prev)).all()
    assert (found.b == equations.bp3(0.5, delta)).all()
