"""The options of tables, as they are typed."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")

import bpx
from tests.cli.invoked import ok, refused, settings


@pytest.mark.parametrize("typed", ["tab", "\\t", "\t"])
def test_a_tab_can_be_typed(blobs, typed):
    with open(blobs, encoding="utf-8") as file, open("tabs.csv", "w", encoding="utf-8") as to:
        to.write(file.read().replace(",", "\t"))
    ok("train", "tabs.csv", "--delimiter", typed, "--epochs", 1, "--out", "run")
    assert settings("run")["delimiter"] == "\t"


def test_what_is_not_known_is_refused(blobs):
    for words in (["--task", "ranks"], ["--scaling", "log"], ["--decimal", ";"]):
        assert "is not one of" in refused("train", blobs, *words, code=2)
    said = refused("train", blobs, "--delimiter", "ab")
    assert "--delimiter ab was given; expected one character, such as --delimiter ';'" in said


@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
def test_numbers_are_scaled_as_chosen(blobs, scaling):
    ok("train", blobs, "--scaling", scaling, "--epochs", 1, "--out", "run")
    features = bpx.load("run/model.safetensors").schema.features
    assert all((f.center, f.scale) == (0.0, 1.0) for f in features) == (scaling == "none")
    assert settings("run")["scaling"] == scaling


def test_features_are_named_or_dropped(blobs):
    ok("train", blobs, "--features", "b,a", "--epochs", 1, "--out", "some")
    names = [f.name for f in bpx.load("some/model.safetensors").schema.features]
    assert sorted(names) == ["a", "b"]
    ok("train", blobs, "--drop", "c", "--drop", "a", "--epochs", 1, "--out", "fewer")
    assert settings("fewer")["drop"] == ["c", "a"]
    both = refused("train", blobs, "--features", "a", "--drop", "a")
    assert "was given both with --features a and with --drop a" in both
    target = refused("train", blobs, "--drop", "kind")
    assert "both as the target and with --drop kind" in target
