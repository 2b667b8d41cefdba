"""The errors: what else they are, what they carry, and the nearest of known names."""

import pickle
from dataclasses import fields

import pytest

import bpx
from bpx import errors
from bpx.activations import ACTIVATIONS
from bpx.arrays.choice import DTYPES
from bpx.initializers import INITIALIZERS
from bpx.layers.norms import NORMS
from bpx.metrics.table import METRICS
from bpx.optim import OPTIMIZERS


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("InputError", ValueError),
        ("FileFormatError", errors.InputError),
        ("BackendError", RuntimeError),
        ("MixedArraysError", TypeError),
        ("CheckError", AssertionError),
        ("DivergenceError", ArithmeticError),
        ("RecordingError", TypeError),
    ],
)
def test_each_is_one_of_bpx_and_one_of_pythons(name, also):
    error = getattr(errors, name)
    assert issubclass(error, errors.BpxError)
    assert issubclass(error, also)


@pytest.mark.parametrize(
    ("error", "carried"),
    [
        (
            errors.CheckError("BP2 is wrong", "BP2", 3, 0.01),
            {"equation": "BP2", "layer": 3, "deviation": 0.01},
        ),
        (
            errors.DivergenceError("the cost is nan", 2, None, 1),
            {"epoch": 2, "step": None, "layer": 1},
        ),
    ],
)
def test_what_an_error_carries_arrives_in_another_process(error, carried):
    message = str(error)
    assert message == error.args[0]
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert str(each) == message
        assert {name: getattr(each, name) for name in carried} == carried


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("rellu", "relu"),
        ("ReLU", "relu"),
        ("soft", "softmax"),  # begun
        ("SIGMOID", "sigmoid"),
        ("sgd", "SGD"),
        ("qwerty", None),
        ("", None),
    ],
)
def test_the_nearest_spelling_is_told_if_one_is_near(given, found):
    told = errors.nearest(given, ["SGD", "sigmoid", "relu", "softmax"])
    assert told == (f" (did you mean {found!r}?)" if found else "")
    assert errors.nearest(given, []) == ""


@pytest.mark.parametrize(
    ("given", "names", "found"),
    [
        ("mse", ["quadratic", "mae"], "quadratic"),
        ("MSELoss", ["quadratic", "mae"], "quadratic"),
        ("mean_squared_error", ["mae", "rmse"], "rmse"),
        ("smooth_l1_loss", ["mae", "huber"], "huber"),
        ("swish", ["silu", "softmax"], "silu"),
        ("val_loss", ["cost", "accuracy"], "cost"),
        ("val_accuracy", ["cost", "accuracy"], "accuracy"),
        ("float16", ["float32", "float64"], "float32"),
        ("mse", ["mae"], "mae"),  # none of its other names is there: the closest spelling
    ],
)
def test_a_name_from_another_library_is_told_by_what_bpx_calls_it(given, names, found):
    assert errors.nearest(given, names) == f" (did you mean {found!r}?)"


def test_each_name_from_another_library_is_spelt_as_it_is_looked_up():
    known = {*bpx.costs.COSTS, *bpx.costs.CHOICES, *METRICS, *ACTIVATIONS, *INITIALIZERS}
    known |= {*NORMS, *DTYPES, "cost", "accuracy"}
    known |= {each.name for optimizer in OPTIMIZERS.values() for each in fields(optimizer)}
    for name, there in errors._ELSEWHERE.items():
        assert name == "".join(filter(str.isalnum, name.lower()))
        assert there
        assert known.issuperset(there)


def test_messages_speak_to_where_the_person_stands():
    said = (
        lambda: errors.option("header", True),
        lambda: errors.option("header", False),
        lambda: errors.option("target", "sepal length"),
        lambda: errors.option("drop", ["a", "b"]),
        lambda: errors.option("folder", "here"),
        lambda: errors.option("mirror", "http://there"),
        lambda: errors.advice("x.reshape(len(x), -1)", "a table"),
    )
    in_python = [each() for each in said]
    with errors.at_the_prompt({"folder": "--data", "mirror": "BPX_MIRROR"}):
        at_the_prompt = [each() for each in said]
    assert in_python == [
        "header=True",
        "header=False",
        "target='sepal length'",
        "drop=['a', 'b']",
        "folder='here'",
        "mirror='http://there'",
        "x.reshape(len(x), -1)",
    ]
    assert at_the_prompt == [
        "--header",
        "--no-header",
        "--target 'sepal length'",
        "--drop a,b",
        "--data here",
        "BPX_MIRROR=http://there",
        "a table",
    ]
    assert [each() for each in said] == in_python  # and again in Python afterwards
