"""The settings of a run, read back from its ``run.toml``."""

import tomllib

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import tomli_w

import bpx
from bpx.cli.restored import WORDS, restored
from bpx.cli.settings import Settings

SETTINGS = [
    Settings("digits"),
    Settings(
        "a.csv", layers=(3, 4, 2), dropout=(0.1, 0.2), cost="huber(delta=0.5)", eta=1, seed=3,
        drop=("a", "b"), header=False, health=True, lmbda=0.5, early_stopping=4,
    ),
    Settings("a.csv", dropout=0.1, precision="float32", epochs=3),
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_come_back_equal(settings):
    tree = tomllib.loads(tomli_w.dumps({"run": "x", **settings.given(), "training": {}}))
    assert restored("run", tree) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layers", 5),
        ("layers", ["a"]),
        ("epochs", "30"),
        ("epochs", 3.5),
        ("epochs", True),
        ("health", 1),
        ("eta", "fast"),
        ("hidden", 3),
        ("drop", "a"),
        ("seed", {}),
    ],
)
def test_a_value_of_another_type_is_named(name, value):
    with pytest.raises(bpx.InputError, match=f"run.toml of here has {name} = .*another type"):
        restored("here", {"data": "digits", name: value})


@pytest.mark.parametrize(("training", "epochs"), [(5, 5), (2, 3), ("many", 3)])
def test_a_run_that_was_made_longer_in_python_is_that_long(training, epochs):
    tree = {"data": "digits", "epochs": 3, "training": {"epochs": training}}
    assert restored("run", tree).epochs == epochs


@pytest.mark.parametrize("tree", [None, {}, {"data": 5}])
def test_what_is_no_run_of_the_command_line(tree):
    with pytest.raises(bpx.InputError, match="here holds no run of bpx train"):
        restored("here", tree)


def test_messages_name_the_file():
    with bpx.errors.at_the_prompt(WORDS):
        assert bpx.errors.option("batch_size", 3) == "run.toml's batch_size=3"
        assert bpx.errors.option("health", False) == "run.toml's health=False"
        assert bpx.errors.option("every", "1 s") == "--every '1 s'"
