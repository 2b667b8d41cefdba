"""The network of a run, from its settings."""

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import bpx
from bpx.cli.networks import DIM, untrained
from bpx.cli.settings import Settings
from tests.cli.invoked import ok, refused, settings


def test_it_is_as_the_settings_say():
    net = untrained(Settings("any", layers=(4, 3, 2), norm="layer", dropout=0.2, seed=3))
    same = bpx.Network([4, 3, 2], hidden="relu", norm="layer", dropout=0.2, seed=3)
    assert net.spec == same.spec
    np.testing.assert_array_equal(net.weights[0], same.weights[0])
    assert untrained(Settings("any", layers=(4, 2), init="he_normal", seed=3)).seed == 3


@pytest.fixture
def towns():
    """A table whose target depends on a text with many values, and on a number."""
    rng = np.random.default_rng(0)
    town, age = rng.integers(45, size=400), rng.uniform(20, 70, 400)
    kind = np.where(rng.normal(size=45)[town] > 0, "yes", "no")
    with open("towns.csv", "w", encoding="utf-8") as file:
        file.write("age,town,bought\n")
        rows = zip(age, town, kind, strict=True)
        file.writelines(f"{a:.2f},town {t},{k}\n" for a, t, k in rows)
    return "towns.csv"


def test_categories_become_codes_with_vectors_of_their_own(blobs, towns):
    words = ["train", towns, "--epochs", 40, "--seed", 1, "--norm", "layer"]
    said = ok(*words, "--categories", "codes", "--out", "run")
    assert "1 text (codes): 2 inputs" in said
    net = bpx.load("run/model.safetensors")
    first, *rest = net.spec.layers
    assert (first.kind, first.dim, first.levels) == ("embedding", DIM, (46,))
    assert [layer.kind for layer in rest] == ["dense", "layer_norm", "dense"]
    assert (rest[0].n_in, rest[0].n_out) == (1 + DIM, 100)
    assert settings("run")["categories"] == "codes"
    assert "--categories codes" in settings("run")["command"]
    ok(*words, "--out", "plain")
    parts = ["--split", "validation"]
    codes, plain = (ok("evaluate", run, towns, *parts) for run in ("run", "plain"))
    assert "accuracy  100.00 %" in codes
    assert "accuracy  100.00 %" not in plain
    assert "resumed   after 40 epochs" in ok("resume", "run", "--epochs", 41)
    assert len(ok("predict", "run", towns).splitlines()) == 401


def test_a_table_without_categories_has_no_codes(blobs):
    ok("train", blobs, "--categories", "codes", "--epochs", 1, "--out", "run")
    assert [layer.kind for layer in bpx.load("run/model.safetensors").spec.layers] == [
        "dense", "dense",
    ]  # fmt: skip
    assert "is for tables" in refused("train", "blobs.npz", "--categories", "codes")
