"""Trainings on several ranks that are disturbed: a few of the jobs of `tools.faults`."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.launching import ROOT, environment, needs_mpi
from tools import faults as module


@pytest.mark.parametrize("kind", module.KINDS)
def test_disturbed_jobs(kind):
    needs_mpi()
    if not hasattr(signal, "SIGXFSZ") or not hasattr(os, "fork"):
        pytest.skip("this system has no limit on the size of files, or no fork")
    ran = subprocess.run(
        [sys.executable, "-m", "tools.faults", "--kinds", kind, "--count", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        cwd=ROOT,
        env=environment(),
    )
    assert ran.returncode == 0, ran.stdout
    found = re.search(rf"^{kind}: 2 jobs, (\d) disturbed", ran.stdout, re.M)
    assert found is not None, ran.stdout
    assert int(found[1]) > 0


def test_a_job_that_comes_to_something_else_is_told(monkeypatch, capsys):
    monkeypatch.setattr(module.Job, "result", lambda self, folder, work: '"expected"')
    monkeypatch.setattr(module, "disturbed", lambda *given: None)
    assert list(module.jobs("kill", 2, 2, 0)) == [(None, False)] * 2
    results = iter(['"a"', "d", '"b"', '"b"'])
    monkeypatch.setattr(module.Job, "result", lambda self, folder, work: next(results))
    (first, _), (second, _) = module.jobs("kill", 2, 2, 0)
    assert first.startswith("kill 0: it comes to something else")
    assert second is None
    assert first.endswith('d, not "a"')
    monkeypatch.setattr(module.Job, "result", lambda self, folder, work: "it cannot be read")
    with pytest.raises(SystemExit, match="an undisturbed job has failed: it cannot be read"):
        list(module.jobs("kill", 2, 2, 0))
    monkeypatch.setattr(
        module, "jobs", lambda *given: iter([("kill 0: wrong", True), (None, False)])
    )
    assert module.main(["--kinds", "kill"]) == 1
    assert "kill 0: wrong\nkill: 2 jobs, 1 disturbed" in capsys.readouterr().out


def test_what_differs_is_named():
    one = '{"bits": {"w": "1", "b": "2"}, "records": {"1": "a", "2": "b"}}'
    other = '{"bits": {"w": "1", "b": "3"}, "records": {"1": "a"}}'
    assert module._difference(one, other) == "b: 2, not 3, 2: b, not None"


@pytest.mark.parametrize(
    ("output", "stage", "wrong"),
    [
        ("OSError: {0}\nrank 1 of 2 ended all", "add", None),
        ("OSError: {0}\nrank 0 of 2 ended all", "add", "rank 1 is not named"),
        ("rank 1 of 2 ended all", "add", "the error is not told"),
        ("OSError: {0}", "callback", None),
        ("OSError: {0}", "data", None),
        (
            "OSError: {0}\nOSError: {0}",
            "callback",
            "the error that all ranks raise",
        ),
    ],
)
def test_what_a_job_says_of_an_error(output, stage, wrong):
    found = module._untold(output.format(module._MESSAGE), stage, 1, 2)
    assert found == wrong or (wrong and found.startswith(wrong))
