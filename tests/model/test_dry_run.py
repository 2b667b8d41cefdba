"""A custom activation or cost that changes shapes or dtypes is named before training begins."""

import re

import numpy as np
import pytest

import bpx
from tests.extending import rms_norm


def _wide(z):
    xp = bpx.namespace(z)
    return xp.astype(z, xp.float64)


def _ones(z, a):
    return bpx.namespace(z).ones_like(z)


WRONG = {
    "sigma widens": (
        {"hidden": bpx.Elementwise("wide", _wide, _ones)},
        r"sigma of 'wide', layer 1, gave shape \(5, 4\).*float64; expected.*float32",
    ),
    "sigma drops units": (
        {"output": bpx.Elementwise("narrow", lambda z: z[:, :1], _ones)},
        r"sigma of 'narrow', layer 2, gave shape \(5, 1\)",
    ),
    "sigma_prime drops units": (
        {"hidden": bpx.Elementwise("thin", lambda z: z, lambda z, a: z[:, :1])},
        r"sigma_prime of 'thin', layer 1, gave shape \(5, 1\)",
    ),
    "sigma gives nothing": (
        {"hidden": bpx.Elementwise("none", lambda z: None, _ones)},
        r"sigma of 'none', layer 1, gave None; expected an array of shape \(5, 4\)",
    ),
    "grad_a drops units": (
        {
            "cost": bpx.Cost(
                "thin", lambda a, y: bpx.namespace(a).sum(a - y, axis=1), lambda a, y: a[:, :1]
            )
        },
        r"grad_a of the cost 'thin' gave shape \(5, 1\)",
    ),
    "the pullback drops units": (
        {"hidden": bpx.Rowwise("less", lambda z: z, lambda z, a, g: g[:, :1])},
        r"the pullback of 'less', layer 1, gave shape \(5, 1\)",
    ),
    "the cost is summed over the samples": (
        {"cost": bpx.Cost("total", lambda a, y: bpx.namespace(a).sum(a), lambda a, y: a - y)},
        r"value of the cost 'total' gave shape \(\)",
    ),
}


WRONG["the cost is one number in a row"] = (
    {
        "cost": bpx.Cost(
            "row", lambda a, y: bpx.namespace(a).sum(a - y, axis=None)[None], lambda a, y: a - y
        )
    },
    r"value of the cost 'row' gave shape \(1,\).*expected shape \(5,\)",
)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_part_is_named(target, case):
    settings, said = WRONG[case]
    net = target.network([3, 4, 2], seed=0, **settings)
    before = net.parameters
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(
            net,
            (np.ones((4, 3)), np.ones((4, 2))),
            epochs=1,
            batch_size=2,
            optimizer=bpx.SGD(1.0),
        )
    assert net.parameters is before


RULES = {
    "matrix of the feedback 'own', layer 1, gave shape (2, 3)": {
        "matrix": lambda w, B: w[0][:, :3]
    },
    "send of the feedback 'own', layer 1, gave shape (5, 3)": {
        "send": lambda w, delta, B: (delta[0] @ w[0])[:, :3]
    },
}


@pytest.mark.parametrize("said", RULES)
def test_a_feedback_of_another_shape_is_named(said):
    rule = bpx.feedback.Feedback("own", **RULES[said])
    net = bpx.Network([3, 4, 2], feedback=rule, seed=0)
    with pytest.raises(bpx.InputError, match=re.escape(said)):
        bpx.Trainer(net, optimizer=bpx.SGD(1.0)).step(np.ones((4, 3)), np.ones((4, 2)))


def test_gradients_of_other_fields_are_named_with_their_layer(monkeypatch):
    first, last = bpx.Dense(3, 4, bpx.activations.tanh), bpx.Dense(4, 2, bpx.activations.tanh)
    net = bpx.Network([first, rms_norm.RMSNorm(4), last], seed=0)
    monkeypatch.setattr(rms_norm.Saved, "gradients", lambda kept, r, delta: (kept.unit[0, 0],))
    with pytest.raises(
        bpx.InputError, match=r"gradients of layer 2, 'rms_norm', gave .*fields gain"
    ):
        bpx.Trainer(net, optimizer=bpx.SGD(1.0)).step(np.ones((4, 3)), np.ones((4, 2)))
