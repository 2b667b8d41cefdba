"""`bpx lr-range`: what it prints, and its picture."""

import re
import sys
from pathlib import Path

import pytest

from tests.cli.invoked import invoke, ok, refused, settings

pytest.importorskip("matplotlib", reason="the picture is Matplotlib's")


def test_it_prints_a_rate_that_trains(blobs):
    said = ok("lr-range", blobs, "--seed", 1, "--high", 100)
    assert "training   adam, batches of 10, seed 1" in said
    eta = re.search(r"suggested  --eta (\S+) \(steepest: the cost falls fastest", said)[1]
    assert Path("lr-range.svg").read_text().startswith("<?xml")
    command = re.search(r"next       bpx (.*)", said)[1]
    assert f"--eta {float(eta)}" in command
    ok(*command.split(), "--epochs", 1, "--out", "run")
    assert settings("run")["eta"] == float(eta)


def test_the_same_seed_draws_the_same_picture(blobs):
    for name in ("one.svg", "two.svg"):
        ok("lr-range", blobs, "--seed", 1, "--steps", 40, "--out", name)
    ok("lr-range", blobs, "--seed", 2, "--steps", 40, "--out", "three.svg")
    one, two, three = (Path(f"{n}.svg").read_bytes() for n in ("one", "two", "three"))
    assert one == two
    assert one != three


def test_options_of_the_training_and_another_rule(blobs):
    words = ["--optimizer", "sgd", "--momentum", 0.9, "--batch-size", 5, "--rule", "valley"]
    said = ok("lr-range", blobs, *words, "--high", 1e9, "--out", "picture.png", "--seed", 3)
    assert "training   sgd, batches of 5" in said
    assert "(valley: the middle of the longest valley)" in said
    assert "the cost diverged" in said
    assert Path("picture.png").exists()


def test_a_cost_that_never_falls(blobs):
    words = ["--low", 1e-12, "--high", 2e-12, "--steps", 2, "--rule", "minimum"]
    said = ok("lr-range", blobs, *words)
    assert "suggested  none: the cost never falls" in said
    assert "next" not in said


@pytest.mark.parametrize("option", ["--eta", "--epochs"])
def test_what_it_looks_for_is_no_option(blobs, option):
    said = refused("lr-range", blobs, option, 1, code=2)
    assert re.search(f"No such option:? '?{option}\\b", said)  # click before 8.5 has a colon
    assert option not in invoke("lr-range", "--help").output.split()


def test_a_picture_that_cannot_be_written(blobs):
    assert "expected a name that ends in .svg" in refused("lr-range", blobs, "--out", "x.what")
    assert "cannot be written" in refused("lr-range", blobs, "--out", "no/such/folder.svg")


def test_without_matplotlib(blobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    said = ok("lr-range", blobs, "--seed", 1, "--high", 100)
    assert re.search(r"suggested  --eta \S+ \(steepest", said)
    assert (
        "picture    none: it needs Matplotlib; install it with: pip install matplotlib\n"
        in said
    )
    assert not Path("lr-range.svg").exists()
    assert "pip install matplotlib" in refused("lr-range", blobs, "--out", "asked-for.svg")
