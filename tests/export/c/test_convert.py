"""The arguments of `Network.to_c`."""

import pytest

import bpx
from bpx.errors import InputError
from bpx.export.c.convert import converted

NET = bpx.Network([3, 4, 2], seed=0)
DEFAULTS = {
    "name": "model", "batch_size": 1, "train": False, "optimizer": None, "penalty": 0.0,
    "targets": None, "seed": None,
}  # fmt: skip


def made(net=NET, **given):
    arrays = net.spec, net.parameters, net.feedback, net.schema
    return converted(*arrays, **DEFAULTS | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "9x"}, r"name='9x' .* such as 'n9x'"),
        ({"name": "int"}, r"name='int' .* such as 'int_2'"),
        ({"name": 3}, r"name=3 .* such as 'model'"),
        ({"batch_size": 0}, "batch_size=0 was given; expected a whole number of at least 1"),
        ({"optimizer": bpx.Adam()}, r"optimizer=Adam.* without training=True"),
        ({"seed": 0}, "seed=0 was given without training=True"),
        ({"penalty": 0.1}, "penalty=0.1 was given without training=True"),
        ({"train": 1}, "training=1 was given; expected True or False"),
        ({"train": True}, "training=True was given without an optimizer"),
        ({"train": True, "optimizer": 3}, "optimizer=3 was given"),
        ({"train": True, "optimizer": bpx.Adam(), "penalty": -1.0}, "penalty=-1.0 was given"),
        ({"train": True, "optimizer": bpx.Adam(), "targets": "x"}, "'labels' or 'numbers'"),
        ({"train": True, "optimizer": bpx.Adam(), "seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_used(given, said):
    with pytest.raises(InputError, match=said):
        made(**given)


def test_one_output_has_no_labels():
    one = bpx.Network([3, 1], seed=0)
    with pytest.raises(InputError, match="a network with one output is given numbers, 0 and 1"):
        made(one, train=True, optimizer=bpx.Adam(), targets="labels")


def test_a_seed_makes_the_same_file():
    net = bpx.Network([3, 4, 2], dropout=0.5, seed=0)
    how = {"train": True, "optimizer": bpx.Adam()}
    assert made(net, **how, seed=1) == made(net, **how, seed=1)
    assert made(net, **how, seed=1) != made(net, **how, seed=2)
    assert made(net, **how) != made(net, **how)
