"""The schedules of the command line: the table's, each with the numbers that it takes."""

import pytest

import bpx
from bpx.optim import SCHEDULES, Epochs
from tests.cli.invoked import history, ok, refused, settings

schedules = pytest.importorskip("bpx.cli.schedules")
NEEDED = {
    "polynomial": "power=2",
    "exponential": "rate=0.9",
    "step": "every=2epochs",
    "sgdr": "period=1epoch",
}


def made(*given):
    return schedules.learning_rate(0.1, *given)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_entry_of_the_table_trains(blobs, name):
    text = f"{name}:{NEEDED[name]}" if name in NEEDED else name
    ok("train", blobs, "--schedule", text, "--epochs", 2, "--out", "run")
    assert settings("run")["schedule"] == text
    assert all(float(row["eta"]) >= 0.0 for row in history("run"))
    assert isinstance(made(text, "1epoch"), bpx.optim.Schedule)


def test_what_is_read():
    assert made(None, None) == 0.1
    assert made("cosine", None) == bpx.optim.cosine_decay_schedule(0.1)
    assert made("cosine:end=1e-4,steps=500", None) == bpx.optim.cosine_decay_schedule(
        0.1, steps=500, end=1e-4
    )
    by_half = bpx.optim.step_decay(0.1, every=Epochs(2.5), factor=0.5)
    assert made("step:every=2.5epochs,factor=0.5", None) == by_half
    for text in ("staircase", "staircase=true"):
        stairs = bpx.optim.exponential_decay(0.1, rate=0.9, staircase=True)
        assert made(f"exponential:rate=0.9,{text}", None) == stairs
    smooth = bpx.optim.exponential_decay(0.1, rate=0.9)
    assert made("exponential:rate=0.9,staircase=false", None) == smooth
    assert made(None, "100") == bpx.optim.linear_warmup(0.1, steps=100)
    assert made("cosine", "1epoch") == bpx.optim.linear_warmup(
        bpx.optim.cosine_decay_schedule(0.1), steps=Epochs(1)
    )


def test_the_keywords_are_those_of_the_functions():
    assert schedules.keywords("constant") == {}
    assert schedules.keywords("cosine") == {"steps": None, "end": 0.0}
    assert set(schedules.keywords("plateau")) >= {"factor", "patience", "smallest"}


def test_the_run_tells_and_repeats_it(blobs):
    words = ["--schedule", "cosine:end=1e-5", "--warmup", "1epoch", "--epochs", 3, "--seed", 1]
    said = ok("train", blobs, *words, "--out", "run")
    assert "adam, eta 0.001, schedule cosine:end=1e-5, warmup 1epoch" in said
    command = settings("run")["command"]
    assert "--schedule cosine:end=1e-5 --warmup 1epoch" in command
    etas = [float(row["eta"]) for row in history("run")]
    assert etas[0] == pytest.approx(1e-3)
    assert etas[2] == pytest.approx(1e-5)
    ok(*command.split()[1:], "--out", "again")
    assert [row["cost"] for row in history("again")] == [row["cost"] for row in history("run")]


def test_without_one_the_rate_stays(blobs):
    ok("train", blobs, "--epochs", 2, "--eta", 0.01, "--out", "run")
    assert [float(row["eta"]) for row in history("run")] == [0.01, 0.01]
    assert "schedule" not in settings("run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--schedule", "square"], "'square' was given; expected constant, linear"),
        (["--schedule", "cosine:rate=2"], "'rate' was given to cosine; it takes steps, end"),
        (["--schedule", "constant:x=2"], "'x' was given to constant; it takes nothing"),
        (["--schedule", "step"], "step needs every, such as step:every=10epochs"),
        (["--schedule", "cosine:end=low"], "'low' was given; expected a number"),
        (["--warmup", "long"], "'long' was given; expected a number"),
    ],
)
def test_what_cannot_be_read(blobs, words, message):
    assert message in refused("train", blobs, *words, code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--schedule", "cosine:end=2"], "--schedule cosine:end=2: end=2 was given"),
        (["--warmup", "-1"], "--warmup -1: steps=-1 was given"),
        (["--warmup", "9epochs", "--schedule", "cosine"], "after the end of the training"),
        (["--eta", "-1", "--schedule", "cosine"], "--eta -1.0 was given"),
    ],
)
def test_what_does_not_fit(blobs, words, message):
    assert message in refused("train", blobs, "--epochs", 2, *words, "--out", "run")
