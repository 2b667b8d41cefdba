"""What a file says of its network: it is checked before anything is made of it."""

import json

import pytest

import bpx
from bpx.io.description import described, notes_of, restored


def network():
    layers = [bpx.Embedding(3, [1], [4], dim=2), bpx.Dropout(4, 0.5), bpx.Dense(4, 2, "tanh")]
    return bpx.Network(layers, cost="huber(delta=0.5)", seed=0)


def read(text, largest=10**6, custom=None):
    return restored("net", text, custom or {}, lambda notes: "bad" not in notes, largest)


def test_it_comes_back():
    net = network()
    spec, told = read(described(net.spec, 7, {"mine": [1, "b"]}))
    assert spec == net.spec
    assert told["seed"] == 7
    assert notes_of(told) == {"mine": [1, "b"]}


def test_layers_that_are_larger_than_the_file_are_not_made():
    text = described(network().spec, 0, {})
    assert read(text, 4)[0] == network().spec
    with pytest.raises(bpx.FileFormatError, match="net describes layers that are larger than"):
        read(text, 3)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "null", '{"format": 1}', "[" * 100_000, '{"layers": 3}'],
    ids=lambda text: text[:9],
)
def test_what_is_no_description(text):
    with pytest.raises(bpx.FileFormatError, match="net has no spec that this version of bpx"):
        read(text)


def test_notes_that_are_wrong():
    with pytest.raises(bpx.FileFormatError, match="net has no spec"):
        read(described(network().spec, 0, {"bad": 1}))


def test_a_spec_that_does_not_fit_itself():
    told = json.loads(described(network().spec, 0, {}))
    told["layers"][0]["n_in"] = 5
    with pytest.raises(bpx.FileFormatError, match="net does not fit its own spec: layer"):
        read(json.dumps(told))
