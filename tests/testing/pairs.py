"""Two libraries that train one network, and what differs on one of them."""

import pytest

import bpx
from bpx.testing import compare

pytest.importorskip("array_api_strict", reason="the second library is array-api-strict")

PAIR = ["numpy", "strict"]


def network(hidden="tanh", **more):
    more = {"output": "softmax", "cost": "cross_entropy", "seed": 3, **more}
    return bpx.Network([6, 5, 4, 3], hidden=hidden, **more)


def parting(net, backends=PAIR, **more):
    """Where the second backend parts from the first."""
    return compare(net, backends, engines=False, **more).twins[0].parting


def on_strict(z):
    return type(z).__module__.startswith("array_api_strict")
