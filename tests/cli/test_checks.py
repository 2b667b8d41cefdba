"""``bpx check`` and ``bpx compare``: what they are given, what they say, how they end."""

import os
import sys

import numpy as np
import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from click.testing import CliRunner

from bpx.cli.commands import cli

PARTS = """
import bpx

def sigma(z):
    return z**3

mine = bpx.Elementwise("mine", sigma, lambda z, a: 3.0 * z * z)
wrong = bpx.Elementwise("wrong", sigma, lambda z, a: 3.03 * z * z)
cost = bpx.Cost("mine", bpx.costs.quadratic.value, bpx.costs.quadratic.grad_a)
number = 3

def right_network():
    return bpx.Network([3, 4, 2], hidden=mine, seed=0)

def wrong_network():
    return bpx.Network([3, 4, 2], hidden=wrong, seed=0)

def halved(w, delta, B):
    return 0.5 * (delta[0] @ w[0])

def broken():
    raise RuntimeError("not today")

class Holder:
    inside = mine
"""


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path):
    """Every test in an empty folder, without the caller's choices."""
    for name in [name for name in os.environ if name.startswith("BPX_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "parts_of_mine.py").write_text(PARTS)
    yield
    sys.modules.pop("parts_of_mine", None)


def invoke(*words, code=0, env=None):
    result = CliRunner().invoke(cli, [str(word) for word in words], env=env)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def refused(*words, code=1, env=None):
    output = invoke(*words, code=code, env=env)
    assert "Error: " in output
    return " ".join(output.split())


# bpx check


@pytest.mark.parametrize("place", ["parts_of_mine.py", "./parts_of_mine.py", "parts_of_mine"])
@pytest.mark.parametrize("name", ["mine", "cost", "right_network", "halved", "Holder.inside"])
def test_what_is_right(place, name):
    output = invoke("check", f"{place}:{name}")
    assert "WRONG" not in output
    assert "shape and dtype" in output


def test_a_wrong_part_is_named_and_ends_in_1():
    output = invoke("check", "parts_of_mine.py:wrong", code=1)
    assert "WRONG: sigma', wrong: the largest deviation is 9.9e-03, at z = " in output


def test_a_wrong_network_is_named_with_its_layer():
    output = invoke("check", "parts_of_mine:wrong_network", code=1)
    assert "WRONG: BP2, layer 1, wrong: the largest deviation is 9.9e-03" in output


def test_a_tolerance():
    assert "WRONG" not in invoke("check", "parts_of_mine.py:wrong", "--tolerance", "0.05")
    assert "tolerance=2.0 was given" in refused("check", "relu", "--tolerance", "2")


@pytest.mark.parametrize("name", ["relu", "softmax", "quadratic", "fa"])
def test_a_built_in_part(name):
    assert f"{name!r}" in invoke("check", name)


def test_a_saved_network_and_a_run():
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    assert "BP2" in invoke("check", "net.safetensors")
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.standard_normal((20, 3)), y=rng.integers(2, size=20))
    invoke("train", "data.npz", "--epochs", "1", "--layers", "3,4,2", "--out", "run", "--quiet")
    assert "BP4" in invoke("check", "run")


def test_all_built_in_parts():
    lines = invoke("check").splitlines()
    count = len(bpx.activations.ACTIVATIONS) + len(bpx.costs.COSTS)
    assert len(lines) == count + len(bpx.feedback.FEEDBACKS)
    assert all(line.startswith("ok  ") for line in lines)


def test_on_another_backend():
    pytest.importorskip("array_api_strict", reason="the other backend is array-api-strict")
    assert "on strict" in invoke("check", "tanh", "--backend", "strict")
    output = invoke("check", "parts_of_mine:right_network", "--backend", "strict")
    assert "checked on strict" in output
    assert "on strict" in invoke("check", "tanh", env={"BPX_BACKEND": "strict"})


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("rellu", "no built-in part and no file 'rellu' (did you mean 'relu'?)"),
        ("parts_of_mine.py", "expected the name of the value in it, too"),
        ("nothing.py:mine", "there is no file nothing.py"),
        ("nothing_at_all:mine", "cannot be imported: ModuleNotFoundError"),
        ("parts_of_mine.py:mene", "has no 'mene' (did you mean 'mine'?); it has mine, wrong"),
        ("parts_of_mine.py:number", "is 3; expected an activation"),
        ("parts_of_mine.py:broken", "broken() raised RuntimeError: not today"),
        ("parts_of_mine.py:Holder", "expected an activation"),
        ("runs/first", "there is nothing here"),
        ("net.safetensors", "there is nothing here"),
        ("bad.py:x", "bad.py cannot be imported: SyntaxError"),
        ("exits.py:x", "exits.py cannot be imported: SystemExit: 3"),
    ],
)
def test_what_cannot_be_found(target, words, tmp_path):
    (tmp_path / "bad.py").write_text("def\n")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n")
    assert words in refused("check", target)


# bpx compare


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
        return after._replace(parameters=after.parameters._replace(b=b))

    monkeypatch.setattr(_numpy, "scan", odd)
    output = invoke("compare", "numpy", "--steps", "2", code=1)
    assert "numpy and its engine: they part in step 1, layer 1, step: off by 1.0e+00" in output


def test_what_cannot_be_compared():
    assert "Missing argument" in refused("compare", code=2)
    assert "no backend 'nunpy' (did you mean 'numpy'?)" in refused("compare", "numpy", "nunpy")
    assert "steps=0" in refused("compare", "numpy", "--steps", "0")
    assert "--layers 3,4,2" in refused(
        "compare", "numpy", "--data", "digits", "--layers", "3,4,2"
    )
