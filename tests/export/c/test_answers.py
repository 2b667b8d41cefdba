"""Answers: classes, labels, and numbers in their own units."""

import numpy as np
import pytest

import bpx
from bpx.export.c.answers import Answers
from bpx.program.operation import dtype_of

F32 = dtype_of("float32")


def answers(net):
    return Answers(net.spec, net.schema, "m", F32)


def text(net):
    found = answers(net)
    return "\n".join([*found.declared(), *found.defined()])


def test_several_outputs():
    assert "int m_class(const float *y)" in text(bpx.Network([2, 3]))
    assert "m_labels" not in text(bpx.Network([2, 3]))


@pytest.mark.parametrize(
    ("output", "cost", "expected"),
    [
        ("sigmoid", "cross_entropy", "return y[0] > 0.5f;"),
        ("identity", "hinge", "return y[0] > 0.0f;"),
    ],
)
def test_one_output(output, cost, expected):
    assert expected in text(bpx.Network([2, 1], output=output, cost=cost))


def test_numbers_have_no_class():
    assert text(bpx.Network([2, 1], output="identity")) == ""


def test_the_target_of_a_schema():
    table = {
        "a": np.sqrt(np.arange(40.0)),
        "b": np.cos(np.arange(40.0)),
        "y": np.arange(40.0) * 0.5,
    }
    schema = bpx.data.Schema.fit(table, target="y", task="numbers")
    net = bpx.Network([2, 1], output="identity", schema=schema)
    assert "float m_value(float y) {" in text(net)
    assert "m_class" not in text(net)
    names = {**table, "y": ["yes" if i % 2 else "no" for i in range(40)]}
    schema = bpx.data.Schema.fit(names, target="y")
    net = bpx.Network([2, 1], output="sigmoid", cost="cross_entropy", schema=schema)
    assert answers(net).names == ("no", "yes")
    assert '"no",' in text(net)
