"""``norm=``: what stands behind each hidden layer, and what is no such name."""

import typing

import pytest

import bpx
from bpx.errors import at_the_prompt
from bpx.layers.norms import NORMS, NormName, normalization


def kinds(*sizes, **settings):
    return [layer.kind for layer in bpx.Network(sizes, seed=0, **settings).spec.layers]


@pytest.mark.parametrize("name", NORMS)
def test_it_stands_behind_each_hidden_layer_and_before_dropout(name):
    norm = f"{name}_norm"
    assert kinds(4, 5, 6, 2, norm=name) == ["dense", norm, "dense", norm, "dense"]
    assert kinds(4, 5, 2, norm=name, dropout=0.1) == ["dense", norm, "dropout", "dense"]
    assert kinds(4, 5, 6, 2, norm=name, dropout=[0.0, 0.1]) == [
        "dense", norm, "dense", norm, "dropout", "dense",
    ]  # fmt: skip
    net = bpx.Network([4, 5, 2], norm=name, hidden="relu", seed=0)
    assert net.spec.layers[0] == bpx.Dense(4, 5, "relu")  # it keeps its activation
    assert net.spec.layers[1] == NORMS[name](5)


def test_by_default_there_is_none():
    assert kinds(4, 5, 2) == ["dense", "dense"]
    assert normalization(None, 5) == ()


def test_the_weights_are_those_of_the_network_without():
    plain, normed = (bpx.Network([4, 5, 6, 2], norm=n, seed=0) for n in (None, "layer"))
    for one, other in zip(plain.weights, normed.weights, strict=True):
        assert (bpx.to_host(one) == bpx.to_host(other)).all()


@pytest.mark.parametrize("sizes", [[4, 5, 2], [4, 2]])
@pytest.mark.parametrize(
    ("norm", "said"),
    [
        ("layr", r"norm='layr' was given \(did you mean 'layer'\?\); expected None, or "),
        (True, "norm=True was given; expected"),
        (bpx.LayerNorm(5), "give layers in place of widths"),
    ],
)
def test_what_is_no_name_is_refused(sizes, norm, said):
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network(sizes, norm=norm)


def test_it_is_not_given_with_layers():
    with pytest.raises(bpx.InputError, match="norm='layer' was given with layers"):
        bpx.Network([bpx.Dense(4, 2, "tanh")], norm="layer")


def test_the_type_lists_the_table():
    assert sorted(typing.get_args(NormName)) == sorted(NORMS)


def test_a_single_hidden_unit_has_no_layer_norm_but_a_single_output_does_not_matter():
    with pytest.raises(bpx.InputError, match=r"width=1 was given; .* of at least 2: a single"):
        bpx.Network([4, 1, 3], norm="layer")
    with at_the_prompt({}), pytest.raises(bpx.InputError, match=r"^width=1 was given"):
        normalization("layer", 1)
    assert kinds(4, 3, 1, norm="layer") == ["dense", "layer_norm", "dense"]
    assert kinds(4, 1, 3, norm="batch") == ["dense", "batch_norm", "dense"]
