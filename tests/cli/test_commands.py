"""The command line: runs and their folders, answers, reports, and what goes wrong."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest

import bpx
from bpx.cli.threads import slower_kernel

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from click.testing import CliRunner
from rich.console import Console

from bpx.cli import display, folder, health, sources
from bpx.cli.commands import cli

BACKENDS = {"numpy": "numpy", "torch": "torch", "jax": "jax", "strict": "array_api_strict"}
COLUMNS = list(folder.COLUMNS)
COMMAND = [sys.executable, "-m", "bpx.cli"]
SECONDS = 120  # how long a subprocess may take before a test gives up


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path):
    """Every test in an empty folder, without the caller's choices."""
    for name in [name for name in os.environ if name.startswith("BPX_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=BACKENDS)
def backend(request):
    pytest.importorskip(BACKENDS[request.param], reason=f"{request.param} is not installed")
    return request.param


@pytest.fixture
def digits():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    return "digits"


@pytest.fixture
def blobs(tmp_path):
    """A table of three classes that are easy to tell apart."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = np.eye(3)[y] + rng.normal(0, 0.1, (90, 3))
    table = np.c_[x, y]
    np.savetxt(tmp_path / "blobs.csv", table, "%.6g", ",", header="a,b,c,kind", comments="")
    np.savetxt(tmp_path / "inputs.csv", x, "%.9g", ",", header="a,b,c", comments="")
    np.savetxt(tmp_path / "bare.csv", x, "%.9g", ",")
    np.save(tmp_path / "inputs.npy", np.loadtxt(tmp_path / "bare.csv", delimiter=","))
    np.savez(tmp_path / "blobs.npz", x=x, y=y)
    return "blobs.csv"


@pytest.fixture
def trained(blobs):
    ok("train", blobs, "--epochs", "3", "--seed", "5", "--out", "run")
    return "run"


def invoke(*words, env=None):
    return CliRunner().invoke(cli, [str(word) for word in words], env=env)


def ok(*words, env=None):
    result = invoke(*words, env=env)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words, code=1, env=None):
    """The message of a command that ends in an error, without a traceback."""
    result = invoke(*words, env=env)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Error: " in result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def history(run):
    with open(f"{run}/history.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def learned(run):
    """The columns of the history that do not depend on the machine's speed at all."""
    return [[row[name] for name in COLUMNS[:1] + COLUMNS[2:5]] for row in history(run)]


def costs(run):
    """In their last digits they do: they are summed in chunks that are cut by the clock."""
    return [float(row["cost"]) for row in history(run)]


def settings(run):
    with open(f"{run}/settings.toml", "rb") as file:
        return tomllib.load(file)


# Training


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
    assert bpx.load("run/network.safetensors").weights[0].dtype == np.float64


def test_the_defaults_learn_the_digits(digits):
    output = ok("train", digits, "--seed", 1, "--out", "run")
    assert len(history("run")) == 30
    assert float(history("run")[-1]["validation_accuracy"]) > 0.95
    assert "validation  best accuracy 9" in output
    assert "test        accuracy 9" in output
    assert "bpx evaluate run digits" in output


def test_a_run_leaves_a_folder_that_says_how_to_repeat_it(blobs):
    words = ["--optimizer", "sgd", "--momentum", 0.5, "--nesterov", "--lmbda", 0.1]
    ok("train", blobs, *words, "--target", "kind", "--epochs", 3, "--out", "deep/run")
    assert sorted(os.listdir("deep/run")) == [
        "history.csv",
        "network.safetensors",
        "settings.toml",
    ]
    written = settings("deep/run")
    assert written["layers"] == [3, 30, 3]
    assert (written["output"], written["cost"]) == ("softmax", "cross_entropy")
    assert written["eta"] == 0.1
    assert written["samples"] == {"train": 72, "validation": 18}
    assert written["versions"]["bpx"] == bpx.__version__
    assert "deep" not in json.dumps(written)
    assert list(history("deep/run")[0]) == COLUMNS
    assert [row["epoch"] for row in history("deep/run")] == ["1", "2", "3"]

    program, *again = shlex.split(written["command"])
    assert program == "bpx"
    ok(*again, "--out", "again")
    assert learned("again") == learned("deep/run")
    assert costs("again") == pytest.approx(costs("deep/run"), rel=1e-5)
    assert settings("again") == written


@pytest.mark.parametrize("rule", ["dfa", "brsf", "kp"])
def test_a_run_by_another_feedback_can_be_repeated(blobs, rule):
    words = ["--feedback", rule, "--layers", "3,8,8,3", "--lmbda", 0.1, "--epochs", 2]
    output = ok("train", blobs, *words, "--out", "run")
    assert f"feedback {rule}" in output
    assert settings("run")["feedback"] == rule
    _, *again = shlex.split(settings("run")["command"])
    assert f"--feedback {rule}" in " ".join(again)
    ok(*again, "--out", "again")
    first, second = (bpx.load(f"{run}/network.safetensors") for run in ("run", "again"))
    assert first.spec.feedback == bpx.feedback.FEEDBACKS[rule]
    for one, other in zip(first.feedback, second.feedback, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    ok("evaluate", "run", blobs)


def test_the_same_seed_gives_the_same_history_and_another_does_not(blobs):
    for seed, out in ((1, "a"), (1, "b"), (2, "c")):
        ok("train", blobs, "--epochs", 2, "--seed", seed, "--out", out)
    assert learned("a") == learned("b")
    assert costs("a") == pytest.approx(costs("b"), rel=1e-5)
    assert costs("a") != pytest.approx(costs("c"), rel=1e-5)
    first, second = (bpx.load(f"{run}/network.safetensors") for run in ("a", "b"))
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_history_is_what_the_library_says(blobs):
    ok("train", blobs, "--epochs", 2, "--seed", 3, "--validation-fraction", 0, "--out", "run")
    data = bpx.data.read(blobs)
    network = bpx.Network(
        [3, 30, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=3
    )
    epochs = network.fit(*data, epochs=2, batch_size=10, optimizer=bpx.Adam(0.001), seed=3)
    assert costs("run") == pytest.approx([epoch.cost for epoch in epochs], rel=1e-5)
    assert [row["accuracy"] for row in history("run")] == [str(e.accuracy) for e in epochs]
    assert history("run")[0]["validation_cost"] == ""
    assert "validation_fraction" in settings("run")


def test_a_fresh_folder_under_runs(blobs):
    for _ in range(2):  # within the same second, too
        ok("train", blobs, "--epochs", 1)
    assert len(os.listdir("runs")) == 2
    assert all(name.startswith("blobs-") for name in os.listdir("runs"))


def test_quiet_prints_the_folder_alone(blobs):
    assert ok("train", blobs, "--epochs", 1, "--out", "run", "--quiet") == "run\n"


def test_lines_in_a_log(blobs):
    lines = ok("train", blobs, "--epochs", 2, "--seed", 1, "--out", "run").splitlines()
    told = [line for line in lines if line.startswith("epoch ")]
    assert len(told) == 2
    assert told[0].startswith("epoch 1/2  cost ")
    assert "validation accuracy" in told[0]
    assert told[1].endswith(" samples/s")
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_a_long_epoch_tells_how_far_it_is_in_a_log(blobs, monkeypatch):
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0.0)
    output = ok("train", blobs, "--epochs", 1, "--out", "run")
    assert "epoch 1/1  at 13 %  cost " in output


@pytest.mark.parametrize(
    ("y", "outputs", "output", "cost"),
    [
        (np.arange(60) % 4, 4, "softmax", "cross_entropy"),
        (np.arange(60) % 2, 1, "sigmoid", "cross_entropy"),
        (np.linspace(-1, 1, 60), 1, "identity", "quadratic"),
        (np.eye(3)[np.arange(60) % 3], 3, "softmax", "cross_entropy"),
        (np.ones((60, 2)), 2, "sigmoid", "cross_entropy"),
        (np.linspace(-1, 1, 120).reshape(60, 2), 2, "identity", "quadratic"),
    ],
)
def test_the_targets_choose_the_output_and_the_cost(y, outputs, output, cost):
    np.savez("data.npz", x=np.ones((60, 2)), y=y)
    ok("train", "data.npz", "--epochs", 1, "--out", "run")
    written = settings("run")
    assert written["layers"] == [2, 30, outputs]
    assert (written["output"], written["cost"]) == (output, cost)


@pytest.mark.parametrize(
    ("given", "output", "cost"),
    [
        (["--cost", "quadratic"], "sigmoid", "quadratic"),
        (["--cost", "binary_cross_entropy"], "sigmoid", "binary_cross_entropy"),
        (["--cost", "cross_entropy"], "softmax", "cross_entropy"),
        (["--output", "sigmoid"], "sigmoid", "cross_entropy"),
        (["--output", "tanh"], "tanh", "quadratic"),
    ],
)
def test_one_of_output_and_cost_chooses_the_other(blobs, given, output, cost):
    ok("train", blobs, "--epochs", 1, "--out", "run", *given)
    assert (settings("run")["output"], settings("run")["cost"]) == (output, cost)


def test_fewer_samples_than_a_batch():
    np.savez("data.npz", x=np.eye(4), y=np.arange(4) % 2)
    ok("train", "data.npz", "--epochs", 1, "--out", "run")
    assert settings("run")["batch_size"] == 3


def test_a_fraction_is_held_out_by_the_seed():
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    whole = bpx.data.Split(x, np.arange(20, dtype=np.int32))
    rest, held = sources.hold_out(whole, 0.25, 7)
    assert len(held.x) == 5
    assert sorted([*rest.y, *held.y]) == list(range(20))
    assert (np.diff(rest.y) > 0).all()
    np.testing.assert_array_equal(held.x, x[held.y])
    np.testing.assert_array_equal(sources.hold_out(whole, 0.25, 7)[1].y, held.y)
    assert list(sources.hold_out(whole, 0.25, 8)[1].y) != list(held.y)
    assert sources.hold_out(whole, 0.0, 7) == (whole, None)


# Health


def test_health_is_shown_and_written(blobs):
    lines = ok("train", blobs, "--health", "--epochs", 2, "--seed", 1, "--out", "run")
    assert "health on 72 samples" in lines
    assert "nothing wrong was found" in lines
    assert [line.endswith("healthy") for line in lines.splitlines() if "epoch 1/2" in line]
    names = [f"{name}_{i}" for name in ("delta", "saturated", "dead", "update") for i in (1, 2)]
    assert list(history("run")[0]) == [*COLUMNS, *names, "lost"]
    train, _ = sources.hold_out(bpx.data.read(blobs), 0.2, 1)
    network = bpx.load("run/network.safetensors")
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
    shown = ok("train", blobs, "--health", *words, "--epochs", 1, "--seed", 1, "--out", "run")
    lost = history("run")[0]["lost"]
    assert f"lost outputs {lost}" in shown
    assert lost.split()
    assert "try cost='cross_entropy'" in shown


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


# What a person sees on a terminal


def test_the_live_display():
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, height=20)
    with display.LiveDisplay(3, console) as live:
        live.progress(bpx.Progress(1, 500, 1000, 0.5, 0.75, 12345.6))
        live._live.refresh()
        first = written.getvalue()
        live.epoch(bpx.Epoch(1, 0.4, 0.8, bpx.Evaluation(0.3, 0.9), 1.0, 1000.0))
        live.epoch(bpx.Epoch(2, 0.3, 0.9, bpx.Evaluation(0.35, 0.875), 1.0, 1000.0))
        live.progress(bpx.Progress(3, 250, 1000, 0.25, 0.95, 2000.0))
    last = written.getvalue()
    assert "epoch 1/3" in first
    assert "cost 0.5000" in first
    assert "75.00 %" in first
    assert "12,346 samples/s" in first
    assert "validation" not in first
    assert "epoch 3/3" in last
    assert "validation accuracy 87.50 %   best accuracy 90.00 % in epoch 1" in last


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_gets_the_live_display(blobs):
    import pty

    main, terminal = pty.openpty()
    words = ["train", blobs, "--epochs", "2", "--out", "run"]
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen([*COMMAND, *words], stdout=terminal, env=env) as process:
        os.close(terminal)
        shown = b"".join(iter(lambda: _read(main), b"")).decode()
        assert process.wait(SECONDS) == 0
    os.close(main)
    assert "\x1b[" in shown
    assert "epoch 2/2" in shown
    assert "epoch 2/2  cost" not in shown


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


# Ctrl-C, divergence, and what is left of a run


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_the_last_finished_epoch():
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.random((2000, 50)), y=rng.integers(0, 10, 2000))
    code = (  # a process in the background of a shell script would ignore it
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from bpx.cli import main; main()"
    )
    words = ["train", "data.npz", "--epochs", "1000000", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _wait_for_a_row(process)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    rows = history("run")
    assert process.returncode == 130
    assert said == (
        f"Interrupted: the network of epoch {len(rows)} is saved in "
        f"{os.path.join('run', 'network.safetensors')}.\n"
    )
    network = bpx.load("run/network.safetensors")
    rest, _ = sources.hold_out(bpx.data.read("data.npz"), 0.2, settings("run")["seed"])
    assert network.sizes == (50, 30, 10)
    assert np.isfinite(network.evaluate(*rest).cost)


def _wait_for_a_row(process):
    until = time.monotonic() + SECONDS
    while not (os.path.exists("run/history.csv") and history("run")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until, "no epoch finished"
        time.sleep(0.01)


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_ctrl_c_before_the_first_epoch_leaves_no_folder(blobs, monkeypatch):
    monkeypatch.setattr(display.Lines, "progress", _interrupt)
    result = invoke("train", blobs, "--out", "deep/run")
    assert result.exit_code == 130
    assert "Interrupted: no epoch had finished, so nothing was trained" in result.output
    assert not os.path.exists("deep")


def test_ctrl_c_before_training_says_so(blobs, monkeypatch):
    monkeypatch.setattr(sources, "load", _interrupt)
    result = invoke("train", blobs)
    assert result.exit_code == 130
    assert result.output == "Interrupted: nothing was written.\n"


def test_ctrl_c_while_an_epoch_is_saved_waits_for_its_row(blobs, monkeypatch):
    save = bpx.Network.save

    def interrupted(network, path):
        signal.raise_signal(signal.SIGINT)
        save(network, path)

    monkeypatch.setattr(bpx.Network, "save", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = invoke("train", blobs, "--out", "run")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130
    assert "the network of epoch 1 is saved" in result.output
    assert len(history("run")) == 1
    assert os.path.exists("run/network.safetensors")


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with folder.uninterrupted():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_divergence_in_the_first_epoch_leaves_nothing(blobs):
    words = ["--optimizer", "sgd", "--eta", 1e30, "--output", "identity"]
    said = refused("train", blobs, *words, "--out", "run")
    assert "the cost turned non-finite in epoch 1" in said
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
    assert np.isfinite(bpx.load("run/network.safetensors").weights[0]).all()


def test_an_empty_folder_of_the_user_is_used_and_stays(blobs, monkeypatch):
    os.mkdir("mine")
    with monkeypatch.context() as patch:
        patch.setattr(display.Lines, "progress", _interrupt)
        assert invoke("train", blobs, "--out", "mine").exit_code == 130
    assert os.listdir("mine") == []
    ok("train", blobs, "--epochs", 1, "--out", "mine")
    assert len(history("mine")) == 1


# Evaluating and predicting


def test_evaluate_gives_the_numbers_of_the_summary(digits):
    output = ok("train", digits, "--epochs", 2, "--out", "run")
    test = next(line.split()[-2] for line in output.splitlines() if line.startswith("test "))
    for network in ("run", "run/network.safetensors"):
        said = ok("evaluate", network, digits)
        assert "digits: 252 test samples" in said
        assert f"accuracy  {test} %" in said
    share = float(history("run")[-1]["validation_accuracy"])
    assert f"{100 * share:.2f} %" in ok("evaluate", "run", digits, "--split", "validation")


def test_evaluate_finds_the_samples_that_a_run_held_out(trained, blobs):
    share = float(history("run")[-1]["validation_accuracy"])
    said = ok("evaluate", trained, blobs, "--split", "validation")
    assert "blobs.csv: 18 validation samples" in said
    assert f"accuracy  {100 * share:.2f} %" in said
    assert "blobs.csv: 72 train samples" in ok("evaluate", trained, blobs, "--split", "train")
    assert "blobs.csv: 90 samples" in ok("evaluate", trained, blobs)


def test_evaluate_takes_the_target_of_the_run():
    table = np.c_[np.arange(30) % 3, np.eye(3)[np.arange(30) % 3]]
    np.savetxt("first.csv", table, "%g", ",")
    ok("train", "first.csv", "--target", 0, "--epochs", 20, "--eta", 0.05, "--out", "run")
    assert "accuracy  100.00 %" in ok("evaluate", "run", "first.csv")


def test_evaluate_on_numbers_gives_no_accuracy():
    np.savez("data.npz", x=np.eye(8), y=np.linspace(-1, 1, 8))
    ok("train", "data.npz", "--epochs", 1, "--validation-fraction", 0, "--out", "run")
    said = ok("evaluate", "run", "data.npz")
    assert "cost" in said
    assert "accuracy" not in said


@pytest.mark.parametrize("given", ["inputs.csv", "bare.csv", "inputs.npy"])
@pytest.mark.parametrize("suffix", ["csv", "npy"])
def test_predictions_make_the_round_trip(trained, given, suffix):
    assert ok("predict", trained, given, "--out", f"out.{suffix}") == ""
    network = bpx.load("run/network.safetensors")
    expected = network.predict(bpx.data.read("inputs.npy").x)
    if suffix == "npy":
        found = np.load("out.npy")
    else:
        found = np.loadtxt("out.csv", delimiter=",", dtype=np.float32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_labels(trained):
    expected = bpx.load("run/network.safetensors").classify(bpx.data.read("inputs.npy").x)
    ok("predict", trained, "inputs.npy", "--labels", "--out", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), expected)
    printed = ok("predict", trained, "inputs.csv", "--labels", "--out", "-")
    assert [int(line) for line in printed.splitlines()] == expected.tolist()


def test_predict_leaves_out_the_column_of_the_targets(trained, blobs):
    with_targets = ok("predict", trained, blobs, "--target", "kind", "--labels")
    assert len(with_targets.splitlines()) == 90
    assert "--target names the column" in refused("predict", trained, blobs)


def test_predictions_are_written_at_once_or_not_at_all(trained, monkeypatch):
    ok("predict", trained, "inputs.csv", "--out", "out.csv")
    with open("out.csv", encoding="utf-8") as file:
        before = file.read()

    def fails(file, *_, **__):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savetxt", fails)
    said = refused("predict", trained, "inputs.csv", "--out", "out.csv")
    assert "out.csv cannot be written: No space left on device" in said
    with open("out.csv", encoding="utf-8") as file:
        assert file.read() == before
    assert not [name for name in os.listdir() if name.startswith(".")]


# The report


def test_info_has_what_a_bug_report_needs():
    env = {
        "BPX_BACKEND": "numpy",
        "BPX_MIRROR": "https://me:secret@example.org/",
        "OMP_NUM_THREADS": "3",
    }
    said = ok("info", env=env)
    for part in (bpx.__version__, np.__version__, "numpy, float32", "OPENBLAS_NUM_THREADS"):
        assert part in said
    assert "secret" not in said
    assert all(info.name in said for info in bpx.backends())


def test_info_as_json():
    found = json.loads(ok("info", "--json", env={"OMP_NUM_THREADS": "3"}))
    assert found["versions"]["bpx"] == bpx.__version__
    assert found["threads"]["OMP_NUM_THREADS"] == "3"
    assert found["environment"]["BPX_DATA"] is None
    backends = {each["name"]: each for each in found["backends"]}
    assert backends["numpy"]["devices"] == ["cpu"]
    assert backends["numpy"]["problem"] is None


def test_info_shows_engines_and_thread_pools():
    said = ok("info", env={"BPX_NUMBA": "off"})
    assert "numba" in said
    assert "operation by operation" in said
    found = json.loads(ok("info", "--json"))
    assert all("threads" in pool for pool in found["pools"])
    assert isinstance(found["warnings"], list)


@pytest.mark.parametrize(
    ("kernel", "features", "said"),
    [
        ("Haswell", ["X86_V3", "X86_V4"], "OPENBLAS_CORETYPE=SkylakeX"),
        ("Prescott", ["SSE3", "AVX2"], "OPENBLAS_CORETYPE=Haswell"),
        ("SkylakeX", ["X86_V3", "X86_V4", "AVX512_ICL"], None),
        ("Zen", ["X86_V2", "X86_V3"], None),
        ("Nehalem", ["SSE42"], None),
        ("neoversen1", ["ASIMD"], None),
    ],
)
def test_a_kernel_of_openblas_that_is_slower_than_the_cpu(kernel, features, said):
    told = slower_kernel(kernel, features)
    assert told is None if said is None else said in told


def test_info_tells_of_a_backend_that_cannot_be_used():
    assert "there is no backend 'nonsense'" in ok("info", env={"BPX_BACKEND": "nonsense"})


# What goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "digit"], "did you mean 'digits'?"),
        (["train", "missing.csv"], "missing.csv: there is nothing here"),
        (["train", "inputs.npy"], "inputs.npy has no targets"),
        (["train", "blobs.csv", "--hidden", "rellu"], "did you mean 'relu'?"),
        (["train", "blobs.csv", "--cost", "squared"], "there is no cost 'squared'"),
        (["train", "blobs.csv", "--init", "he"], "there is no initializer 'he'"),
        (["train", "blobs.csv", "--feedback", "fda"], "there is no feedback 'fda'"),
        (["train", "blobs.csv", "--backend", "nunpy"], "did you mean 'numpy'?"),
        (["train", "blobs.csv", "--dtype", "float16"], "float32 or float64"),
        (["train", "blobs.csv", "--layers", "784,30,3"], "expected --layers 3,30,3"),
        (["train", "blobs.csv", "--layers", "3,30,2"], "expected --layers 3,30,3"),
        (["train", "blobs.csv", "--batch-size", "100"], "batch_size=100"),
        (["train", "blobs.csv", "--batch-size", "0"], "batch_size=0"),
        (["train", "blobs.csv", "--epochs", "0"], "epochs=0"),
        (["train", "blobs.csv", "--eta", "-1"], "eta=-1.0"),
        (["train", "blobs.csv", "--seed", "-1"], "seed=-1"),
        (["train", "blobs.csv", "--target", "sort"], "expected one of 'a', 'b', 'c', 'kind'"),
        (["train", "blobs.csv", "--data", "."], "--data . was given with the file"),
        (["train", "digits", "--target", "0"], "digits knows its own targets"),
        (["train", "mnist", "--data", "nowhere"], "'nowhere', which is not a folder"),
        (["train", "blobs.csv", "--out", "blobs.csv"], "is a file"),
        (["train", "blobs.csv", "--out", "blobs.csv/run"], "cannot be written"),
        (["evaluate", "nothing", "blobs.csv"], "nothing: there is nothing here"),
        (["evaluate", ".", "blobs.csv"], "has no network.safetensors"),
        (["evaluate", "blobs.csv", "blobs.csv"], "no safetensors file"),
        (["predict", "nothing", "inputs.csv"], "nothing: there is nothing here"),
        (["predict", "nothing", "inputs.csv", "--out", "out.txt"], ".csv or .npy"),
    ],
)
def test_a_mistake_gets_a_sentence(blobs, words, message):
    before = sorted(os.listdir())
    assert message in refused(*words)
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"], "Missing argument 'DATA'"),
        (["train", "digits", "--layers", "30"], "such as 784,30,10"),
        (["train", "digits", "--layers", "64,x,10"], "such as 784,30,10"),
        (["train", "digits", "--optimizer", "lbfgs"], "'sgd', 'adam'"),
        (["train", "digits", "--momentum", "0.9"], "for --optimizer sgd"),
        (["train", "digits", "--validation-fraction", "1"], "0<=x<1"),
        (["evaluate", "run", "digits", "--split", "all"], "'test', 'validation', 'train'"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_words_that_cannot_be_understood(words, message):
    assert message in refused(*words, code=2)


def test_an_unknown_backend_in_the_environment(blobs):
    said = refused("train", blobs, env={"BPX_BACKEND": "nonsense"})
    assert "there is no backend 'nonsense'" in said


def test_a_named_data_set_has_its_own_validation_samples(digits):
    said = refused("train", digits, "--validation-fraction", 0.3)
    assert "digits has validation samples of its own" in said


def test_a_folder_with_files_is_refused_and_left_alone(trained, blobs):
    before = learned("run")
    assert "--out run has files in it" in refused("train", blobs, "--out", "run")
    assert learned("run") == before


def test_whole_numbers_that_are_no_classes():
    np.savetxt("prices.csv", np.c_[np.ones(40), np.arange(40) * 100], "%g", ",")
    assert "1,30,1 takes them as numbers" in refused("train", "prices.csv")
    ok("train", "prices.csv", "--layers", "1,30,1", "--epochs", 1, "--out", "run")
    assert settings("run")["output"] == "identity"


def test_targets_of_another_width_than_the_outputs():
    np.savez("data.npz", x=np.eye(6), y=np.linspace(0, 1, 18).reshape(6, 3))
    assert "expected --layers 6,4,3" in refused("train", "data.npz", "--layers", "6,4,2")


def test_a_split_that_cannot_be_known(trained, blobs):
    alone = refused("evaluate", "run/network.safetensors", blobs, "--split", "validation")
    assert "with the folder of the run" in alone
    assert "expected no --split" in refused("evaluate", "run", blobs, "--split", "test")
    np.savez("fewer.npz", x=np.ones((10, 3)), y=np.arange(10) % 3)
    fewer = refused("evaluate", "run", "fewer.npz", "--split", "validation")
    assert "fewer.npz has 10 samples and the run had 90" in fewer


def test_samples_of_another_width(trained):
    np.savez("wide.npz", x=np.ones((10, 7)), y=np.arange(10) % 3)
    assert "have 7 numbers and the network takes 3" in refused("evaluate", "run", "wide.npz")


def test_settings_that_cannot_be_read(trained, blobs):
    with open("run/settings.toml", "w", encoding="utf-8") as file:
        file.write("seed = \n")
    assert "settings.toml cannot be read" in refused("evaluate", "run", blobs)


def test_the_version():
    assert ok("--version") == f"bpx {bpx.__version__}\n"


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["predict"], ["info"]])
def test_help(command):
    said = ok(*command, "--help")
    assert "Usage: " in said
    assert command == ["info"] or "Examples:" in said


# The extra


def python(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=SECONDS
    )


@pytest.mark.parametrize("package", ["click", "rich", "tomli_w"])
def test_without_the_extra_one_sentence_says_how_to_install_it(package):
    code = f"import sys; sys.modules[{package!r}] = None\nfrom bpx.cli import main\nmain()"
    result = python(code, "train", "digits")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"The command line needs {package.replace('_', '-')}, which is not installed; "
        "install it with: pip install 'backpropx[cli]'\n"
    )


def test_importing_bpx_imports_nothing_of_the_command_line():
    code = (
        "import sys, bpx\n"
        "print([m for m in ('click', 'rich', 'tomli_w', 'bpx.cli') if m in sys.modules])"
    )
    assert python(code).stdout == "[]\n"


def test_the_process_ends_with_the_codes_of_the_commands(blobs):
    good = subprocess.run([*COMMAND, "--version"], capture_output=True, timeout=SECONDS)
    bad = subprocess.run(
        [*COMMAND, "train", "digit"], capture_output=True, text=True, timeout=SECONDS
    )
    assert good.returncode == 0
    assert bad.returncode == 1
    assert bad.stdout == ""
    assert bad.stderr.startswith("Error: there is no data set 'digit'")
