"""What a model answers: as `predict` and `classify` do, in the table's own terms."""

import numpy as np
import pytest

import bpx
from tests.export.onnx.runtime import agree, answers, cells


@pytest.mark.parametrize(
    ("sizes", "settings", "labelled"),
    [
        ([3, 4], {"output": "softmax", "cost": "cross_entropy"}, True),
        ([3, 4], {"output": "sigmoid"}, True),
        ([3, 1], {"output": "sigmoid"}, True),
        ([3, 1], {"output": "identity", "cost": "hinge"}, True),
        ([3, 4], {"output": "identity", "cost": "categorical_hinge"}, True),
        ([3, 4], {"output": "identity"}, False),
        ([3, 1], {"output": "tanh"}, False),
    ],
)
def test_labels_where_the_outputs_tell_a_class(sizes, settings, labelled):
    net = bpx.Network(sizes, seed=0, **settings)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    got = answers(net.to_onnx(), {"x": x})
    agree(got["y"], net.predict(x))
    assert list(got) == ["y", "label"][: 1 + labelled]
    if labelled:
        assert got["label"].dtype == np.int64
        assert (got["label"] == net.classify(x)).all()


CLASSES = {
    "texts": np.array(["a", "ü", "c"], object),
    "two texts": np.array(["no", "yes"], object),
    "numbers": np.array([2, 5, 7]),
    "fractions": np.array([0.5, 1.5]),
    "booleans": np.array([False, True]),
}


def table_of(target):
    rng = np.random.default_rng(0)
    rows = {"a": rng.normal(size=120), "b": rng.normal(size=120)}
    return bpx.data.as_table({**rows, "target": target})


@pytest.mark.parametrize("kind", CLASSES)
def test_the_classes_of_a_table(kind):
    classes = CLASSES[kind]
    found = table_of(classes[np.arange(120) % len(classes)])
    schema = bpx.data.Schema.fit(found, target="target", task="classes")
    last = "softmax" if len(classes) > 2 else "sigmoid"
    settings = {"output": last, "cost": "cross_entropy", "schema": schema, "seed": 0}
    net = bpx.Network([2, schema.target.outputs], **settings)
    got = answers(net.to_onnx(), cells(schema, found))
    assert list(got) == ["probabilities", "label"]
    agree(got["probabilities"][:, -schema.target.outputs :], net.predict(found))
    np.testing.assert_allclose(got["probabilities"].sum(1), 1.0, rtol=1e-6)
    assert got["label"].tolist() == net.classify(found).tolist()
    assert len(set(got["label"].tolist())) > 1


def test_scores_are_no_probabilities():
    found = table_of(np.arange(120) % 2)
    schema = bpx.data.Schema.fit(found, target="target", task="classes")
    settings = {"output": "identity", "cost": "hinge", "schema": schema, "seed": 0}
    net = bpx.Network([2, 1], **settings)
    got = answers(net.to_onnx(), cells(schema, found))
    assert list(got) == ["scores", "label"]
    agree(got["scores"], net.predict(found))
    assert (got["label"] == net.classify(found)).all()


@pytest.mark.parametrize("scaling", ["standard", "none", "mean"])
def test_numbers_are_in_the_units_of_the_target(scaling):
    found = table_of(np.random.default_rng(1).gamma(2.0, 300.0, 120))
    schema = bpx.data.Schema.fit(found, target="target", target_scaling=scaling)
    net = bpx.Network([2, 1], output="identity", schema=schema, seed=0)
    got = answers(net.to_onnx(), cells(schema, found))
    assert list(got) == ["prediction"]
    agree(got["prediction"], net.predict(found))
