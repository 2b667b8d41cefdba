"""Files that an earlier bpx wrote are read, answered by and written as they were then.

``tests/golden/make.py`` made them, and says when they may be made again.
"""

import csv
import json
import shlex
import tomllib
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
from safetensors.numpy import load_file

import bpx
from tests.golden import make, recipes

NETWORKS = make.FOLDER / "networks"
EXPECTED = json.loads((make.FOLDER / "expected.json").read_text(encoding="utf-8"))
X = np.array(EXPECTED.pop("x"))
RULES = ("transpose", "fa", "dfa", "usf", "brsf", "frsf", "kp")
CLOSE = {"float32": 1e-6, "float64": 1e-13}
LEFT_OUT = ("seconds", "samples_per_second", "eta")  # earlier versions have no eta

named = pytest.mark.parametrize("name", EXPECTED)
runs = pytest.mark.parametrize("run", make.RUNS)
needs_command_line = pytest.mark.skipif(
    not all(map(find_spec, ("click", "rich", "tomli_w"))), reason="the command line is an extra"
)


def path(name):
    return NETWORKS / f"{name}.safetensors"


def loaded(name, **settings):
    return bpx.load(path(name), custom=recipes.CUSTOM, **settings)


def test_every_file_is_expected_and_every_rule_is_in_one():
    assert {each.stem for each in NETWORKS.iterdir()} == set(EXPECTED)
    found = {(each["feedback"], each["dtype"]) for each in EXPECTED.values()}
    assert found >= set(product(RULES, recipes.DTYPES))
    assert {1, 2, 10} <= {len(each["activations"]) for each in EXPECTED.values()}
    assert {1, 3} <= {each["sizes"][-1] for each in EXPECTED.values()}


def test_they_are_small():
    files = (
        p for p in make.FOLDER.rglob("*") if p.is_file() and not p.suffix.startswith(".py")
    )
    assert sum(file.stat().st_size for file in files) < 60_000


@named
def test_a_network_is_what_it_was(name):
    net, expected = loaded(name), EXPECTED[name]
    assert list(net.sizes) == expected["sizes"]
    assert [each.activation.name for each in net.spec.layers] == expected["activations"]
    assert net.spec.cost.name == expected["cost"]
    assert net.spec.feedback.name == expected["feedback"]
    assert (net.seed, net.home.dtype) == (expected["seed"], expected["dtype"])
    assert net.mechanisms == (recipes.MECHANISMS if name == "private" else ())


@named
def test_its_arrays_are_the_files_bit_by_bit(name):
    net, stored = loaded(name), load_file(path(name))
    groups = {"weight": net.weights, "bias": net.biases, "feedback": net.feedback}
    held = {f"{2 * i}.{kind}": a for kind, group in groups.items() for i, a in enumerate(group)}
    assert held.keys() == stored.keys()
    for key, array in held.items():
        assert (array.dtype, array.shape) == (stored[key].dtype, stored[key].shape)
        assert array.tobytes() == stored[key].tobytes()


@named
def test_it_answers_as_it_did(name):
    answered = loaded(name).predict(X)
    expected = np.array(EXPECTED[name]["outputs"], EXPECTED[name]["dtype"])
    np.testing.assert_allclose(answered, expected, rtol=CLOSE[EXPECTED[name]["dtype"]], atol=0)


@named
def test_it_is_saved_as_it_was(name, tmp_path):
    loaded(name).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path(name).read_bytes()


@pytest.mark.parametrize("name", [name for name in EXPECTED if "custom" in name])
def test_parts_of_ones_own_are_asked_for(name):
    with pytest.raises(bpx.InputError, match=r"the custom part.*'softsign'"):
        bpx.load(path(name))


# Runs


def settings(text):
    """All but the versions, which are this machine's, and what was not written then."""
    found = tomllib.loads(text)
    assert "bpx" in found.pop("versions")
    new = ("run", "training", "network", "fingerprints", "machine", "started")
    return {name: value for name, value in found.items() if name not in new}


def history(folder):
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    kept = [i for i, name in enumerate(rows[0]) if name not in LEFT_OUT]
    numbers = [[float(row[i] or "nan") for i in kept] for row in rows[1:]]
    return rows[0], np.array(numbers)


def table(text):
    return np.loadtxt(text.splitlines(), delimiter=",", ndmin=2)


@runs
@needs_command_line
def test_a_run_is_evaluated_as_it_was(run):
    said = make.bpx_says(*command(run, "evaluated.txt"))
    assert said == (make.FOLDER / run / "evaluated.txt").read_text(encoding="utf-8")


@runs
@needs_command_line
@pytest.mark.parametrize("file", ["predicted.csv", "labels.csv"])
def test_a_run_predicts_as_it_did(run, file):
    kept = (make.FOLDER / run / file).read_text(encoding="utf-8")
    net = bpx.load(make.FOLDER / run / "network.safetensors")
    said = make.bpx_says(*command(run, file))
    np.testing.assert_allclose(table(said), table(kept), rtol=CLOSE[net.home.dtype], atol=0)


@runs
@needs_command_line
def test_the_command_in_the_settings_makes_the_same_run_again(run, tmp_path):
    kept = make.FOLDER / run
    then = settings((kept / "settings.toml").read_text(encoding="utf-8"))
    _, *words = shlex.split(then["command"])
    # Tables were taken as they are then, and without a penalty unless it was said. Samples are
    # held out by class now: it gets those that it trained on then, and holds none out.
    words += ["--scaling", "none", *(() if "--lmbda" in words else ("--lmbda", "0"))]
    words[words.index("--validation-fraction") + 1] = "0"
    train_on(trained_rows(then), tmp_path / make.TABLE)
    make.bpx_says(*words, "--out", "again", "--quiet", cwd=tmp_path)
    again = tmp_path / "again"
    now = settings((again / "run.toml").read_text(encoding="utf-8"))
    assert (now.pop("scaling"), now.pop("task")) == ("none", "classes")
    assert now.pop("target") == then.pop("target", "kind")
    first = now.pop("command").replace(" --lmbda 0.0", "").split("--target")[0]
    assert first == then.pop("command").split("--target")[0]
    assert (now.pop("drawn"), now.pop("tensorboard")) == ("by class", False)  # these are new
    assert (now.pop("validation_fraction"), now["samples"].pop("validation", 0)) == (0.0, 0)
    assert then.pop("validation_fraction") > 0.0
    assert then["samples"].pop("validation") > 0
    assert now == then
    (head, numbers), (head_then, numbers_then) = history(again), history(kept)
    assert [name for name in head if name != "eta"] == head_then
    of_training = [not name.startswith("validation") for name in head if name not in LEFT_OUT]
    assert np.isnan(numbers[:, np.logical_not(of_training)]).all()
    np.testing.assert_allclose(numbers[:, of_training], numbers_then[:, of_training], rtol=1e-4)
    for name, array in load_file(kept / "network.safetensors").items():
        trained = load_file(again / "model.safetensors")[name]
        np.testing.assert_allclose(trained, array, rtol=1e-4, atol=1e-6)


def trained_rows(then):
    """The rows that a run of then trained on."""
    from bpx.cli import splits

    n = sum(then["samples"].values())
    return splits.held_before(n, then["validation_fraction"], then["seed"])[0]


def train_on(rows, place):
    """Write some rows of the table."""
    head, *lines = (make.FOLDER / make.TABLE).read_text(encoding="utf-8").splitlines()
    place.write_text("\n".join([head, *(lines[row] for row in rows), ""]), encoding="utf-8")


@runs
def test_a_runs_network_is_saved_as_it_was(run, tmp_path):
    file = make.FOLDER / run / "network.safetensors"
    bpx.load(file).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def command(run, file):
    return [run if word == "RUN" else word for word in make.COMMANDS[file]]


# Making them


def test_they_are_not_made_again_by_accident(capsys):
    before = (make.FOLDER / "made.json").read_bytes()
    with pytest.raises(SystemExit):
        make.main([])
    assert "--again replaces them" in capsys.readouterr().err
    assert (make.FOLDER / "made.json").read_bytes() == before


def test_it_is_said_what_made_them():
    made = json.loads((make.FOLDER / "made.json").read_text(encoding="utf-8"))
    assert made.keys() == {"commit", "bpx", "python", "numpy", "safetensors"}
    assert len(made["commit"]) == 40


def test_what_would_be_made_today_has_the_same_networks():
    assert dict(recipes.trained()).keys() >= EXPECTED.keys()
    assert recipes.inputs().tolist() == X.tolist()
