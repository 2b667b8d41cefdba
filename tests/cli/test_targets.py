"""What ``bpx check`` is asked to check, and what cannot be found."""

import numpy as np
import pytest

import bpx
from tests.cli.judged import invoke, refused

pytestmark = pytest.mark.usefixtures("_parts")


@pytest.mark.parametrize("place", ["parts_of_mine.py", "./parts_of_mine.py", "parts_of_mine"])
@pytest.mark.parametrize("name", ["mine", "cost", "right_network", "halved", "Holder.inside"])
def test_what_is_right(place, name):
    output = invoke("check", f"{place}:{name}")
    assert "WRONG" not in output
    assert "shape and dtype" in output


def test_a_saved_network_and_a_run():
    bpx.Network([3, 4, 2], seed=0).save("net.safetensors")
    assert "BP2" in invoke("check", "net.safetensors")
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.standard_normal((20, 3)), y=rng.integers(2, size=20))
    invoke("train", "data.npz", "--epochs", "1", "--layers", "3,4,2", "--out", "run", "--quiet")
    assert "BP4" in invoke("check", "run")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("rellu", "'rellu' is neither a built-in part nor a file (did you mean 'relu'?)"),
        ("parts_of_mine.py", "expected the name of a value in it too"),
        ("nothing.py:mine", "there is no file nothing.py"),
        ("nothing_at_all:mine", "cannot be imported: ModuleNotFoundError"),
        ("parts_of_mine.py:mene", "has no 'mene' (did you mean 'mine'?); it has mine, wrong"),
        ("parts_of_mine.py:number", "is 3; expected an activation"),
        ("parts_of_mine.py:broken", "broken() raised RuntimeError: not today"),
        ("parts_of_mine.py:Holder", "expected an activation"),
        ("runs/first", "runs/first does not exist"),
        ("net.safetensors", "net.safetensors does not exist"),
        ("bad.py:x", "bad.py cannot be imported: SyntaxError"),
        ("exits.py:x", "exits.py cannot be imported: SystemExit: 3"),
    ],
)
def test_what_cannot_be_found(target, words, tmp_path):
    (tmp_path / "bad.py").write_text("def\n")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n")
    assert words in refused("check", target)


def test_a_cost_with_parameters():
    assert "'huber(delta=0.5)'" in invoke("check", "huber(0.5)")
    said = refused("check", "huber(-1)")
    assert (
        "the cost 'huber(-1)' cannot be made: delta=-1 was given; expected a positive" in said
    )
    assert "expected numbers in the brackets" in refused("check", "quantile(x)")
    assert "check 'categorical_focal' or 'binary_focal'" in refused("check", "focal")
