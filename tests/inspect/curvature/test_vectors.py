"""Parameters as one vector, and back."""

import pytest

import bpx
from bpx.inspect import flatten, unflatten
from tests.backends import host
from tests.inspect.curvature.test_products import direction, given


def test_flatten_and_unflatten(target):
    net, _, _, _ = given(target=target)
    v, vector = direction(net)
    assert (host(flatten(v)) == vector).all()
    again = unflatten(flatten(v), net.parameters)
    for one, other in zip((again.w, again.b), v, strict=True):
        for a, b in zip(one, other, strict=True):
            assert net.home.owns(a)
            assert (host(a) == host(b)).all()
    with pytest.raises(bpx.InputError, match=r"of shape \(3,\) was given; expected \(79,\)"):
        unflatten(flatten(v)[:3], net.parameters)
