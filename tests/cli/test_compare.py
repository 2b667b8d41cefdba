"""``bpx compare``: what it says of backends that agree and of ones that do not."""

import pytest

import bpx
from tests.cli.judged import invoke, refused


def test_backends_that_agree():
    pytest.importorskip("array_api_strict", reason="the other backend is array-api-strict")
    output = invoke("compare", "numpy", "strict", "--steps", "12")
    assert "numpy and strict: they are identical" in output
    assert "numpy and its engine: they " in output
    assert "20-30-10, relu, softmax, categorical_cross_entropy, float32; SGD, eta 0.1" in output
    assert [line.split()[0] for line in output.splitlines()[-5:]] == ["1", "2", "5", "10", "12"]


def test_one_backend_and_its_engine():
    words = (
        "--optimizer",
        "adam",
        "--dtype",
        "float64",
        "--layers",
        "4,5,2",
        "--output",
        "tanh",
    )
    output = invoke("compare", "numpy", "--steps", "3", "--seed", "7", *words)
    assert "4-5-2, relu, tanh, quadratic, float64; Adam, eta 0.001" in output
    assert "seed 7" in output


def test_on_the_digits():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    output = invoke("compare", "numpy", "numpy", "--data", "digits", "--steps", "3")
    assert "64-30-10, relu, softmax, categorical_cross_entropy" in output


def test_backends_that_do_not_agree_end_in_1(monkeypatch):
    from bpx_backends import _numpy

    right = _numpy.scan

    def odd(step, state, *rest):
        after = right(step, state, *rest)
        b = (after.parameters.b[0] + 1.0, *after.parameters.b[1:])
        return after._replace(parameters=bpx.Parameters.dense(after.parameters.w, b))

    monkeypatch.setattr(_numpy, "scan", odd)
    output = invoke("compare", "numpy", "--steps", "2", code=1)
    assert "numpy and its engine: they diverge in step 1, layer 1, step: off by 1.0" in output


def test_what_cannot_be_compared():
    assert "Missing argument" in refused("compare", code=2)
    assert "no backend 'nunpy' (did you mean 'numpy'?)" in refused("compare", "numpy", "nunpy")
    assert "--steps 0" in refused("compare", "numpy", "--steps", "0")
    assert "--layers 3,4,2" in refused(
        "compare", "numpy", "--data", "digits", "--layers", "3,4,2"
    )
