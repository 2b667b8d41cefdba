"""The health of a run: shown, and written."""

import io

import numpy as np
import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from rich.console import Console

from bpx.cli import health, splits
from tests.cli.invoked import COLUMNS, history, ok, settings


def test_health_is_shown_and_written(blobs):
    lines = ok("train", blobs, "--health", "--epochs", 2, "--seed", 1, "--out", "run")
    assert "health on 72 samples" in lines
    assert "no problem was found" in lines
    assert [line.endswith("healthy") for line in lines.splitlines() if "epoch 1/2" in line]
    names = [f"{name}_{i}" for name in ("delta", "saturated", "dead", "update") for i in (1, 2)]
    assert list(history("run")[0]) == [*COLUMNS, *names, "lost"]
    network = bpx.load("run/model.safetensors")
    whole = network.schema.samples(bpx.data.read_table(blobs))
    train, _ = splits.hold_out(whole, 0.2, 1, network.sizes[-1])
    health = bpx.inspect.examine(network, *train)
    last = history("run")[-1]
    assert [float(last[f"delta_{i}"]) for i in (1, 2)] == pytest.approx(health.errors, rel=1e-4)
    assert float(last["saturated_1"]) == pytest.approx(health.saturated[0], rel=1e-6)
    assert last["saturated_2"] == ""  # softmax
    assert last["lost"] == ""
    assert 0.0 < float(last["update_1"]) < 0.1
    assert settings("run")["health"] is True
    assert "--health" in settings("run")["command"]


def test_lost_outputs_are_named_in_the_line_and_in_the_history(blobs):
    words = ["--optimizer", "sgd", "--eta", 500, "--cost", "quadratic", "--init", "book_large"]
    words += ["--scaling", "none"]
    shown = ok("train", blobs, "--health", *words, "--epochs", 1, "--seed", 1, "--out", "run")
    lost = history("run")[0]["lost"]
    assert f"lost outputs {lost}" in shown
    assert lost.split()
    assert "try --cost cross_entropy" in shown


def test_without_health_there_is_none(blobs):
    assert "health" not in ok("train", blobs, "--epochs", 1, "--out", "run")
    assert list(history("run")[0]) == COLUMNS
    quiet = ok("train", blobs, "--health", "--epochs", 1, "--out", "other", "--quiet")
    assert quiet == "other\n"


def test_health_on_a_terminal():
    net = bpx.Network([2, 3, 4, 2], hidden="tanh", seed=0)
    x, y = np.eye(2), [0, 1]
    net.parameters = [300.0 * w for w in net.weights], net.biases
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    health.show(bpx.inspect.examine(net, x, y), console)
    assert "\x1b[" in written.getvalue()
    assert "health on 2 samples" in written.getvalue()
    assert "try inputs scaled" in written.getvalue()
