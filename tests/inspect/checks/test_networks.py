"""Right networks pass; what is wrong in one is named with its layer, and only that."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx import activations, costs, equations
from bpx.inspect import check
from bpx.inspect.checks import networks
from tests.costs.ends import ENDS
from tests.inspect.checks.parts import (
    ACTIVATIONS,
    ELEMENTWISE,
    OFF,
    huber,
    only,
    only_bp2,
    too_large,
    wrong_rows,
)

# What is right passes


NAMES = ["relu", "silu", "softmax"]


def test_a_network_is_right(once):
    net = once.network([4, 5, 4, 3], activations=NAMES, cost="cross_entropy", seed=1)
    before = [np.array(bpx.to_host(w)) for w in net.weights]
    report = check(net)
    report.raise_if_wrong()
    named = {(row.equation, row.layer) for row in report.rows}
    expected = {(e, layer) for e in ("z", "BP3", "BP4") for layer in (1, 2, 3)}
    expected |= {("BP1", 3), ("R1", 3), ("gradient", None), ("Hessian", None)}
    expected |= {(e, layer) for e in ("BP2", "R2") for layer in (1, 2)}
    assert expected <= named
    assert net.home.dtype == "float32"
    assert all(map(np.array_equal, before, map(bpx.to_host, net.weights)))


@pytest.mark.parametrize("hidden", sorted(ACTIVATIONS))
@pytest.mark.parametrize("output", ["identity", "relu", "softmax", "tanh"])
def test_networks_are_right(hidden, output):
    check(bpx.Network([4, 5, 4, 3], hidden=hidden, output=output, seed=1)).raise_if_wrong()


def test_a_wide_network_is_moved_along_directions():
    net = bpx.Network([50, 70, 3], hidden="tanh", seed=1)
    check(net).raise_if_wrong()
    report = check(bpx.Network([50, 70, 3], hidden=too_large("tanh"), seed=1))
    assert only_bp2(report).deviation == pytest.approx(OFF, rel=1e-4)


def test_a_saturated_network_is_right():
    net = bpx.Network([3, 4, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1)
    net.parameters = [100.0 * np.array(w) for w in net.weights], net.biases
    check(net).raise_if_wrong()


# Networks: the layer is named, and only that


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_wrong_sigma_prime_of_a_hidden_layer_is_bp2_of_that_layer(name, layer):
    names = ["tanh", "silu", "sigmoid"]
    names[layer - 1] = too_large(name)
    report = check(bpx.Network([4, 5, 4, 3], activations=names, seed=2))
    row = only_bp2(report)
    assert (row.layer, row.part) == (layer, name)
    assert row.deviation == pytest.approx(OFF, rel=1e-3)
    assert [row.layer for row in report.wrong if row.equation == "BP2"] == [layer]
    with pytest.raises(bpx.CheckError, match=rf"^BP2, layer {layer}, {name}: the largest dev"):
        report.raise_if_wrong()


def test_a_wrong_sigma_prime_of_the_output_is_bp1():
    report = check(bpx.Network([4, 5, 3], output=too_large("tanh"), seed=2))
    row = report.wrong[0]
    assert (row.equation, row.layer, row.part) == ("BP1", 2, "tanh, quadratic")
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_wrong_sigma_second_is_r2_of_that_layer():
    names = ["tanh", too_large("silu", "sigma_second"), "sigmoid"]
    report = check(bpx.Network([4, 5, 4, 3], activations=names, seed=2))
    assert wrong_rows(report) == [("R2", 2), ("Hessian", None)]


def test_a_wrong_cost_is_bp1():
    report = check(bpx.Network([4, 5, 3], output="tanh", cost=huber(-1.0), seed=2))
    row = report.wrong[0]
    assert (row.equation, row.layer, row.part) == ("BP1", 2, "tanh, huber")
    assert row.deviation == pytest.approx(2.0)


def test_a_wrong_pair_is_named():
    right = costs.categorical_cross_entropy
    ((output, pair),) = right.pairs
    wrong = replace(
        right, pairs=((output, pair._replace(value=lambda z, y: 0.5 * pair.value(z, y))),)
    )
    report = check(bpx.Network([4, 5, 3], output="softmax", cost=wrong, seed=2))
    assert wrong_rows(report)[:2] == [("pair's value", 2), ("BP1", 2)]
    assert report.wrong[0].deviation == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["bp3", "bp4"])
def test_a_wrong_sum_over_samples_is_bp3_or_bp4(monkeypatch, name):
    right = getattr(equations, name)
    monkeypatch.setattr(equations, name, lambda r, *arrays: right(1.01 * r, *arrays))
    report = check(bpx.Network([4, 5, 3], seed=2))
    both = [(name.upper(), 1), (name.upper(), 2)]
    assert wrong_rows(report) == [*both, ("gradient", None), ("Hessian", None)]
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


def test_a_bp2_that_is_not_transposed_rightly(monkeypatch):
    right = equations.bp2
    flipped = lambda sigma, z, a, w, delta: right(sigma, z, a, w.mT, delta)  # noqa: E731
    monkeypatch.setattr(equations, "bp2", flipped)
    assert wrong_rows(check(bpx.Network([4, 4, 4, 4], seed=2)))[:2] == [("BP2", 2), ("BP2", 1)]


def test_a_forward_equation_that_is_wrong(monkeypatch):
    monkeypatch.setattr(equations, "forward", lambda w, b, a: 1.01 * (a @ w.mT) + b)
    net = bpx.Network([4, 5, 3], seed=2)
    net.parameters = net.weights, [0.0 * b for b in net.biases]
    report = check(net)
    assert wrong_rows(report)[:2] == [("z", 1), ("z", 2)]
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


def test_a_wrong_wiring_is_the_whole_gradient(monkeypatch):
    from bpx.model import passes

    right = passes.gradients

    def wired(r, layers, deltas):
        return bpx.Gradients.dense(right(r, layers, deltas).w, right(2.0 * r, layers, deltas).b)

    monkeypatch.setattr(passes, "gradients", wired)
    assert only(check(bpx.Network([4, 5, 3], seed=2))).equation == "gradient"


def test_a_wrong_product_is_the_hessian(monkeypatch):
    right = networks.hessian_vector_product

    def doubled(*given, **more):
        return bpx.optim.mapped(lambda g: 2.0 * g, right(*given, **more))

    monkeypatch.setattr(networks, "hessian_vector_product", doubled)
    row = only(check(bpx.Network([4, 5, 3], hidden="tanh", seed=2)))
    assert (row.equation, row.layer) == ("Hessian", None)


def test_a_part_that_widens_float32_is_named_with_its_layer():
    wide = bpx.Elementwise("wide", lambda z: z * np.float64(2.0), lambda z, a: 0.0 * z + 2.0)
    row = only(check(bpx.Network([4, 5, 3], hidden=wide, seed=2, backend="numpy")))
    assert row.equation == "shape and dtype"
    assert "sigma of 'wide', layer 1," in row.where


def test_without_second_derivatives_a_note_says_so():
    plain = replace(activations.tanh, sigma_second=None)
    report = check(bpx.Network([4, 5, 3], hidden=plain, seed=2))
    assert report.ok
    assert not {"R1", "R2"} & {row.equation for row in report.rows}
    assert "R1 and R2 were not checked" in report.notes[0]
    assert "'tanh' was made without sigma_second" in report.notes[0]


@pytest.mark.parametrize(("cost", "output"), ENDS)
def test_networks_with_every_other_cost_are_right(cost, output):
    net = bpx.Network([3, 5, 4], hidden="tanh", output=output, cost=cost, seed=0)
    report = check(net)
    report.raise_if_wrong()
    assert not any("not checked" in note for note in report.notes)
