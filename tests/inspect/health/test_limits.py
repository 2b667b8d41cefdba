"""What counts as unwell is the caller's to say."""

from tests.inspect.health.unwell import found, moved, network


def test_the_limits_decide():
    net = moved(network(), 1, w=lambda w: 20.0 * w)
    assert "saturated" not in {f.kind for f in found(net, saturated=1.1)}
    deep = network([8, 20, 20, 20, 20, 20, 4], hidden="sigmoid")
    assert "vanishing" not in {f.kind for f in found(deep, vanishing=1e-9)}
