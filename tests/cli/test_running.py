"""``bpx train``: on every backend, by every choice, and to an end of every kind."""

import os
import shlex
from pathlib import Path

import numpy as np
import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from bpx.cli import display, running
from bpx.cli.folder import RunFolder
from tests.backends import problem
from tests.cli.invoked import costs, history, interrupt, invoke, learned, ok, refused, settings


def test_training_on_every_backend(digits, backend):
    words = ["--epochs", 2, "--batch-size", 100, "--out", "run"]
    output = ok("train", digits, *words, "--backend", backend)
    assert f"home      {backend}, float32" in output
    assert settings("run")["backend"] == backend
    assert backend in settings("run")["versions"]
    assert len(history("run")) == 2


def test_the_environment_chooses_the_backend(digits, backend):
    words = ["--epochs", 1, "--batch-size", 100, "--out", "run"]
    ok("train", digits, *words, env={"BPX_BACKEND": backend})
    assert settings("run")["backend"] == backend


def test_the_option_goes_before_the_environment(blobs):
    env = {"BPX_BACKEND": "nonsense", "BPX_DTYPE": "float32"}
    words = ["--backend", "numpy", "--dtype", "float64", "--epochs", 1, "--out", "run"]
    ok("train", blobs, *words, env=env)
    assert settings("run")["dtype"] == "float64"
    assert bpx.load("run/model.safetensors").weights[0].dtype == np.float64


def test_the_defaults_learn_the_digits(digits):
    output = ok("train", digits, "--seed", 1, "--out", "run")
    assert len(history("run")) == 30
    assert float(history("run")[-1]["validation_accuracy"]) > 0.95
    assert "validation  best accuracy 9" in output
    assert "test        accuracy 9" in output
    assert "bpx evaluate run digits" in output


def test_the_same_seed_gives_the_same_history_and_another_does_not(blobs):
    for seed, out in ((1, "a"), (1, "b"), (2, "c")):
        ok("train", blobs, "--epochs", 2, "--seed", seed, "--out", out)
    assert learned("a") == learned("b")
    assert costs("a") == pytest.approx(costs("b"), rel=1e-5)
    assert costs("a") != pytest.approx(costs("c"), rel=1e-5)
    first, second = (bpx.load(f"{run}/model.safetensors") for run in ("a", "b"))
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_history_is_what_the_library_says(blobs):
    ok("train", blobs, "--epochs", 2, "--seed", 3, "--validation-fraction", 0, "--out", "run")
    table = bpx.data.read_table(blobs)
    schema = bpx.data.Schema.fit(table, target="kind")
    parts = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
    network = bpx.Network([3, 100, 3], **parts, seed=3, schema=schema)
    epochs = network.fit(
        table, lmbda=1.0, epochs=2, batch_size=10, optimizer=bpx.Adam(0.001), seed=3
    )
    assert costs("run") == pytest.approx([epoch.cost for epoch in epochs], rel=1e-5)
    assert [row["accuracy"] for row in history("run")] == [str(e.accuracy) for e in epochs]
    assert history("run")[0]["validation_cost"] == ""
    assert "validation_fraction" in settings("run")


def test_class_weights_are_those_of_fit_and_can_be_repeated(blobs):
    words = ["--class-weight", "balanced", "--validation-fraction", 0]
    output = ok("train", "blobs.npz", *words, "--epochs", 2, "--seed", 3, "--out", "run")
    assert "eta 0.001, classes balanced, batches of 10" in output
    network = bpx.Network(
        [3, 30, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=3
    )
    settled = {"epochs": 2, "batch_size": 10, "optimizer": bpx.Adam(0.001), "seed": 3}
    epochs = network.fit(*bpx.data.read("blobs.npz"), **settled, class_weight="balanced")
    assert costs("run") == pytest.approx([epoch.cost for epoch in epochs], rel=1e-5)
    assert settings("run")["class_weight"] == "balanced"
    _, *again = shlex.split(settings("run")["command"])
    ok(*again, "--out", "again")
    assert learned("again") == learned("run")
    assert settings("again") == settings("run")


def test_class_weights_are_for_classes():
    np.savez("data.npz", x=np.ones((60, 2)), y=np.linspace(-1, 1, 60))
    said = refused("train", "data.npz", "--class-weight", "balanced", "--out", "run")
    assert "--class-weight balanced was given for targets that are numbers" in said
    assert "Omit it" in said
    assert "sample_weight" not in said
    assert not os.path.exists("run")


def test_early_stopping_saves_the_best_weights(blobs):
    words = ["--early-stopping", 2, "--optimizer", "sgd", "--eta", 5, "--momentum", 0.9]
    output = ok("train", blobs, *words, "--epochs", 60, "--seed", 1, "--out", "run")
    found = [float(row["validation_cost"]) for row in history("run")]
    best = 1 + found.index(min(found))
    assert len(found) == best + 2 < 60
    assert "stopped     after 2 epochs without a new best validation cost" in output
    assert f"model.safetensors (epoch {best})" in output
    assert settings("run")["early_stopping"] == 2
    said = ok("evaluate", "run", blobs, "--split", "validation")
    assert f"{min(found):.4g}"[:5] in said
    _, *again = shlex.split(settings("run")["command"])
    ok(*again, "--out", "again")
    assert learned("again") == learned("run")


def test_early_stopping_needs_validation_samples(blobs):
    words = ["--early-stopping", 2, "--validation-fraction", 0, "--out", "run"]
    said = refused("train", blobs, *words)
    assert "--early-stopping 2 was given without validation samples" in said
    assert "--validation-fraction 0.2" in said
    assert not os.path.exists("run")


def test_mini_batches_may_be_cut_in_chunks(blobs):
    words = ["--dtype", "float64", "--epochs", 2, "--seed", 1]
    ok("train", blobs, *words, "--accumulate", 3, "--out", "cut")
    ok("train", blobs, *words, "--out", "whole")
    assert costs("cut") == pytest.approx(costs("whole"), rel=1e-9)
    assert settings("cut")["accumulate"] == 3
    assert "--accumulate 3" in settings("cut")["command"]
    assert "accumulate" not in settings("whole")
    said = refused("train", blobs, "--accumulate", 11, "--out", "run")
    assert "--accumulate 11 was given" in said
    assert not os.path.exists("run")


def test_16_bits_are_an_option_of_some_backends(blobs):
    said = refused(
        "train", blobs, "--precision", "bfloat16", "--backend", "numpy", "--out", "run"
    )
    assert "bfloat16 needs --backend cupy or --backend torch or --backend jax" in said
    if reason := problem("torch"):
        pytest.skip(reason)
    words = ["--epochs", 2, "--seed", 1, "--backend", "torch"]
    ok("train", blobs, *words, "--precision", "float16", "--out", "half")
    ok("train", blobs, *words, "--out", "whole")
    assert costs("half") == pytest.approx(costs("whole"), rel=0.2)  # a step may be skipped
    assert costs("half") != costs("whole")
    assert settings("half")["precision"] == "float16"
    assert "--precision float16" in settings("half")["command"]
    assert "precision" not in settings("whole")
    ok("resume", "half", "--epochs", 3)
    assert len(history("half")) == 3
    said = refused("train", blobs, *words, "--precision", "float16", "--dtype", "float64")
    assert "--precision float16 was given for a network in float64" in said


def test_events_for_tensorboard_lie_in_the_runs_folder(blobs):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    ok("train", blobs, "--tensorboard", "--epochs", 1, "--seed", 1, "--out", "run")
    (events,) = os.listdir("run/tensorboard")
    assert os.path.getsize(f"run/tensorboard/{events}") > 200
    assert "--tensorboard" in settings("run")["command"]
    ok("resume", "run", "--epochs", 2)
    assert len(os.listdir("run/tensorboard")) == 2
    assert "epochs" in settings("run")["command"]


def test_a_run_that_has_ended_and_lost_its_history_is_no_traceback(blobs, caplog):
    ok("train", blobs, "--epochs", 1, "--seed", 1, "--out", "run")
    os.remove("run/history.jsonl")
    assert ok("resume", "run").endswith("resumed   after 1 epoch, 8 steps\n\nrun\n")
    assert "history.jsonl is missing: it has 0 of 1 epochs" in caplog.text


def test_quiet_prints_the_folder_alone(blobs):
    assert ok("train", blobs, "--epochs", 1, "--out", "run", "--quiet") == "run\n"


def test_fewer_samples_than_a_batch():
    np.savez("data.npz", x=np.eye(4), y=np.arange(4) % 2)
    ok("train", "data.npz", "--epochs", 1, "--out", "run")
    assert settings("run")["batch_size"] == 3


def test_ctrl_c_before_the_first_epoch_leaves_no_folder(blobs, monkeypatch):
    monkeypatch.setattr(display.Lines, "progress", interrupt)
    result = invoke("train", blobs, "--out", "deep/run")
    assert result.exit_code == 130
    assert "Interrupted: no epoch had finished, so nothing was saved" in result.output
    assert not os.path.exists("deep")


def test_divergence_in_the_first_epoch_leaves_nothing(blobs):
    words = ["--optimizer", "sgd", "--eta", 1e30, "--output", "identity"]
    said = refused("train", blobs, *words, "--out", "run")
    assert "the cost became non-finite in epoch 1" in said
    assert "no epoch had finished" in said
    assert not os.path.exists("run")


def test_divergence_keeps_the_last_good_epoch():
    x = np.linspace(-1, 1, 20)[:, None]
    np.savez("data.npz", x=x, y=x[:, 0])
    words = ["--layers", "1,1", "--optimizer", "sgd", "--eta", 100, "--batch-size", 4]
    said = refused("train", "data.npz", *words, "--epochs", 100, "--out", "run")
    rows = history("run")
    assert 1 <= len(rows) < 100
    assert f"the network of epoch {len(rows)} is saved" in said
    assert np.isfinite(bpx.load("run/model.safetensors").weights[0]).all()


def test_a_named_data_set_has_its_own_validation_samples(digits):
    said = refused("train", digits, "--validation-fraction", 0.3)
    assert "digits has its own validation samples" in said


def same(one, other):
    """Whether two runs have the same network and, but for the times, the same history."""
    assert learned(one) == learned(other)
    files = [f"{run}/model.safetensors" for run in (one, other)]
    first, second = (Path(file).read_bytes() for file in files)
    assert first == second


@pytest.fixture
def cut(monkeypatch):
    """End a run like a kill, at its 20th chunk of one step."""
    monkeypatch.setattr("bpx.training.chunks.CHUNK_SECONDS", 0.0)

    def run(*words):
        seen = []

        def progress(self, progress):
            seen.append(progress)
            if len(seen) == 20:
                raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(display.Lines, "progress", progress)
            result = invoke(*words)
        assert str(result.exception) == "killed"

    return run


@pytest.mark.parametrize("data", ["blobs.csv", "blobs.npz"])
def test_a_run_that_was_cut_off_is_continued_to_the_same_bits(blobs, data, cut):
    words = ["train", data, "--epochs", 4, "--seed", 1]
    words += ["--class-weight", "balanced", "--health"]
    ok(*words, "--out", "whole")
    cut(*words, "--out", "run", "--every", "3 steps")
    output = ok("resume", "run")
    assert "resumed   after 2 epochs, 16 steps" in output
    assert "epoch 4/4" in output
    assert "epoch 2/4" not in output
    same("run", "whole")
    found = settings("run")
    assert found.pop("every") == found["training"].pop("every") == "3 steps"
    whole = settings("whole")
    assert whole["training"].pop("every") == "1 epoch"
    assert found == whole
    ok("evaluate", "run", data, "--split", "validation")


def test_a_finished_run_is_made_longer(blobs):
    words = ["train", blobs, "--seed", 1]
    ok(*words, "--epochs", 4, "--out", "whole")
    ok(*words, "--epochs", 2, "--out", "run", "--keep", 1)
    ok("resume", "run", "--epochs", 4, "--quiet")
    same("run", "whole")
    assert len(os.listdir("run/checkpoints")) <= 2
    assert len(os.listdir("whole/checkpoints")) >= 3
    assert settings("run")["keep"] == 1
    ok("resume", "run", "--keep", 3)
    assert settings("run").pop("keep") == settings("run")["training"]["keep"] == 3
    assert settings("run") == {**settings("whole"), "keep": 3}
    ok("train", "--config", "run/run.toml", "--out", "again")
    assert settings("again")["keep"] == 3
    assert "already finished 4" in refused("resume", "run", "--epochs", 3)


def test_a_run_is_continued_on_another_backend(blobs, backend):
    words = ["train", "blobs.npz", "--seed", 1, "--out"]
    ok(*words, "whole", "--epochs", 3)
    ok(*words, "run", "--epochs", 2)
    output = ok("resume", "run", "--epochs", 3, "--backend", backend)
    assert f"home      {backend}, float32" in output
    assert costs("run") == pytest.approx(costs("whole"), rel=1e-4)


def test_a_run_is_continued_where_its_own_backend_is_missing(blobs):
    words = ["train", blobs, "--seed", 1, "--epochs", 2, "--out", "run"]
    ok(*words)
    text = Path("run/run.toml").read_text(encoding="utf-8")
    text = text.replace('backend = "numpy"', 'backend = "bpx_missing"', 1)
    Path("run/run.toml").write_text(text, encoding="utf-8")
    assert "bpx_missing" in refused("resume", "run", "--epochs", 3)
    ok("resume", "run", "--epochs", 3, "--backend", "numpy")
    assert len(history("run")) == 3
    assert settings("run")["backend"] == "bpx_missing"
    assert "--backend bpx_missing" in settings("run")["command"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("batch_size = 10", "batch_size = 3", "run.toml's batch_size=3 was given, but run was"),
        ("health = false", "health = true", "run.toml's health=True was given"),
        ("eta = 0.001", "eta = 0.5", "run.toml's optimizer=Adam(eta=0.5"),
        ("    100,", "    50,", "run holds the training of another network: it has the sizes"),
        ("seed = 1", "seed = 2", "run.toml's seed=2 was given"),
    ],
)
def test_edited_settings_are_refused_by_name(blobs, before, after, said):
    ok("train", blobs, "--seed", 1, "--epochs", 1, "--out", "run")
    text = Path("run/run.toml").read_text(encoding="utf-8")
    assert before in text
    Path("run/run.toml").write_text(text.replace(before, after, 1), encoding="utf-8")
    assert said in refused("resume", "run", "--epochs", 2)
    assert len(history("run")) == 1
    Path("run/run.toml").write_text(text, encoding="utf-8")
    ok("resume", "run", "--epochs", 2)


def test_divergence_in_a_continued_run_says_what_stays(blobs, monkeypatch):
    def interrupted(self, progress):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running, "_remains", lambda folder: True)
        patch.setattr(RunFolder, "__exit__", lambda self, *_: None)
        patch.setattr(display.Lines, "progress", interrupted)
        invoke("train", blobs, "--out", "run")
        assert os.listdir("run/checkpoints") == ["000001"]
        said = invoke("resume", "run").output
    assert "no epoch had finished, but run has a checkpoint" in said
    assert "removed" not in said


def test_a_run_that_was_made_longer_in_python_is_continued(blobs):
    words = ["--epochs", 2, "--validation-fraction", 0, "--seed", 1, "--out", "run"]
    ok("train", "blobs.npz", *words)
    bpx.resume("run", bpx.data.read("blobs.npz"), epochs=3).finish()
    assert "after 3 epochs" in ok("resume", "run")
    ok("resume", "run", "--epochs", 4)
    assert len(history("run")) == 4


def test_what_cannot_be_continued(blobs, trained):
    assert "nothing does not exist; expected the folder" in refused("resume", "nothing")
    assert "blobs.csv is a file; expected the folder" in refused("resume", blobs)
    assert "does not exist" in refused("resume", "a" * 300)
    os.mkdir("empty")
    assert "empty holds no run of bpx train" in refused("resume", "empty")
    x, y = np.eye(3), np.arange(3)
    network = bpx.Network([3, 3], output="softmax", cost="cross_entropy")
    rule = {"epochs": 1, "batch_size": 1, "optimizer": bpx.Adam()}
    network.fit(x, y, **rule, checkpoint="python")
    assert "is continued there, with bpx.resume" in refused("resume", "python")
    said = refused("train", blobs, "--out", "run")
    assert "--out run has files in it" in said
    assert "bpx resume run" in said
    said = refused("train", blobs, "--every", "soon", "--out", "new")
    assert "--every soon was given; expected a number with a unit" in said
    assert not os.path.exists("new")


def test_other_data_are_refused_by_name(blobs, trained):
    with open(blobs, encoding="utf-8") as file:
        lines = file.read().splitlines()
    with open(blobs, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines[:-1], "0.5,0.5,0.5,1"]) + "\n")
    before = learned("run")
    said = refused("resume", "run", "--epochs", 9)
    assert "has other values than in run" in said
    assert learned("run") == before
    assert settings("run")["epochs"] == 3


def test_damaged_checkpoints_are_named(blobs, trained):
    for name in os.listdir("run/checkpoints"):
        with open(f"run/checkpoints/{name}/state.json", "w") as file:
            file.write("{")
    said = refused("resume", "run", "--epochs", 9)
    count = len(os.listdir("run/checkpoints"))
    assert said.count("is not used: state.json is damaged") == count


@pytest.mark.parametrize("moved", [False, True])
def test_a_run_finds_its_data_where_it_was_started(blobs, tmp_path, monkeypatch, moved):
    ok("train", blobs, "--epochs", 1, "--seed", 1, "--out", "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    if moved:
        os.remove(tmp_path / blobs)
        assert "blobs.csv does not exist" in refused("resume", "../run", "--epochs", 2)
        return
    said = ok("resume", "../run", "--epochs", 2)
    assert f"blobs.csv is not here; {tmp_path / blobs}, where the run was started" in said
    assert [row["epoch"] for row in history("../run")] == ["1", "2"]
    os.rename(tmp_path / blobs, "blobs.csv")
    assert 'data = "blobs.csv"' in Path("../run/run.toml").read_text(encoding="utf-8")
    assert "bpx train blobs.csv" in settings("../run")["command"]
    assert "is not here" not in ok("resume", "../run", "--epochs", 3)
