"""Pipelines that end with bpx's estimators, as ONNX models that skl2onnx writes."""

import warnings

import numpy as np
import pytest

import bpx

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")

from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.frozen import FrozenEstimator  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

from bpx.sklearn import (  # noqa: E402
    MLPClassifier,
    MLPRegressor,
    MLPTransformer,
    register_converters,
)

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
CITIES = np.array([["Rome", "Paris", "Oslo"][i % 3] for i in range(60)], dtype=object)


@pytest.fixture(autouse=True)
def _registered():
    register_converters()


def fitted(kind, y, x=X, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of training that ends at max_iter
        settings = {"hidden_layer_sizes": (6, 5), "max_iter": 30, "random_state": 0} | settings
        return kind(**settings).fit(x, y)


def run(model, **given):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, given)


@pytest.mark.parametrize("classes", [[3, 7], ["a", "b", "c"], [1, 2, 5, 9]], ids=str)
@pytest.mark.parametrize("activation", ["relu", "logistic", ["silu", "gelu_tanh"]], ids=str)
def test_a_classifier(classes, activation):
    y = np.array(classes)[np.arange(60) % len(classes)]
    net = fitted(MLPClassifier, y, activation=activation, dropout=0.1)
    model = skl2onnx.to_onnx(net, X[:1], options={"zipmap": False})
    label, probabilities = run(model, X=X)
    assert (label == net.predict(X)).all()
    np.testing.assert_allclose(probabilities, net.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    "classes", [[False, True], [1.0, 2.0, 5.0], [4], [4.0], ["a"], [True]], ids=str
)
def test_labels_are_whole_numbers_or_texts_however_many_there_are(classes):
    y = np.array(classes)[np.arange(60) % len(classes)]
    net = fitted(MLPClassifier, y)
    label, probabilities = run(skl2onnx.to_onnx(net, X[:1], options={"zipmap": False}), X=X)
    assert label.dtype == ("O" if classes == ["a"] else "int64")
    assert (label == net.predict(X)).all()
    expected = net.predict_proba(X)[:, -len(classes) :]
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("labels", [2, 3])
def test_several_labels_for_each_sample_are_indicators(labels):
    net = fitted(MLPClassifier, (X[:, :labels] > 0).astype(int), max_iter=200)
    model = skl2onnx.to_onnx(net, X[:1], options={"zipmap": False})
    shapes = [[d.dim_value for d in o.type.tensor_type.shape.dim] for o in model.graph.output]
    assert shapes == [[0, labels], [0, labels]]
    label, probabilities = run(model, X=X)
    assert label.dtype == "int64"
    assert 0 < label.mean() < 1
    np.testing.assert_array_equal(label, net.predict(X))
    np.testing.assert_allclose(probabilities, net.predict_proba(X), atol=1e-5)


def test_by_default_each_class_has_its_probability_in_a_dict():
    for y in (CITIES == "Rome", np.full(60, 4), (X > 0).astype(int)):
        net = fitted(MLPClassifier, y)
        _, found = run(skl2onnx.to_onnx(net, X[:1]), X=X)
        assert list(found[0]) == [int(each) for each in net.classes_]
        last = net.predict_proba(X)[0, -1]
        assert list(found[0].values())[-1] == pytest.approx(last, abs=1e-5)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_regressor(outputs, dtype):
    x = X.astype(dtype)
    net = fitted(MLPRegressor, x[:, :outputs] if outputs > 1 else x[:, 0], x)
    (found,) = run(skl2onnx.to_onnx(net, x[:1]), X=x)
    np.testing.assert_allclose(
        found, net.predict(x).reshape(60, outputs), atol=1e-5 if dtype == "float32" else 1e-12
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", [1, 2])
def test_hidden_activations(dtype, layer):
    x = X.astype(dtype)
    net = fitted(MLPClassifier, CITIES, x, activation=["tanh", "silu"], dropout=0.1)
    features = MLPTransformer(FrozenEstimator(net), layer=layer).fit(x)
    model = skl2onnx.to_onnx(features, x[:1])
    (shape,) = ([d.dim_value for d in o.type.tensor_type.shape.dim] for o in model.graph.output)
    assert shape == [0, (6, 5)[layer - 1]]
    (found,) = run(model, X=x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, features.transform(x), atol=1e-5)


def test_a_pipeline_with_hidden_activations():
    net = MLPRegressor(hidden_layer_sizes=8, tol=1e9, n_iter_no_change=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), MLPTransformer(net), LinearRegression())
    pipeline.fit(X, X[:, 0])
    (found,) = run(skl2onnx.to_onnx(pipeline, X[:1]), X=X)
    np.testing.assert_allclose(found[:, 0], pipeline.predict(X), atol=1e-4)


def test_a_pipeline_with_text_columns():
    pandas = pytest.importorskip("pandas", reason="the table is a DataFrame")
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    table = pandas.DataFrame({"size": X[:, 0], "city": CITIES})
    y = np.where((X[:, 0] > 0) == (CITIES == "Rome"), "yes", "no")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["size"]), ("texts", OneHotEncoder(), ["city"])]
    )
    pipeline = make_pipeline(columns, MLPClassifier((8,), max_iter=50, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(table, y)
    types = [("size", FloatTensorType([None, 1])), ("city", StringTensorType([None, 1]))]
    model = skl2onnx.to_onnx(pipeline, initial_types=types, options={"zipmap": False})
    label, probabilities = run(model, size=X[:, :1], city=CITIES[:, None])
    assert (label == pipeline.predict(table)).all()
    np.testing.assert_allclose(probabilities, pipeline.predict_proba(table), atol=1e-5)


def test_what_cannot_be_converted():
    net = fitted(MLPRegressor, X[:, 0])
    with pytest.raises(bpx.InputError, match="target_opset=12 was given; expected at least 13"):
        skl2onnx.to_onnx(net, X[:1], target_opset=12)
