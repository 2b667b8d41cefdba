"""The gradients of networks with each cost, against differences and automatic differentiation.

The first three costs are tried more widely, in `tests/test_gradients.py`.
"""

import numpy as np
import pytest

from tests.costs.ends import ENDS
from tests.test_gradients import (
    assert_is_differenced,
    assert_is_found,
    check_equations,
    gradient_differences,
    jax_peer,
    point,
    torch_peer,
)

each_end = pytest.mark.parametrize(("cost", "output"), ENDS)
SIZES = [3, 4, 4]


def in_pytorch(cost):
    """C_x as PyTorch's own functions give it, from a and y."""
    torch = pytest.importorskip("torch", reason="the peer is PyTorch's autograd")
    F = torch.nn.functional
    levels = torch.tensor([0.1, 0.75, 0.1, 0.75], dtype=torch.float64)

    def pinball(a, y, q):
        return torch.where(y > a, q * (y - a), (1 - q) * (a - y)).sum(1)

    def focal(p, y, gamma):
        return y * (1 - p) ** gamma * p.log()

    return {
        "mae": lambda a, y: F.l1_loss(a, y, reduction="none").sum(1),
        "huber": lambda a, y: F.huber_loss(a, y, reduction="none").sum(1),
        "huber(delta=0.25)": lambda a, y: F.huber_loss(a, y, reduction="none", delta=0.25).sum(
            1
        ),
        "log_cosh": lambda a, y: (a - y).cosh().log().sum(1),
        "quantile": lambda a, y: pinball(a, y, 0.5),
        "quantile(0.1, 0.75)": lambda a, y: pinball(a, y, levels),
        "poisson": lambda a, y: F.poisson_nll_loss(
            a, y, log_input=False, eps=0.0, reduction="none"
        ).sum(1),
        "kl_divergence": lambda a, y: F.kl_div(a.log(), y, reduction="none").sum(1),
        "binary_focal": lambda a, y: -(focal(a, y, 2.0) + focal(1 - a, 1 - y, 2.0)).sum(1),
        "binary_focal(gamma=1.5, alpha=0.25)": lambda a, y: (
            -(0.25 * focal(a, y, 1.5) + 0.75 * focal(1 - a, 1 - y, 1.5)).sum(1)
        ),
        "categorical_focal": lambda a, y: -focal(a, y, 2.0).sum(1),
        "categorical_focal(gamma=0.5)": lambda a, y: -focal(a, y, 0.5).sum(1),
        "hinge": lambda a, y: F.relu(1 - (2 * y - 1) * a).sum(1),
        "categorical_hinge": lambda a, y: F.relu(
            (1 + a - 1e9 * y).max(1).values - (a * y).sum(1)
        ),
        "binary_cross_entropy(label_smoothing=0.1)": lambda a, y: F.binary_cross_entropy(
            a, 0.9 * y + 0.05, reduction="none"
        ).sum(1),
        "categorical_cross_entropy(label_smoothing=0.2)": lambda a, y: (
            -((0.8 * y + 0.05) * a.log()).sum(1)
        ),
    }[cost]


def in_jax(cost):
    """C_x of one sample as JAX's functions give it, from z, a and y."""
    jnp = pytest.importorskip("jax.numpy", reason="the peer is JAX's grad")
    levels = np.array([0.1, 0.75, 0.1, 0.75])

    def huber(d, delta):
        d = jnp.abs(d)
        return jnp.where(d < delta, d * d / 2, delta * (d - delta / 2)).sum()

    def focal(p, y, gamma):
        return jnp.sum(y * (1 - p) ** gamma * jnp.log(p))

    return {
        "mae": lambda z, a, y: jnp.abs(a - y).sum(),
        "huber": lambda z, a, y: huber(a - y, 1.0),
        "huber(delta=0.25)": lambda z, a, y: huber(a - y, 0.25),
        "log_cosh": lambda z, a, y: jnp.sum(jnp.logaddexp(a - y, y - a) - jnp.log(2.0)),
        "quantile": lambda z, a, y: 0.5 * jnp.abs(a - y).sum(),
        "quantile(0.1, 0.75)": lambda z, a, y: jnp.maximum(
            levels * (y - a), (levels - 1) * (y - a)
        ).sum(),
        "poisson": lambda z, a, y: jnp.sum(a - y * jnp.log(a)),
        "kl_divergence": lambda z, a, y: jnp.sum(y * (jnp.log(y) - jnp.log(a))),
        "binary_focal": lambda z, a, y: -focal(a, y, 2.0) - focal(1 - a, 1 - y, 2.0),
        "binary_focal(gamma=1.5, alpha=0.25)": lambda z, a, y: (
            -0.25 * focal(a, y, 1.5) - 0.75 * focal(1 - a, 1 - y, 1.5)
        ),
        "categorical_focal": lambda z, a, y: -focal(a, y, 2.0),
        "categorical_focal(gamma=0.5)": lambda z, a, y: -focal(a, y, 0.5),
        "hinge": lambda z, a, y: jnp.maximum(0.0, 1 - (2 * y - 1) * a).sum(),
        "categorical_hinge": lambda z, a, y: jnp.max(a + 1 - y) - jnp.vdot(a, y),
        "binary_cross_entropy(label_smoothing=0.1)": lambda z, a, y: (
            -jnp.sum((0.9 * y + 0.05) * jnp.log(a) + (0.95 - 0.9 * y) * jnp.log(1 - a))
        ),
        "categorical_cross_entropy(label_smoothing=0.2)": lambda z, a, y: (
            -jnp.sum((0.8 * y + 0.05) * jnp.log(a))
        ),
    }[cost]


@each_end
def test_gradients(cost, output):
    names = ["tanh", output]
    net, x, y = point(SIZES, names, cost)
    trace = net.backprop(x, y)
    assert_is_differenced(trace, *gradient_differences(net, x, y))
    assert_is_found(trace, torch_peer(net, names, cost, x, y, in_pytorch(cost)))


@each_end
def test_gradients_against_a_second_peer(cost, output):
    names = ["tanh", output]
    net, x, y = point(SIZES, names, cost)
    assert_is_found(net.backprop(x, y), jax_peer(net, names, cost, x, y, in_jax(cost)))


@each_end
def test_each_equation_alone(cost, output):
    check_equations(*point([3, 4, 5, 4], ["tanh", "silu", output], cost))
