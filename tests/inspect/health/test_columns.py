"""The columns of health in a history."""

import bpx
from bpx.inspect.health.columns import columns, row
from tests.training.small import SETTINGS, network, samples


def test_there_is_a_value_for_each_column():
    (first, *_) = network().fit(*samples(), health=True, **SETTINGS)
    health = first.health
    names = columns(health)
    assert names == [
        f"{name}_{layer}"
        for name in ("delta", "saturated", "dead", "update")
        for layer in (1, 2)
    ] + ["lost"]
    found = dict(zip(names, row(health), strict=True))
    assert found["delta_2"] == health.errors[1]
    assert found["update_1"] == health.updates[0]
    assert found["dead_1"] == len(health.dead[0])


def test_without_updates_their_columns_are_empty():
    net, (x, y) = network(), samples()
    health = bpx.inspect.examine(net, x, y)
    found = dict(zip(columns(health), row(health), strict=True))
    assert found["update_1"] is None
