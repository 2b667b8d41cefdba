"""A custom activation or cost that changes shapes or dtypes is named before training begins."""

import numpy as np
import pytest

import bpx


def _wide(z):
    xp = bpx.namespace(z)
    return xp.astype(z, xp.float64)


def _ones(z, a):
    return bpx.namespace(z).ones_like(z)


WRONG = {
    "sigma widens": (
        {"hidden": bpx.Elementwise("wide", _wide, _ones)},
        r"sigma of 'wide', layer 1, gave shape \(1, 4\).*float64; expected.*float32",
    ),
    "sigma drops units": (
        {"output": bpx.Elementwise("narrow", lambda z: z[:, :1], _ones)},
        r"sigma of 'narrow', layer 2, gave shape \(1, 1\)",
    ),
    "the pullback drops units": (
        {"hidden": bpx.Rowwise("less", lambda z: z, lambda z, a, g: g[:, :1])},
        r"the pullback of 'less', layer 1, gave shape \(1, 1\)",
    ),
    "the cost is summed over the samples": (
        {"cost": bpx.Cost("total", lambda a, y: bpx.namespace(a).sum(a), lambda a, y: a - y)},
        r"value of the cost 'total' gave shape \(\)",
    ),
}


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
