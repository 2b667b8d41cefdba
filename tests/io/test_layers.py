"""The layers of a network in a file: the names of arrays, and what makes each layer again."""

from dataclasses import dataclass

import pytest

import bpx
from bpx.io import layers
from tests.extending.rms_norm import RMSNorm

NET = bpx.Network(
    [
        bpx.Dense(4, 5, bpx.activations.tanh),
        bpx.Dropout(5, 0.25),
        RMSNorm(5),
        bpx.Dense(5, 2, bpx.activations.sigmoid),
    ],
    seed=0,
    backend="numpy",
)


def test_a_dense_layer_takes_two_places_as_its_activation_has_one():
    assert layers.places(NET.spec.layers) == [0, 2, 3, 4]
    assert [name for name, _ in layers.named(NET.spec, NET.parameters)] == [
        "0.weight", "0.bias", "3.gain", "4.weight", "4.bias",
    ]  # fmt: skip


def test_a_norms_arrays_have_pytorchs_names():
    net = bpx.Network([4, 5, 2], norm="layer", dropout=0.1, seed=0)
    assert [name for name, _ in layers.named(net.spec, net.parameters)] == [
        "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
    ]  # fmt: skip
    batch = bpx.Network([4, 5, 2], norm="batch", seed=0)
    assert [name for name, _ in layers.named(batch.spec, batch.parameters)][2:6] == [
        "2.weight", "2.bias", "2.running_mean", "2.running_var",
    ]  # fmt: skip
    again = layers.parameters_of(net.spec, dict(layers.named(net.spec, net.parameters)))
    assert again.layers[1].gamma is net.parameters.layers[1].gamma


def test_arrays_come_back_to_their_layers():
    arrays = dict(layers.named(NET.spec, NET.parameters))
    again = layers.parameters_of(NET.spec, arrays)
    assert [type(entry) for entry in again.layers] == [type(e) for e in NET.parameters.layers]
    assert again.layers[2].gain is NET.parameters.layers[2].gain
    del arrays["3.gain"]
    with pytest.raises(KeyError, match=r"3\.gain"):
        layers.parameters_of(NET.spec, arrays)


def test_layers_are_described_and_made_again():
    told = layers.described(NET.spec)
    assert told[1] == {"kind": "dropout", "width": 5, "rate": 0.25}
    sigmas = [layer.activation for layer in NET.spec.dense]
    known = {**bpx.layers.LAYERS, "rms_norm": RMSNorm}
    assert tuple(layers.layers_of(told, sigmas, known)) == NET.spec.layers
    assert layers.own_kinds(NET.spec) == ["rms_norm"]
    with pytest.raises(bpx.InputError, match="cannot be made: "):
        layers.layers_of([{"kind": "dropout", "depth": 5}], [], known)


def test_dense_layers_alone_are_told_by_their_sizes():
    assert layers.described(bpx.Network([4, 3, 2], seed=0).spec) is None


def test_options_of_dense_layers_are_told_where_they_are_chosen():
    given = bpx.Dense(4, 3, "tanh", bias=False, l1=0.5, max_norm=2), bpx.Dense(3, 2, "sigmoid")
    told = layers.described(bpx.Network(given, seed=0).spec)
    assert told == [
        {"kind": "dense", "n_in": 4, "n_out": 3, "bias": False, "l1": 0.5, "max_norm": 2.0},
        {"kind": "dense", "n_in": 3, "n_out": 2},
    ]
    sigmas = [layer.activation for layer in given]
    assert tuple(layers.layers_of(told, sigmas, bpx.layers.LAYERS)) == given
    told[0]["bias"] = "no"
    with pytest.raises(bpx.InputError, match="bias='no' was given"):
        layers.layers_of(told, sigmas, bpx.layers.LAYERS)


@dataclass(frozen=True)
class Several(RMSNorm):
    table: tuple = ((1.0, 2), "a", True, ())


def test_a_field_may_be_a_tuple(tmp_path):
    net = bpx.Network([Several(3), bpx.Dense(3, 2, bpx.activations.sigmoid)], seed=0)
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net", custom={"rms_norm": Several})
    assert again.spec == net.spec
    assert hash(again.spec) == hash(net.spec)


@dataclass(frozen=True)
class Odd(RMSNorm):
    table: tuple = (1.0, frozenset((2.0,)))


def test_what_json_cannot_hold_is_refused_by_name(tmp_path):
    net = bpx.Network([Odd(3), bpx.Dense(3, 2, bpx.activations.sigmoid)], seed=0)
    with pytest.raises(bpx.InputError, match=r"the layer Odd\(.* cannot be saved"):
        net.save(tmp_path / "net")
    assert not list(tmp_path.iterdir())
