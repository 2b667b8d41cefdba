"""The settings that a run's folder shows, and those that are compared."""

import tomllib
from dataclasses import dataclass

import pytest

import bpx
from tests.network.resuming.cases import SETTINGS
from tests.training.small import network, samples


def settings(folder):
    return tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))


def test_the_settings_are_for_people(tmp_path):
    net = network(dropout=0.2)
    given = {"validation": samples(12), "metrics": ["absolute_error"], "class_weight": {0: 2.0}}
    net.fit(*samples(), **SETTINGS, **given, checkpoint=tmp_path)
    found = settings(tmp_path)
    assert found["training"]["optimizer"] == repr(SETTINGS["optimizer"])
    assert found["training"]["class_weight"] == "{0: 2.0}"
    assert (found["training"]["epochs"], found["training"]["seed"]) == (3, 1)
    assert found["training"]["metrics"] == ["absolute_error"]
    assert found["network"]["sizes"] == [5, 4, 3]
    assert found["network"]["layers"] == ["dense", "dropout", "dense"]
    assert found["network"]["seed"] == 0
    assert found["fingerprints"]["x"].startswith("(40, 5) float32 ")
    assert "the weights of the samples" in found["fingerprints"]
    assert found["machine"]["versions"]["bpx"] == bpx.__version__
    assert len(found["run"]) == 16


def test_they_are_written_once(tmp_path):
    net = network(dropout=0.2)
    net.fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    before = (tmp_path / "run.toml").read_bytes()
    net.fit(*samples(), **SETTINGS, checkpoint=tmp_path, resume=True)
    assert (tmp_path / "run.toml").read_bytes() == before


def test_a_secret_seed_is_not_shown(tmp_path):
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.1, delta=1e-3)
    given = {**SETTINGS, "seed": None, "privacy": private, "epochs": 1}
    network().fit(*samples(), **given, checkpoint=tmp_path)
    assert "seed" not in settings(tmp_path)["training"]


def test_a_layer_that_no_file_can_hold_is_refused_before_the_first_step(tmp_path):
    @dataclass(frozen=True)
    class Odd(bpx.Dropout):
        more: frozenset = frozenset((2.0,))

    sigma = bpx.activations.sigmoid
    net = bpx.Network([bpx.Dense(5, 4, sigma), Odd(4, 0.5), bpx.Dense(4, 3, sigma)])
    with pytest.raises(bpx.InputError, match="cannot be saved; expected a dataclass whose"):
        net.fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    assert list(tmp_path.iterdir()) == []
