"""Layers in 16 bits, on their own: what is computed in which dtype, and how close it is."""

import numpy as np
import pytest

import bpx
from bpx.arrays.registry import dtype_name
from bpx.layers.half import HalfDense, Wide, halved, narrowed, widened
from bpx.layers.layer import Context
from bpx.layers.residual import Add
from bpx.optim.trees import mapped
from bpx.program.operation import HALVES
from tests.backends import Target, host, problem

RNG = np.random.default_rng(0)
EPSILON = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""The largest relative error of one rounding."""


@pytest.fixture(params=[Target.TORCH, Target.JAX_EAGER], ids=["torch", "jax"])
def target(request):
    if reason := problem(request.param.spec):
        pytest.skip(reason)
    return request.param


def entry(target, layer):
    net = target.network([layer, bpx.Dense(layer.n_out, 1, "identity")], seed=0)
    return net.parameters.layers[0]


def run(target, layer, half, x, g):
    """What a layer saves, its delta, what it sends back and its gradients, in 16 bits."""
    (made,) = halved((layer, layer), half)[:1]
    parameters = mapped(lambda w: narrowed(w, half), entry(target, layer))
    saved = made.forward(parameters, target.asarray(x), Context(True))
    delta = made.error(saved, target.asarray(g))
    return saved, delta, made.send_back(parameters, saved, delta), saved.gradients(1.0, delta)


def exact(target, layer, x, g):
    parameters = entry(target, layer)
    saved = layer.forward(parameters, target.asarray(x), Context(True))
    delta = layer.error(saved, target.asarray(g))
    return saved, delta, layer.send_back(parameters, saved, delta), saved.gradients(1.0, delta)


def near(found, expected, within):
    found, expected = host(found).astype("float64"), host(expected).astype("float64")
    assert np.linalg.norm(found - expected) <= within * np.linalg.norm(expected)


@pytest.mark.parametrize("half", HALVES)
def test_rounding_and_back(target, half):
    x = target.asarray([1.0, 1.0 + EPSILON[half] / 2, 1.0 + 2 * EPSILON[half], 3e-6])
    found = narrowed(x, half)
    assert dtype_name(found) == half
    assert dtype_name(widened(found)) == "float32"
    np.testing.assert_allclose(
        host(widened(found))[:3], [1.0, 1.0, 1.0 + 2 * EPSILON[half]], rtol=0
    )


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("activation", bpx.activations.ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_as_close_as_the_mantissa_allows(target, half, activation, bias):
    layer = bpx.Dense(12, 7, activation, bias=bias)
    x, g = RNG.standard_normal((9, 12)), RNG.standard_normal((9, 7))
    found, expected = run(target, layer, half, x, g), exact(target, layer, x, g)
    within = 6 * EPSILON[half]
    for name in ("a_prev", "z", "a"):
        assert dtype_name(getattr(found[0], name)) == half
        near(getattr(found[0], name), getattr(expected[0], name), within)
    near(found[1], expected[1], 2 * within)
    near(found[2], expected[2], 2 * within)
    assert [dtype_name(x) for x in found[1:3]] == [half, half]
    near(found[3].w, expected[3].w, 2 * within)
    assert dtype_name(found[3].w) == "float32"
    assert (found[3].b is None) == (not bias)
    if bias:
        near(found[3].b, expected[3].b, 2 * within)
        assert dtype_name(found[3].b) == "float32"


@pytest.mark.parametrize("half", HALVES)
def test_an_activation_rounds_once(target, half):
    x, g = RNG.standard_normal((9, 12)), RNG.standard_normal((9, 7))
    layer = bpx.Dense(12, 7, "gelu_tanh")
    saved, delta, *_ = run(target, layer, half, x, g)
    sigma, z, a = layer.activation, widened(saved.z), widened(saved.a)
    np.testing.assert_array_equal(host(saved.a), host(narrowed(sigma.sigma(z), half)))
    expected = narrowed(sigma.pullback(z, a, target.asarray(g)), half)
    np.testing.assert_array_equal(host(delta), host(expected))


def test_a_piecewise_linear_one_never_leaves_16_bits(target):
    seen = []

    def noted(z):
        seen.append(dtype_name(z))
        return bpx.namespace(z).maximum(z, 0.0)

    x, g = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 2))
    for second in (bpx.activations.flat, None):
        own = bpx.Elementwise("own", noted, lambda z, a: bpx.namespace(z).ones_like(z), second)
        (made, _) = halved((bpx.Dense(4, 2, own),) * 2, "bfloat16")
        parameters = mapped(
            lambda w: narrowed(w, "bfloat16"), entry(target, bpx.Dense(4, 2, "relu"))
        )
        saved = made.forward(parameters, target.asarray(x), Context(True))
        made.error(saved, target.asarray(g))
    assert seen == ["bfloat16", "float32"]


@pytest.mark.parametrize("half", HALVES)
def test_row_weights(target, half):
    layer = bpx.Dense(12, 7, "tanh")
    x, g = RNG.standard_normal((9, 12)), RNG.standard_normal((9, 7))
    r = RNG.random((9, 1))
    saved, delta, *_ = run(target, layer, half, x, g)
    exactly, true, *_ = exact(target, layer, x, g)
    found = saved.gradients(target.asarray(r), delta)
    expected = exactly.gradients(target.asarray(r), true)
    near(found.w, expected.w, 12 * EPSILON[half])
    near(found.b, expected.b, 12 * EPSILON[half])


def test_the_last_layer_is_float32_from_z_on(target):
    layer = bpx.Dense(4, 3, "softmax")
    made = halved((layer, layer), "bfloat16")[-1]
    assert (made.output, made.half) == (True, "bfloat16")
    parameters = mapped(lambda w: narrowed(w, "bfloat16"), entry(target, layer))
    x = target.asarray(RNG.standard_normal((5, 4)))
    saved = made.forward(parameters, x, Context(True))
    assert [dtype_name(each) for each in saved] == ["bfloat16", "float32", "float32"]
    np.testing.assert_allclose(host(saved.a).sum(-1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(host(saved.a), host(layer.activation.sigma(saved.z)))


def test_other_layers_compute_in_float32(target):
    norm, add = bpx.LayerNorm(4), Add(4, 1)
    one, other = halved((norm, add, bpx.Dense(4, 1, "identity")), "bfloat16")[:2]
    assert (one, other) == (Wide(norm), Wide(add))
    assert (one.kind, other.kind) == ("layer_norm", "add")
    x = narrowed(target.asarray(RNG.standard_normal((5, 4))), "bfloat16")
    parameters = entry(target, norm)
    saved = one.forward(parameters, x, Context(True))
    expected = norm.forward(parameters, widened(x), Context(True))
    for a, b in zip(saved, expected, strict=True):
        assert dtype_name(a) == "float32"
        np.testing.assert_array_equal(host(a), host(b))
    delta = one.error(saved, x)
    assert dtype_name(delta) == "float32"
    sent = one.send_back(parameters, saved, delta)
    np.testing.assert_array_equal(host(sent), host(norm.send_back(parameters, expected, delta)))
    assert dtype_name(other.forward((), (x, x), Context(True)).a) == "float32"


def test_it_has_the_options_of_the_layer():
    layer = bpx.Dense(4, 3, "tanh", bias=False, l2=0.5, max_norm=2.0)
    (found,) = halved((layer,), "float16")
    assert isinstance(found, HalfDense)
    assert (found.bias, found.l2, found.max_norm) == (False, 0.5, 2.0)
    assert found == halved((layer,), "float16")[0]
    assert found != halved((layer,), "bfloat16")[0]
    assert hash(found) == hash(halved((layer,), "float16")[0])
