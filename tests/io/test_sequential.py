"""The Linear layers that PyTorch saves: which are taken, in what order, and what is refused."""

import re

import pytest

import bpx
from bpx.errors import at_the_prompt
from bpx.io.sequential import Linear, Stored, linear_layers, spec_of


def linear(*sizes, names, dtype="F32"):
    """The arrays of Linear layers of these widths, by names."""
    found = {}
    for name, n_in, n_out in zip(names, sizes, sizes[1:], strict=False):
        found[f"{name}.weight"] = Stored((n_out, n_in), dtype)
        found[f"{name}.bias"] = Stored((n_out,), dtype)
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["0", "2", "4"],
        ["0", "1", "2"],
        ["0", "1", "3"],
        ["1", "3", "5"],  # behind a Flatten
        ["model.0", "model.2", "model.4"],
        ["_orig_mod.net.block2.1", "_orig_mod.net.block2.3", "_orig_mod.net.block2.5"],
        ["fc1", "fc2", "fc3"],
        ["net.hidden0", "net.hidden1", "net.hidden2"],
    ],
)
def test_the_order_of_the_layers_is_that_of_their_names(names):
    found = linear(4, 5, 6, 3, names=names)
    backwards = dict(reversed(found.items()))
    layers = Linear(4, 5), Linear(5, 6), Linear(6, 3)
    expected = dict(zip(names, layers, strict=True))
    for each in (found, backwards):
        assert list(linear_layers("net", each).items()) == list(expected.items())


def test_places_are_numbers_and_no_words():
    names = [str(2 * i) for i in range(7)]  # "12" comes after "8"
    assert list(linear_layers("net", linear(*[3] * 8, names=names))) == names


@pytest.mark.parametrize("name", ["0", "7", "fc", "model.head"])
def test_a_single_layer_may_have_any_name(name):
    assert linear_layers("net", linear(4, 3, names=[name])) == {name: Linear(4, 3)}


def test_a_linear_that_is_in_nothing():
    found = {"weight": Stored((3, 4), "F64"), "bias": Stored((3,), "F64")}
    assert linear_layers("net", found) == {"": Linear(4, 3)}
    del found["bias"]
    assert linear_layers("net", found) == {"": Linear(4, 3, bias=False)}


def test_each_layer_may_be_without_biases():
    found = changed({"2.bias": None})
    layers = linear_layers("net", found)
    assert layers == {"0": Linear(4, 5), "2": Linear(5, 3, bias=False)}
    spec = spec_of("net", layers, {"hidden": "tanh", "output": "identity"})
    assert spec.layers == (
        bpx.Dense(4, 5, "tanh"),
        bpx.Dense(5, 3, "identity", bias=False),
    )


def changed(changes):
    """Two Linear layers, and what is there instead or besides; None for what is not."""
    found = linear(4, 5, 3, names=["0", "2"]) | changes
    return {name: each for name, each in found.items() if each is not None}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "it holds no arrays"),
        (
            changed({"0.weight": None}),
            "'0.bias', float32 of shape (5,), has no weight beside it",
        ),
        (
            changed({"0.weight": Stored((5, 1, 3, 3), "F32")}),
            "'0.weight' is float32 of shape (5, 1, 3, 3), as in a convolution",
        ),
        (
            changed({"1.weight": Stored((5,), "F32"), "1.bias": Stored((5,), "F32")}),
            "'1.weight' is float32 of shape (5,), as in a normalization",
        ),
        (
            changed({"1.running_mean": Stored((5,), "F32")}),
            "'1.running_mean', float32 of shape (5,), is not a weight or bias, "
            "but belongs to a BatchNorm",
        ),
        (
            changed({"rnn.weight_hh_l0": Stored((5, 5), "F32")}),
            "'rnn.weight_hh_l0', float32 of shape (5, 5), is not a weight or bias;",
        ),
        (
            changed({"0.bias": Stored((4,), "F32")}),
            "'0.bias' is float32 of shape (4,) beside a weight of shape (5, 4)",
        ),
        (
            changed({"2.weight": Stored((3, 6), "F32")}),
            "'0.weight' gives 5 numbers, but '2.weight', which comes next, takes 6",
        ),
        (linear(4, 3, names=["0"], dtype="F16"), "'0.weight' is float16 of shape (3, 4), not"),
        (
            linear(4, 3, names=["0"], dtype="BF16"),
            "bfloat16 of shape (3, 4), not float32 or",
        ),
        (linear(4, 3, names=["0"], dtype="I64"), "'0.weight' is I64 of shape (3, 4), not"),
        (
            changed({"2.weight": Stored((3, 5), "F64")}),
            "its arrays are float32 and float64, not of one dtype",
        ),
        (
            linear(4, 5, 3, names=["0", "3"]),
            "more than an activation may stand between its layers '0' and '3'",
        ),
        (linear(4, 5, 3, names=["fc1", "fc3"]), "between its layers 'fc1' and 'fc3'"),
        (linear(4, 5, 3, names=["2", "4"]), "'2' is its first layer, but another module comes"),
        (
            linear(4, 5, 3, names=["hidden", "out"]),
            "its layers, 'hidden', 'out', do not determine their order",
        ),
        (linear(4, 5, 3, names=["a.0", "b.2"]), "'a.0', 'b.2', do not determine"),
        (linear(4, 5, 3, names=["encoder.0", "2"]), "'2', 'encoder.0', do not determine"),
    ],
)
def test_what_are_no_linear_layers_one_after_the_other(found, said):
    with pytest.raises(bpx.FileFormatError, match=re.escape(said)) as caught:
        linear_layers("net.safetensors", found)
    assert "net.safetensors is a safetensors file that bpx did not write" in str(caught.value)


LAYERS = {"0": Linear(4, 5), "2": Linear(5, 3)}


def test_what_the_file_does_not_say_is_as_for_a_network():
    made = bpx.Network([4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy").spec
    all_in_one = {"activations": ["relu", "softmax"], "cost": "cross_entropy"}
    assert spec_of("net", LAYERS, all_in_one) == made
    one_by_one = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
    assert spec_of("net", LAYERS, one_by_one) == made
    by_default = bpx.Network([4, 5, 3], hidden="tanh").spec
    assert spec_of("net", LAYERS, {"hidden": "tanh"}) == by_default


@pytest.mark.parametrize("chosen", [{}, {"cost": "cross_entropy"}])
def test_without_activations_the_call_that_gives_them(chosen):
    with pytest.raises(bpx.FileFormatError) as caught:
        spec_of("a file", LAYERS, chosen)
    assert str(caught.value) == (
        "a file is a safetensors file that bpx did not write: it holds Linear layers of sizes "
        "[4, 5, 3], but not their activations; pass these too, as in "
        "bpx.load('a file', activations=['relu', 'softmax'], cost='cross_entropy') for classes"
    )


@pytest.mark.parametrize(
    "layers", [LAYERS, {"0": Linear(4, 1)}, {"0": Linear(4, 5), "2": Linear(5, 1)}]
)
def test_that_call_can_be_made(layers):
    with pytest.raises(bpx.FileFormatError) as caught:
        spec_of("a file", layers, {})
    call = re.search(r"bpx\.load\(.*?\)(?= for classes|$)", str(caught.value))[0]
    made = eval(call.replace("bpx.load", "dict").replace("'a file', ", ""))
    assert len(spec_of("a file", layers, made).layers) == len(layers)


def test_the_prompt_is_advised_of_no_argument():
    with at_the_prompt({}), pytest.raises(bpx.FileFormatError) as caught:
        spec_of("a file", LAYERS, {})
    assert "load this one in Python" in str(caught.value)
    assert "=" not in str(caught.value)


def test_activations_that_do_not_fit_the_layers():
    with pytest.raises(bpx.InputError, match=r"a file holds .*\[4, 5, 3\]: 1 activations were"):
        spec_of("a file", LAYERS, {"activations": ["relu"]})
