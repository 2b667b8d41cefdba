"""``bpx tune``: what a person types, and reads."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from bpx.cli import tune as command
from tests.cli.invoked import COMMAND, SECONDS, history, interrupt, invoke, ok, refused
from tests.cli.searches import needs_optuna, written
from tests.launching import environment, needs_mpi


@pytest.fixture(autouse=True)
def _with_optuna(blobs):
    needs_optuna()


def test_a_search_and_what_follows_it():
    said = ok("tune", written())
    assert "search    eta: 0.001 to 0.1, log" in said
    assert said.count("\ntrial   ") == 3
    assert "trial  cost" in said
    assert "next      bpx train --config runs/search/best.toml" in said
    best = tomllib.loads(Path("runs/search/best.toml").read_text())
    run = next(line for line in said.splitlines() if line.startswith("best      trial "))
    folder = run.rpartition(" in ")[2]
    assert best["eta"] == tomllib.loads(Path(folder, "run.toml").read_text())["eta"]
    ok("train", "--config", "runs/search/best.toml", "--out", "again")
    assert [row["cost"] for row in history("again")] == pytest.approx(
        [row["cost"] for row in history(folder)]
    )


def test_the_same_command_again_runs_what_is_missing():
    ok("tune", written(), "--trials", 1)
    said = ok("tune", written(), "--trials", 2)
    assert said.count("\ntrial   0") == 0
    assert said.count("\ntrial   1") == 1
    assert ok("tune", written(), "--trials", 2).count("\ntrial   ") == 0


def test_json_and_nothing_else():
    found = json.loads(ok("tune", written(), "--json"))
    assert [each["number"] for each in found["trials"]] == [0, 1, 2]
    assert found["folder"] == str(Path("runs/search"))
    assert ok("tune", written(), "--quiet", "--workers", 2).strip() == found["folder"]


def test_another_folder():
    ok("tune", written(), "--trials", 1, "--out", "elsewhere/found", "--quiet")
    assert Path("elsewhere/found/trial-0000/model.safetensors").exists()


def test_a_search_in_which_nothing_comes_to_its_end():
    text = ("low = 1e-3", "low = 1e37"), ("high = 1e-1", "high = 1e38")
    file = written(*text, ("seed = 3", 'optimizer = "sgd"'))
    assert "none of 3 trials has come to its end" in refused("tune", file)


def test_ctrl_c(monkeypatch):
    monkeypatch.setattr(command, "work", interrupt)
    result = invoke("tune", written())
    assert result.exit_code == 130
    assert "Interrupted: the same command goes on with the search" in result.output


def test_mistakes_are_named():
    assert "thanh" in refused("tune", written(("tanh", "thanh")))
    assert not Path("runs").exists()
    assert "no.toml does not exist" in refused("tune", "no.toml")
    assert "x>=1" in refused("tune", written(), "--workers", 0, code=2)
    assert "x>=1" in refused("tune", written(), "--trials", 0, code=2)


def test_every_process_of_a_job_is_a_worker():
    started = [needs_mpi(), "-n", "4", *COMMAND, "tune", written()]
    ran = subprocess.run(
        started,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        env=environment(),
    )
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count("folder    ") == 4  # also of one that found nothing to do
    assert "each trains a network of its own" not in ran.stdout
    trials = {each: each.stat().st_mtime_ns for each in Path("runs/search").glob("trial-*")}
    assert len(trials) == 3
    found = json.loads(ok("tune", "search.toml", "--json"))
    assert {each["state"] for each in found["trials"]} <= {"complete", "pruned"}
    assert [each["number"] for each in found["trials"]] == [0, 1, 2]
    assert {each: each.stat().st_mtime_ns for each in trials} == trials  # none was left to run
