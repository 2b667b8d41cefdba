"""Options from a file: each as it would be typed, and those on the command line before them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tomli_w", reason="the command line is an extra")

import tomli_w

import bpx
from tests.cli.invoked import ok, refused, settings


def written(text, name="options.toml"):
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_file_has_the_options_and_the_data(blobs):
    file = written(
        f'data = "{blobs}"\nbatch-size = 16\nepochs = 2\nseed = 7\noptimizer = "sgd"\n'
        'eta = 1\nnesterov = true\nmomentum = 0.5\nmetrics = ["brier", "f1_micro"]\n'
    )
    ok("train", "--config", file, "--out", "run")
    found = settings("run")
    assert (found["batch_size"], found["epochs"], found["seed"]) == (16, 2, 7)
    assert (found["optimizer"], found["eta"], found["nesterov"]) == ("sgd", 1.0, True)
    assert found["metrics"] == ["brier", "f1_micro"]


def test_what_is_typed_comes_first(blobs):
    file = written('epochs = 9\nhidden = "tanh"\n')
    ok("train", blobs, "--epochs", 1, "--config", file, "--out", "run")
    assert settings("run")["epochs"] == 1
    assert settings("run")["hidden"] == "tanh"


def test_a_runs_own_file_makes_it_again(blobs):
    words = ["--norm", "layer", "--dropout", 0.1, "--layers", "3,5,3", "--epochs", 2]
    ok("train", blobs, *words, "--seed", 3, "--out", "first")
    ok("train", "--config", "first/run.toml", "--out", "again")
    model = Path("first/model.safetensors").read_bytes()
    assert Path("again/model.safetensors").read_bytes() == model
    ok("train", "--config", "first/run.toml", "--epochs", 3, "--out", "longer")
    assert settings("longer")["epochs"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "has 'epoch', which is no option of bpx train (did you mean 'epochs'?)"),
        ("[training]\nepochs = 3", "has the table [training]; expected options alone"),
        ("epochs = ", "cannot be read"),
        ('epochs = "many"', "'many' is not a valid int"),
        ("epochs = true", "options.toml has epochs = true; expected a value, as bpx takes it"),
        ("eta = false", "has eta = false; expected a value, as bpx takes it after --eta"),
        ("epochs = 2.5", "'2.5' is not a valid int"),
        ("health = 1", "has health = 1; expected true or false"),
        ('nesterov = "yes"', "has nesterov = 'yes'; expected true or false"),
        ("header = 0", "has header = 0; expected true or false"),
        ("batch-size = 5\nbatch_size = 7", "has batch_size twice, once as batch_size"),
        ('run = "x"\nepochs = 3', "is of a run that was begun in Python, and holds no options"),
        ('run = "x"\ncommand = ""\nnetwork = 3', "has 'network', which is no option of bpx"),
        ('optimizer = "sdg"', "'sdg' is not one of 'sgd'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(blobs, text, message):
    code = 2 if "valid" in message or "one of" in message else 1
    said = refused("train", blobs, "--config", written(text), "--out", "run", code=code)
    assert message in said
    assert not Path("run").exists()


def test_a_file_that_is_not_there_is_refused(blobs):
    said = refused("train", blobs, "--config", "missing.toml")
    assert "--config missing.toml does not exist" in said


def test_data_is_needed_without_a_file_that_has_it():
    assert "Missing argument 'DATA'" in refused("train", code=2)


def test_one_text_is_a_list_of_one(blobs):
    names = Path(blobs).read_text(encoding="utf-8").partition("\n")[0].split(",")
    file = written(f'drop = "{names[0]}"\nepochs = 1\n')
    ok("train", blobs, "--config", file, "--out", "run")
    assert settings("run")["drop"] == [names[0]]


@pytest.mark.parametrize(
    ("words", "kept", "eta"),
    [
        ([], {"decay": 0.01}, 0.001),
        (["--eta", 0.02, "--decay", 0.5], {"decay": 0.5}, 0.02),
        (["--optimizer", "sgd"], {}, 0.1),
        (["--optimizer", "sgd", "--momentum", 0.5], {"momentum": 0.5}, 0.1),
        (["--momentum", 0.5, "--eta", 0.2, "--optimizer", "sgd"], {"momentum": 0.5}, 0.2),
    ],
    ids=str,
)
def test_another_optimizer_has_its_own_options(blobs, words, kept, eta):
    ok("train", blobs, "--optimizer", "adamw", "--epochs", 1, "--seed", 3, "--out", "first")
    ok("train", "--config", "first/run.toml", *words, "--out", "again")
    found = settings("again")
    assert found["eta"] == eta
    assert {k: found[k] for k in ("decay", "momentum") if found.get(k)} == kept


def test_a_chosen_number_stays_with_an_optimizer_that_takes_it(blobs):
    words = ["--optimizer", "adamw", "--eta", 0.02, "--decay", 0.5, "--epochs", 1]
    ok("train", blobs, *words, "--out", "first")
    ok("train", "--config", "first/run.toml", "--optimizer", "lion", "--out", "again")
    assert (settings("again")["eta"], settings("again")["decay"]) == (0.02, 0.5)
    said = refused(
        "train", "--config", "first/run.toml", "--optimizer", "sgd", "--decay", 1, code=2
    )
    assert "--decay was given with --optimizer sgd" in said


@pytest.mark.parametrize(
    ("words", "output", "cost"),
    [
        (["--cost", "categorical_hinge"], "identity", "categorical_hinge"),
        (["--cost", "quadratic"], "softmax", "quadratic"),
        (["--output", "softmax"], "softmax", "cross_entropy"),
    ],
    ids=str,
)
def test_a_cost_and_an_output_that_do_not_fit_are_chosen_anew(blobs, words, output, cost):
    ok("train", blobs, "--epochs", 1, "--seed", 3, "--out", "first")
    ok("train", "--config", "first/run.toml", *words, "--out", "again")
    assert (settings("again")["output"], settings("again")["cost"]) == (output, cost)


def test_a_file_whose_cost_the_typed_output_excludes_is_given_another(blobs):
    ok("train", blobs, "--cost", "categorical_hinge", "--epochs", 1, "--out", "first")
    ok("train", "--config", "first/run.toml", "--output", "softmax", "--out", "again")
    assert settings("again")["cost"] == "cross_entropy"


def test_the_file_of_a_run_that_was_begun_in_python_is_refused(blobs):
    network = bpx.Network([3, 3], output="softmax", cost="cross_entropy")
    settings = {"epochs": 1, "batch_size": 1, "optimizer": bpx.Adam()}
    network.fit(np.eye(3), [0, 1, 2], **settings, checkpoint="mine")
    said = refused("train", blobs, "--config", "mine/run.toml", "--out", "run")
    assert "is of a run that was begun in Python" in said
    assert not Path("run").exists()


@pytest.mark.parametrize("typed", [False, True])
def test_the_data_of_a_run_are_found_where_it_was_started(blobs, tmp_path, monkeypatch, typed):
    ok("train", blobs, "--epochs", 1, "--seed", 3, "--out", "first")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    words = [tmp_path / blobs] if typed else []
    said = ok("train", *words, "--config", "../first/run.toml", "--out", "again")
    assert (said.count("blobs.csv is not here") == 1) == (not typed)
    assert settings("again")["data"] == str(tmp_path / blobs)


ON = {
    "health": True,
    "tensorboard": True,
    "nesterov": True,
    "momentum": 0.5,
    "early_stopping": 3,
    "class_weight": "balanced",
    "norm": "layer",
    "dropout": 0.1,
    "schedule": "cosine",
    "warmup": "2",
    "init": "he_normal",
    "metrics": ["brier"],
}


@pytest.mark.parametrize(
    "words",
    [
        ["--early-stopping", "none", "--class-weight", "none", "--norm", "none"],
        ["--warmup", "none", "--schedule", "none", "--init", "none", "--metrics", "none"],
        ["--warmup", "0", "--dropout", "none", "--momentum", "0", "--no-nesterov"],
        ["--no-health", "--no-tensorboard", "--dropout", "0", "--metrics", ""],
    ],
)
def test_what_a_file_switches_on_can_be_switched_off(blobs, words, monkeypatch):
    taken = []
    monkeypatch.setattr("bpx.cli.running.run", lambda settings, **_: taken.append(settings))
    file = written("quiet = true\noptimizer = 'sgd'\n" + tomli_w.dumps(ON))
    ok("train", blobs, "--config", file)
    ok("train", blobs, "--config", file, *words)
    before, after = taken
    off = {word.removeprefix("--").removeprefix("no-").replace("-", "_") for word in words}
    for name in ON:
        there = getattr(before, name), getattr(after, name)
        assert there[0]
        assert bool(there[1]) == (name not in off)


def test_quiet_can_be_switched_off(blobs):
    file = written("quiet = true\nepochs = 1\n")
    assert ok("train", blobs, "--config", file, "--out", "quiet") == "quiet\n"
    assert "network" in ok("train", blobs, "--config", file, "--no-quiet", "--out", "loud")
