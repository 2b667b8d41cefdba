"""The equations of layers that are no Dense ones, against differences."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

import bpx
from bpx.inspect import check
from tests.extending.rms_norm import RMSNorm

TANH, SIGMOID = bpx.activations.tanh, bpx.activations.sigmoid


def network(*between):
    layers = [bpx.Dense(4, 5, TANH), *between, bpx.Dense(5, 2, SIGMOID)]
    return bpx.Network(layers, seed=0, dtype="float64")


def rows(net):
    report = check(net)
    return {(row.part, row.equation, row.layer): row.ok for row in report.rows}


def test_each_layer_is_checked_by_its_place():
    found = rows(network(RMSNorm(5), bpx.Dropout(5, 0.5)))
    assert all(found.values())
    for equation in ("BP2", "BP4", "own gradients", "R2"):
        assert ("rms_norm", equation, 2) in found
    assert ("dropout", "BP2", 3) in found
    assert ("dropout", "BP4", 3) not in found  # it learns nothing


def test_a_layer_that_draws_is_checked_while_it_drops():
    @dataclass(frozen=True)
    class Forgetful(bpx.Dropout):
        kind: ClassVar[str] = "forgetful"

        def error(self, saved, g):
            return g

    found = rows(network(Forgetful(5, 0.5)))
    assert not found["forgetful", "BP2", 2]


def test_without_its_equations_once_differentiated_a_note_says_so():
    @dataclass(frozen=True)
    class First(RMSNorm):
        kind: ClassVar[str] = "first"

        def __getattribute__(self, name):
            if name.startswith("r_"):
                raise AttributeError(name)
            return super().__getattribute__(name)

    report = check(network(First(5)))
    assert report.ok
    assert any("'first', was made without its equations diff" in n for n in report.notes)
    net = network(First(5))
    trace = net.backprop(*((lambda n: (n.ones((3, 4)), n.ones((3, 2))))(__import__("numpy"))))
    with pytest.raises(bpx.InputError, match="in layer 2 'first' was made without r_forward"):
        bpx.inspect.hessian_vector_product(
            net.spec, net.parameters, trace, trace.a[-1], trace.gradients
        )
