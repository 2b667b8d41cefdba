"""What a network consists of, as `print` shows it."""

import bpx
from bpx.network.summary import other_kinds, table
from bpx.program.contract import leaves

BLOCK = bpx.Residual([bpx.Dense(30, 30, "tanh"), bpx.Dropout(30, 0.1)])
NET = bpx.Network(
    [
        bpx.Embedding(6, columns=[2], levels=[4], dim=3),
        bpx.Dense(8, 30, "relu", bias=False),
        bpx.BatchNorm(30),
        BLOCK,
        bpx.Dropout(30, 0.5),
        bpx.Dense(30, 1200, "softmax"),
    ],
    cost="cross_entropy",
    seed=0,
)


def test_each_layer_has_a_line():
    assert table(NET.spec).splitlines() == [
        "layer                 width  parameters",
        "    0  inputs             6",
        "    1  embedding          8          12",
        "    2  dense relu        30         240",
        "    3  batch_norm        30          60",
        "    4  dense tanh        30         930",
        "    5  dropout 0.1       30           0",
        "    6  add               30           0",
        "    7  dropout 0.5       30           0",
        "    8  dense softmax  1,200      37,200",
        "                                 38,442",
    ]


def test_the_parameters_are_those_that_the_layers_hold():
    net = bpx.Network([7, 5, 3], norm="layer", backend="numpy")
    held = sum(each.size for each in leaves(net.parameters))
    assert table(net.spec).split()[-1] == str(held)


def test_layers_of_other_kinds_are_counted():
    assert other_kinds(NET.spec) == "with add, batch_norm, dropout (2), embedding"
    assert other_kinds(bpx.Network([3, 2]).spec) == ""
    assert other_kinds(bpx.Network([3, 4, 2], norm="layer").spec) == "with layer_norm"


def test_a_layer_of_your_own_is_told_by_its_kind():
    class Mine(bpx.Dropout):
        kind = "mine"

    net = bpx.Network([bpx.Dense(3, 4, "tanh"), Mine(4, 0.25), bpx.Dense(4, 2, "sigmoid")])
    assert "mine 0.25" in table(net.spec)
    assert repr(net).count("with mine, ") == 1
