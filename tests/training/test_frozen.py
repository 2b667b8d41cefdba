"""What a compiled step freezes is told: objects whose attributes can change."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import bpx
from bpx.training.frozen import _bound
from bpx.training.step import TrainingStep
from tests.training.small import SETTINGS, network, samples


class Slope:
    """It can change, and a step that was compiled does not see it."""

    def __init__(self, slope=0.5):
        self.slope = slope

    def sigma(self, z):
        return self.slope * z

    def prime(self, z, a):
        return self.slope + 0.0 * z

    def __call__(self, z):
        return self.slope * z

    def update(self, updates, state, parameters):
        return bpx.optim.mapped(lambda g: -self.slope * g, updates), state


@dataclass(frozen=True)
class Fixed:
    """A value: another slope is another one."""

    slope: float = 0.5

    def sigma(self, z):
        return self.slope * z

    def prime(self, z, a):
        return self.slope + 0.0 * z


class Plain:
    """Nothing of it can change."""

    def sigma(self, z):
        return 0.5 * z


def prime(z, a):
    return 0.5 + 0.0 * z


def sloped(slope, z):
    return slope.slope * z


def told(caplog, hidden="sigmoid", optimizer=None, **settings):
    settings = {**SETTINGS, "epochs": 1, **settings}
    settings |= {"optimizer": optimizer} if optimizer else {}
    network(hidden=hidden).fit(*samples(), **settings)
    return [each.getMessage() for each in caplog.records if each.name == "bpx"]


@pytest.mark.parametrize(
    "sigma", [Slope().sigma, Slope(), partial(sloped, Slope()), partial(Slope().sigma)]
)
def test_a_part_that_is_bound_to_what_can_change_is_told_of(caplog, sigma):
    (found,) = told(caplog, bpx.Elementwise("own", sigma, prime))
    assert found.startswith("sigma of 'own' is bound to an object of Slope, and a compiled")
    assert "a frozen dataclass, or train with compile=False" in found


def test_so_is_an_update(caplog):
    own = bpx.optim.Transformation(lambda parameters: (), Slope().update)
    for optimizer in (own, bpx.optim.chain(own, bpx.SGD(-1.0 + 2.0))):
        caplog.clear()
        (found,) = told(caplog, optimizer=optimizer)
        assert found.startswith("update is bound to an object of Slope")


def test_values_and_functions_are_not(caplog):
    for sigma, derivative in (
        (Fixed().sigma, Fixed().prime),
        (Plain().sigma, prime),
        (partial(sloped, Fixed()), prime),
        (lambda z: 0.5 * z, prime),
        (np.tanh, prime),
    ):
        found = told(caplog, bpx.Elementwise("own", sigma, derivative))
        assert not [each for each in found if "is bound to" in each]


def test_a_librarys_own_functions_are_not():
    jax = pytest.importorskip("jax", reason="its functions are objects")
    net = bpx.Network(
        [2, 1], hidden=bpx.Elementwise("own", jax.nn.relu, jax.jit(prime)), seed=0
    )
    step = TrainingStep(net.spec, bpx.SGD(0.1).update, None)
    assert dict(_bound(step, "")) == {}


def test_an_eager_step_freezes_nothing(caplog):
    assert told(caplog, bpx.Elementwise("own", Slope().sigma, prime), compile=False) == []


def test_another_value_is_another_step():
    x, y = samples()
    nets = [
        network(hidden=bpx.Elementwise("own", Fixed(slope).sigma, Fixed(slope).prime))
        for slope in (0.5, 2.0)
    ]
    costs = [net.fit(x, y, **SETTINGS)[-1].cost for net in nets]
    assert costs[0] != costs[1]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda u, s, p: u, "gave a Gradients; expected a pair"),
        (lambda u, s, p: (u, ()), r"was given the state \(\.\) and returned \(\)"),
        (lambda u, s, p: (u, None), r"was given the state \(\.\) and returned None"),
    ],
)
def test_an_update_that_forgets_its_state_is_named(rule, said):
    rule.__name__ = "forgetful"
    own = bpx.optim.Transformation(lambda p: (bpx.namespace(p.w[0]).zeros(1),), rule)
    for optimizer in (own, bpx.optim.chain(own, bpx.SGD(0.1))):
        with pytest.raises(bpx.InputError, match=f"update 'forgetful' .*{said}"):
            network().fit(*samples(), **{**SETTINGS, "optimizer": optimizer})
