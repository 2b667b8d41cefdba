"""What counts as unwell is the caller's to say."""

import pytest

from bpx.errors import InputError
from bpx.inspect.health.limits import Limits, checked
from tests.inspect.health.unwell import found, moved, network


def test_the_limits_decide():
    net = moved(network(), 1, w=lambda w: 20.0 * w)
    assert "saturated" not in {f.kind for f in found(net, saturated=1.1)}
    deep = network([8, 20, 20, 20, 20, 20, 4], hidden="sigmoid")
    assert "vanishing" not in {f.kind for f in found(deep, vanishing=1e-9)}


def test_no_limits_are_the_usual_ones():
    assert checked(None) == Limits()


def test_limits_are_taken_as_they_are():
    own = Limits(share=0.9)
    assert checked(own) is own


@pytest.mark.parametrize("given", [{"share": 0.1}, 0.1, tuple(Limits())])
def test_what_are_no_limits_is_refused(given):
    with pytest.raises(InputError, match=r"was given; expected bpx\.inspect\.Limits"):
        checked(given)
