"""The optimizers of the command line: the table's, each with the options that it takes."""

import subprocess

import pytest

import bpx
from bpx.optim import OPTIMIZERS
from tests.cli.invoked import COMMAND, SECONDS, ok, refused, settings

optimizers = pytest.importorskip("bpx.cli.optimizers")
Settings = pytest.importorskip("bpx.cli.settings").Settings

HALVED = """
from dataclasses import dataclass
from typing import ClassVar

import bpx


@dataclass(frozen=True)
class Halved(bpx.optim.Optimizer):
    eta: float
    decay: float = 0.25
    default_eta: ClassVar[float] = 0.5

    @property
    def transformations(self):
        return (bpx.optim.scale(-0.5 * self.eta),)
"""
RUN = "from bpx.cli.commands import cli\ncli()\n"


def test_every_entry_of_the_table_is_made_with_its_own_defaults():
    for name, kind in OPTIMIZERS.items():
        assert optimizers.make(name, None, {}) == kind(kind.default_eta)
        assert optimizers.make(name, 0.25, {}) == kind(0.25)
    assert optimizers.make("adamw", None, {"decay": 0.5}) == bpx.AdamW(decay=0.5)


def test_the_options_of_each_are_the_fields_of_its_class():
    assert optimizers.defaults("sgd") == {"momentum": 0.0, "nesterov": False}
    assert optimizers.defaults("adam") == {}
    assert optimizers.defaults("adamw") == {"decay": 0.01}
    assert optimizers.defaults("rmsprop") == {"momentum": 0.0}
    assert optimizers.defaults("schedule_free_adamw") == {"decay": 0.0}
    assert optimizers.takers("momentum") == ["sgd", "rmsprop"]
    assert optimizers.takers("nesterov") == ["sgd"]
    decays = ["adamw", "lion", "muon", "schedule_free_adamw"]
    assert optimizers.takers("decay") == decays


def test_each_option_is_a_setting_with_the_same_value_for_none():
    for name, option in optimizers.OPTIONS.items():
        assert getattr(Settings, name) == option.off


def test_the_help_has_the_defaults_of_each(blobs):
    said = " ".join(ok("train", "--help").split())
    assert "The momentum of sgd and rmsprop, in [0, 1). [default: none]" in said
    assert "0.01 for adamw, 0.001 for lion, 0.1 for muon, 0 for schedule_free_adamw" in said


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_trains(blobs, name):
    said = ok("train", blobs, "--optimizer", name, "--epochs", 1, "--out", "run")
    assert f"training  {name}, eta {OPTIMIZERS[name].default_eta:g}" in said
    assert settings("run")["optimizer"] == name


def test_a_warm_up_of_its_own_counts_steps(blobs):
    words = ["--optimizer", "schedule_free_adamw", "--epochs", 1]
    said = refused("train", blobs, *words, "--warmup", "1epoch")
    assert "--warmup 1epoch was given; expected a number of steps, such as 100" in said
    assert optimizers.warms_up("schedule_free_adamw")
    assert not optimizers.warms_up("adam")


def test_the_warm_up_is_in_the_settings_of_the_optimizer_that_has_one(blobs):
    words = ["--optimizer", "schedule_free_adamw", "--warmup", "7", "--decay", 0.5]
    said = ok("train", blobs, *words, "--epochs", 1, "--out", "run")
    assert "schedule_free_adamw, eta 0.0025, warmup 7, decay 0.5," in said
    assert settings("run")["warmup"] == "7"
    assert "--warmup 7" in settings("run")["command"]


@pytest.mark.parametrize("command", [["train", "digits"], ["compare", "numpy"]])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--optimizer", "adam", "--momentum", 0.9], "--momentum is for --optimizer sgd"),
        (["--optimizer", "adamw", "--nesterov"], "--nesterov is for --optimizer sgd"),
        (["--optimizer", "sgd", "--decay", 0], "--decay is for --optimizer adamw"),
    ],
)
def test_an_option_of_another_optimizer(command, words, message):
    assert message in refused(*command, *words, code=2)


def test_the_decay_is_in_the_settings_of_the_optimizer_that_has_one(blobs):
    said = ok("train", blobs, "--optimizer", "adamw", "--epochs", 1, "--out", "run")
    assert "adamw, eta 0.001, decay 0.01," in said
    assert settings("run")["decay"] == 0.01
    assert "--decay 0.01" in settings("run")["command"]
    ok("train", blobs, "--optimizer", "adamw", "--decay", 0, "--epochs", 1, "--out", "none")
    assert settings("none")["decay"] == 0.0
    assert "--decay 0.0" in settings("none")["command"]
    ok("train", blobs, "--epochs", 1, "--out", "adam")
    assert "decay" not in settings("adam")


def test_a_decay_below_0(blobs):
    said = refused("train", blobs, "--optimizer", "adamw", "--decay", -1)
    assert "--decay -1.0" in said


def test_one_line_in_the_table_is_offered_by_the_command_line(blobs, tmp_path):
    words = ["train", blobs, "--optimizer", "halved", "--epochs", "1", "--out", "run"]
    line = 'bpx.optim.OPTIMIZERS["halved"] = Halved\n'
    (tmp_path / "mine.py").write_text(f"{HALVED}\n\n{line}{RUN}")
    for arguments in (words, ["train", "--help"]):
        ran = subprocess.run(
            [COMMAND[0], "mine.py", *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ran.returncode == 0, ran.stderr
        assert "halved" in ran.stdout
    assert "0.5 for halved" in " ".join(ran.stdout.split())
    assert settings("run")["eta"] == 0.5
    assert settings("run")["decay"] == 0.25
