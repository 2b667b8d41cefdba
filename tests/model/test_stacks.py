"""The parameters of several networks as one."""

import numpy as np
import pytest

from bpx.model.stacks import are_several, stacked
from bpx.program.contract import leaves
from tests.backends import host

K = 3


@pytest.mark.parametrize("sizes", [(4, 3, 2), (1, 1, 1)])
def test_networks_are_stacked(target, sizes):
    nets = [target.network(sizes, seed=i, dropout=0.5) for i in range(K)]
    together = stacked(nets[0].spec, [net.parameters for net in nets])
    assert tuple(together.w[0].shape) == (K, sizes[1], sizes[0])
    assert tuple(together.b[0].shape) == (K, 1, sizes[1])
    assert are_several(together)
    for i, net in enumerate(nets):
        assert not are_several(net.parameters)
        for x, expected in zip(leaves(together), leaves(net.parameters), strict=True):
            found = host(x)[i].reshape(expected.shape)
            np.testing.assert_array_equal(found, host(expected))
