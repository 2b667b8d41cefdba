"""Answers and targets: classes, labels, and numbers in their own units."""

from copy import copy

import numpy as np
import pytest

import bpx
from bpx.export.c.answers import Answers
from bpx.program.contract import named_leaves
from bpx.program.operation import dtype_of
from tests.export.c.rows import learned

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


def numbers(count=40, **how):
    """A table whose target is far from 0, and its schema."""
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=count), "b": rng.normal(size=count)}
    table["y"] = np.abs(500.0 + 300.0 * table["a"] + rng.normal(0.0, 20.0, count))
    return table, bpx.data.Schema.fit(table, target="y", **how)


def classes(*names):
    table, _ = numbers()
    return bpx.data.Schema.fit(
        {**table, "y": [names[i % len(names)] for i in range(40)]}, target="y", task="classes"
    )


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaling", ["standard", "robust", "mean", "none"])
def test_a_step_on_scaled_targets_is_that_of_bpx(dtype, scaling):
    table, schema = numbers(target_scaling=scaling)
    net = bpx.Network([2, 6, 1], output="identity", schema=schema, seed=0, dtype=dtype)
    rule = bpx.SGD(1e-7 if scaling == "none" else 0.05)
    trainer = bpx.Trainer(copy(net), optimizer=rule, seed=0, compile=False)
    x = np.stack([table["a"], table["b"]], axis=1)
    batches = [slice(i, i + 4) for i in range(0, 40, 4)]
    expected = [trainer.step(x[each], table["y"][each]) for each in batches]
    after = trainer.state
    named = [
        (place, np.asarray(leaf))
        for name in ("parameters", "optimizer", "randomness")
        for place, leaf in named_leaves(getattr(after, name), name)
    ]
    y, back, costs, state = learned(net, rule, table, 4, named)
    np.testing.assert_array_equal(y, schema.y(table))
    np.testing.assert_allclose(back, table["y"], rtol=2e-6)
    limit = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(costs, [each.cost for each in expected], rtol=limit)
    for place, each in named:
        np.testing.assert_allclose(state[place], each, rtol=limit, atol=limit)


def test_a_target_is_scaled_only_for_a_step():
    _, schema = numbers()
    net = bpx.Network([2, 1], output="identity", schema=schema)
    assert "m_target" not in text(net)
    assert "m_target" not in net.to_c(name="m")
    lines = "\n".join(answers(net).declared_for_training())
    assert "float m_target(double y);" in lines
    assert "the inverse of m_value" in lines
    assert not [*answers(bpx.Network([2, 1])).declared_for_training()]
    assert not [*answers(bpx.Network([2, 1])).defined_for_training()]


TWO, THREE = ("no", "yes"), ("maybe", "no", "yes")
MANY = tuple(f"class {i:02}" for i in range(11))


@pytest.mark.parametrize(
    ("names", "sizes", "called", "expected"),
    [
        (TWO, 1, "y", 'y holds the class of each sample, its place in m_labels: 0 is "no", 1'),
        (TWO, 2, "labels", 'labels holds the class of each sample, its place in m_labels: 0'),
        (THREE, 3, "labels", ': 0 is "maybe", 1 is "no", 2 is "yes".'),
        (THREE, 3, "y", "3 numbers for each sample, one for each output in the order of m_lab"),
        (MANY, 11, "labels", ': 0 is "class 00", ..., 10 is "class 10".'),
        (MANY[:10], 10, "labels", '8 is "class 08", 9 is "class 09".'),
        (("a\n b", "c"), 1, "y", ': 0 is "a b", 1 is "c".'),
    ],
)  # fmt: skip
def test_what_a_step_on_named_classes_is_given(names, sizes, called, expected):
    how = {"output": "sigmoid" if sizes == 1 else "softmax", "cost": "cross_entropy"}
    net = bpx.Network([2, sizes], **how, schema=classes(*names))
    assert expected in answers(net).targets(called)


@pytest.mark.parametrize(
    ("output", "cost", "expected"),
    [
        ("sigmoid", "cross_entropy", "a number from 0 to 1 for each sample; of two classes, 0"),
        ("identity", "hinge", "the class of each sample, 0 or 1, as m_class returns it."),
        ("identity", "quadratic", "a number for each sample, in the units of the output."),
    ],
)
def test_what_a_step_with_one_output_is_given(output, cost, expected):
    net = bpx.Network([2, 1], output=output, cost=cost)
    assert answers(net).targets("y").startswith(f"y holds {expected}")


def test_what_a_step_with_several_outputs_is_given():
    found = answers(bpx.Network([2, 4]))
    told = "labels holds the class of each sample, from 0 to 3, as m_class returns it."
    assert found.targets("labels") == told
    assert found.targets("y") == "y holds 4 numbers for each sample, one for each output."
    cost = "quantile(0.1, 0.5, 0.9)"
    found = answers(bpx.Network([2, 6], output="identity", cost=cost)).targets("y")
    assert found.endswith("one for each output; every 3 in a row are one target, repeated.")
