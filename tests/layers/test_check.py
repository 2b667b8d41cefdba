"""What is no layer, and layers that do not fit, are named when a network is made of them."""

import re
from typing import ClassVar

import pytest

import bpx
from bpx.layers import Add
from bpx.layers.check import check_layers
from tests.extending.rms_norm import RMSNorm


def test_layers_that_fit_are_given_back():
    layers = [RMSNorm(4), bpx.Dense(4, 2, "sigmoid")]
    assert check_layers(layers) == tuple(layers)


class Shaped(RMSNorm):
    """A layer whose parameter has another shape."""

    shape: ClassVar[tuple[int, ...]] = ()
    shapes = property(lambda self: {"gain": self.shape})


@pytest.mark.parametrize("shape", [(), (2, 2, 1)])
def test_parameters_that_are_neither_vectors_nor_matrices_are_refused(shape, monkeypatch):
    monkeypatch.setattr(Shaped, "shape", shape)
    said = rf"layer 1, 'rms_norm', has a parameter 'gain' of shape {re.escape(str(shape))}"
    with pytest.raises(bpx.InputError, match=f"{said}; expected one or two axes"):
        bpx.Network([Shaped(4), bpx.Dense(4, 2, "sigmoid")])


class Averaging(RMSNorm):
    learned: ClassVar[tuple[str, ...]] = ()


def test_a_layer_with_averages_couples_samples():
    said = "layer 1, 'rms_norm', averages parameters .* expected couples_samples=True"
    with pytest.raises(bpx.InputError, match=said):
        check_layers([Averaging(4), bpx.Dense(4, 2, "sigmoid")])


class Half:
    n_in = n_out = 4
    kind, forward = "half", None


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Half(), "layer 1, a Half, lacks couples_samples, draws, shapes, entry, draw, error"),
        (RMSNorm, "layer 1, a RMSNorm, is a class, not a layer"),
        ("dropout", "layer 1, a str, lacks n_in, n_out"),
        (4, "4, a width, was given as layer 1, among layers; expected only layers"),
    ],
)
def test_what_is_no_layer_is_named(layer, said):
    with pytest.raises(bpx.InputError, match=said):
        bpx.Network([layer, bpx.Dense(4, 2, "sigmoid")])


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(bpx.InputError, match=r"layer 2, Dense.* takes 5 numbers, but layer 1"):
        check_layers([RMSNorm(4), bpx.Dense(5, 2, "sigmoid")])
    with pytest.raises(bpx.InputError, match="the last layer is RMSNorm"):
        check_layers([bpx.Dense(5, 4, "sigmoid"), RMSNorm(4)])


OUTPUT = bpx.Dense(4, 2, "sigmoid")


def test_a_block_is_given_back_as_the_layers_that_run():
    block = bpx.Residual([RMSNorm(4), RMSNorm(4)])
    assert check_layers([block, OUTPUT]) == (RMSNorm(4), RMSNorm(4), Add(4, 2), OUTPUT)
    flat = RMSNorm(4), Add(4, 1), Add(4, 1), OUTPUT  # one may add what entered another
    assert check_layers(flat) == flat


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            [RMSNorm(4), Add(4, 2), OUTPUT],
            r"layer 2, Add\(width=4, over=2\), adds what entered 2 layers before it, but "
            "only 1 are there; expected over=1 or less",
        ),
        (
            [RMSNorm(4), bpx.Dense(4, 3, "tanh"), bpx.Dense(3, 4, "tanh"), Add(4, 1), OUTPUT],
            r"layer 4, Add.*, adds the 3 numbers that enter layer 3, Dense.*, to 4; expected",
        ),
        (
            [RMSNorm(4), Add(4, 1)],
            r"the last layer is Add\(width=4, over=1\); expected a bpx.D",
        ),
        ([bpx.Residual([RMSNorm(4), Half()]), OUTPUT], "layer 2, a Half, lacks couples_sampl"),
    ],
)
def test_an_end_that_adds_what_it_cannot_is_named(layers, said):
    with pytest.raises(bpx.InputError, match=said):
        check_layers(layers)
