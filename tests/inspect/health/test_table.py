"""The table of a network's health: every number in its place."""

import bpx
from bpx import inspect
from bpx.inspect.health.table import HEAD, cells

HEALTH = inspect.Health(
    sizes=(8, 20, 4),
    activations=("relu", "softmax"),
    samples=1500,
    errors=(0.5, 0.25),
    speeds=(0.0123, 0.04),
    saturated=(0.471, None),
    two_sided=(False, False),
    dead=((3, 7), ()),
    quiet=((), ()),
    recall=None,
    passed=None,
    updates=(0.0012, 0.04),
)


def test_cells():
    rows = [dict(zip(HEAD, row, strict=True)) for row in cells(HEALTH)]
    assert rows == [
        {
            "layer": "1",
            "units": "20",
            "activation": "relu",
            "‖delta‖": "0.5",
            "÷ last": "2",
            "‖dC/db‖": "0.012",
            "saturated": "47%",
            "dead": "2",
            "quiet": "0",
            "‖Δw‖/‖w‖": "1.2e-03",
        },
        {
            "layer": "2",
            "units": "4",
            "activation": "softmax",
            "‖delta‖": "0.25",
            "÷ last": "1",
            "‖dC/db‖": "0.04",
            "saturated": "-",
            "dead": "0",
            "quiet": "0",
            "‖Δw‖/‖w‖": "4.0e-02",
        },
    ]


def test_what_is_not_known_is_a_dash():
    row = dict(zip(HEAD, cells(HEALTH._replace(updates=None))[0], strict=True))
    assert row["‖Δw‖/‖w‖"] == "-"
    assert cells(HEALTH._replace(errors=(0.5, 0.0)))[0][4] == "-"


def test_the_text():
    head, _, *table, _, finding = str(HEALTH).splitlines()
    assert head == "health on 1,500 samples"
    assert len(table) == 3
    columns = [table[0].index(name) + len(name) for name in HEAD if name != "activation"]
    assert all(line[end - 1] != " " for line in table for end in columns)
    assert finding.startswith("- layer 1 of 2: 2 of 20 units learn from no sample")


def test_a_network_s_own():
    net = bpx.Network([2, 3, 2], hidden="tanh", seed=0)
    text = str(inspect.examine(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1]))
    assert text.endswith("no problem was found")
