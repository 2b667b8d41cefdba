"""The one call for a GPU: stages, their limits, and that what was skipped has not passed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest

from benchmarks import cuda
from benchmarks.gpu import command, device, document, outcomes, process, smoke, stages
from benchmarks.gpu.outcomes import Outcome
from benchmarks.gpu.process import Ended
from benchmarks.gpu.stages import Result, Stage

PASSED, SKIPPED = Outcome("a", "passed"), Outcome("b", "skipped", "no device")
FAILED = Outcome("c", "failed", "off")


# Processes

HANGS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
print("begun", flush=True)
open({path!r}, "w").write(str(child.pid))
time.sleep(3600)
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are process groups on POSIX alone")
def test_what_hangs_is_ended_with_what_it_has_started(tmp_path, monkeypatch):
    begun = tmp_path / "begun"

    class Popen(subprocess.Popen):
        """Its time is over when it has begun: no test depends on time."""

        def wait(self, timeout=None):
            while timeout == 1.0 and not (begun.exists() and begun.read_text()):
                assert self.poll() is None
            if timeout == 1.0:
                raise subprocess.TimeoutExpired(self.args, timeout)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    text = HANGS.format(path=str(begun))
    ended = process.run([sys.executable, "-c", text], 1.0, tmp_path / "log", {})
    assert ended.code is None
    assert process.last_line(tmp_path / "log") == "begun"
    gone = int(begun.read_text())
    for _ in range(600):  # it has been killed: the system takes its time to end it
        if _is_gone(gone):
            return
        sleep(0.05)
    raise AssertionError(f"process {gone} was left running")


def _is_gone(pid):
    """Whether a process has ended; one that nobody waits for stays as a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_command_gives_its_exit_code_and_is_logged(tmp_path):
    words = "import os; print(os.environ['WORD']); raise SystemExit(3)"
    log = tmp_path / "log"
    ended = process.run([sys.executable, "-c", words], 600.0, log, {"WORD": "heard"})
    assert ended.code == 3
    assert process.last_line(log) == "heard"
    assert process.last_line(tmp_path / "none") == "it said nothing"


# Outcomes

TESTS = """
import pytest

def test_passes(): ...
def test_fails(): assert 1 == 2
def test_skips(): pytest.skip("no device")

@pytest.fixture
def broken(): raise RuntimeError("no library")

def test_errs(broken): ...
"""


def test_each_test_has_its_outcome_from_workers_too(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_whole.py").write_text(
        "import pytest\npytest.importorskip('no_such_one')\n"
    )
    (tmp_path / "test_broken.py").write_text("import no_such_one\n")
    path = tmp_path / "outcomes.jsonl"
    root = Path(command.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "benchmarks.gpu.outcomes", "-p",
         "no:cacheprovider", "--rootdir", tmp_path, "-c", os.devnull, tmp_path],
        env=os.environ | {outcomes.FILE: str(path), "PYTHONPATH": str(root)},
        capture_output=True, check=False,
    )  # fmt: skip
    found = {
        each.name.rpartition("::")[2] or each.name: each for each in outcomes.outcomes(path)
    }
    kinds = {Path(name).name: each.outcome for name, each in found.items()}
    assert kinds == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_skips": "skipped",
        "test_errs": "failed",
        "test_whole.py": "skipped",
        "test_broken.py": "failed",
    }
    assert found["test_skips"].why == "no device"
    assert "no library" in found["test_errs"].why


def test_the_worst_counts_and_half_a_line_does_not(tmp_path):
    path = tmp_path / "found.jsonl"
    for each in (PASSED, SKIPPED, PASSED._replace(outcome="failed", why="at the end"), PASSED):
        outcomes.write(path, each)
    with path.open("a") as file:
        file.write('{"name": "d", "outc')
    assert outcomes.outcomes(path) == [
        PASSED._replace(outcome="failed", why="at the end"),
        SKIPPED,
    ]
    assert outcomes.outcomes(tmp_path / "none") == []


# Stages


def stage(name, text, parts=(), **changes):
    """A stage that runs a line of Python."""
    made = Stage(name, 600.0, lambda _: ["-c", text], "found", lambda _: (list(parts), {}))
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("code", "parts", "outcome"),
    [
        (0, [PASSED], "passed"),
        (0, [PASSED, SKIPPED], "skipped"),
        (0, [SKIPPED], "skipped"),
        (0, [PASSED, SKIPPED, FAILED], "failed"),
        (1, [PASSED], "failed"),
        (0, [], "failed"),
        (None, [PASSED], "timed out"),
    ],
)
def test_what_was_skipped_has_not_passed(tmp_path, monkeypatch, code, parts, outcome):
    monkeypatch.setattr(stages, "run", lambda *_: Ended(code, 1.0))
    found = stages.result(stage("one", "", parts), tmp_path)
    assert found.outcome == outcome
    assert found.parts == parts
    assert found.count("skipped") == sum(each is SKIPPED for each in parts)
    assert bool(found.why) == (code is None or not parts or bool(code))


def test_a_file_that_is_not_whole_is_a_failure(tmp_path):
    def read(folder):
        return json.loads("{"), {}

    found = stages.result(stage("one", "", read=read), tmp_path)
    assert found.outcome == "failed"
    assert "cannot be read" in found.why


def test_what_an_earlier_run_wrote_is_not_read(tmp_path):
    (tmp_path / "found").write_text("of before")
    one = stage("one", "", read=lambda path: ([PASSED], {"there": path.exists()}))
    assert stages.result(one, tmp_path).found == {"there": False}


def test_all_limits_together_are_within_the_minutes():
    limits = [each.seconds for each in stages.stages(dry=False)]
    assert sum(limits) + 40.0 <= 60.0 * stages.MINUTES  # and the device's
    names = [each.name for each in stages.stages(dry=False)]
    assert names == [each.name for each in stages.stages(dry=True)]


def test_files_of_the_stages_are_there():
    named = [*stages.CORE, *stages._SMALL]
    assert [each for each in named if not (stages.ROOT / each).exists()] == []


def test_the_table_tells_peers_that_failed_from_those_left_out():
    results = {
        "left out": {"bpx cupy": "cupy is not installed", "JAX jit": "not asked for"},
        "training": {"S": {"microseconds": {"bpx torch": [1.0]}, "failed": {"bpx jax": "off"}}},
    }
    parts, found = stages._measured(results)
    assert [(each.name, each.outcome) for each in parts] == [
        ("bpx torch", "passed"),
        ("bpx jax", "failed"),
        ("bpx cupy", "skipped"),
    ]
    assert found == results["training"]


# Smoke


def test_a_check_that_fails_says_why_and_one_that_is_not_installed_is_skipped(monkeypatch):
    found = dict(smoke.checks(dry=True))
    computes = "numpy computes", found["numpy computes"]
    assert smoke.look(computes) == Outcome("numpy computes", "passed", found={})
    trains = "numpy trains M in float32", found["numpy trains M in float32"]
    passed = smoke.look(trains)
    assert passed.outcome == "passed"
    assert passed.found["off"] == "0.0e+00"
    monkeypatch.setitem(smoke.WITHIN, "float32", -1.0)
    assert "the weights are off by 0 of NumPy's" in smoke.look(trains).why
    monkeypatch.setattr(smoke, "find_spec", lambda _: None)
    skipped = smoke.look(computes)
    assert (skipped.outcome, skipped.why) == ("skipped", "numpy is not installed")


def test_on_a_gpu_every_precision_of_cupy_is_looked_at():
    names = [name for name, _ in smoke.checks(dry=False)]
    assert len(names) == len(set(names)) == 3 + 2 * (4 + 1 + 1)
    assert {"cupy trains M in bfloat16", "torch:cuda trains S in float32"} <= set(names)


# The command


@pytest.fixture
def a_device(monkeypatch):
    """There is one, by its own account."""
    facts = {"processor": "P", "gpu": "a stand-in"}
    found = Result("passed", 0.0, [Outcome("device", "passed")])
    monkeypatch.setattr(stages, "device", lambda folder: (found, facts))


def test_a_stage_that_fails_or_hangs_does_not_stop_the_next(
    monkeypatch, tmp_path, capsys, a_device
):
    made = [
        stage("first", "print('half way', flush=True); raise SystemExit(2)", [PASSED]),
        stage("hangs", "import time; time.sleep(3600)", [PASSED], seconds=0.0),
        stage("second", "", [PASSED, SKIPPED]),
        stage("third", "", [PASSED]),
    ]
    monkeypatch.setattr(stages, "stages", lambda dry: iter(made))
    assert command.main(["--out", str(tmp_path / "out")]) == 1
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    kinds = {name: each["outcome"] for name, each in results["stages"].items()}
    assert kinds == {
        "device": "passed", "first": "failed", "hangs": "timed out", "second": "skipped",
        "third": "passed",
    }  # fmt: skip
    assert results["stages"]["hangs"]["parts"] == [PASSED._asdict()]
    text = (tmp_path / "out" / "results.md").read_text()
    assert "GPU run on a stand-in" in text
    assert "| second | skipped | 1 | 1 | 0 |" in text
    assert "exit code 2; the last line of first.log: half way" in text
    assert "- second: 1 times no device" in text
    assert "second ... skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "parts", "code"),
    [
        ([], [PASSED], 0),
        ([], [PASSED, SKIPPED], 1),
        (["--dry-run"], [PASSED, SKIPPED], 0),
        (["--dry-run"], [FAILED], 1),
        (["--minutes", "0.01"], [PASSED], 1),
    ],
)
def test_it_is_green_where_all_has_passed(
    monkeypatch, tmp_path, a_device, options, parts, code
):
    monkeypatch.setattr(stages, "stages", lambda dry: iter([stage("one", "", parts)]))
    assert command.main(["--out", str(tmp_path), *options]) == code
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["stages"]["one"]["outcome"] == "not run") == ("--minutes" in options)


def test_without_a_gpu_it_says_so_and_runs_nothing(monkeypatch, tmp_path, capsys):
    facts = {"processor": "P", "problem": "cupy is not installed"}
    monkeypatch.setattr(stages, "device", lambda _: (Result("passed"), facts))
    monkeypatch.setattr(stages, "result", None)
    assert command.main(["--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert (
        "no CUDA device can be used here: cupy is not installed; on the CPU, --dry-run"
        in printed
    )


def test_a_library_that_cannot_be_imported_does_not_hide_another(monkeypatch):
    def sees(name):
        if name == "torch":
            raise ImportError("libtorch is broken")
        return True

    monkeypatch.setattr(device, "find_spec", lambda _: True)
    monkeypatch.setattr(cuda, "sees", sees)
    assert device._seen() == (["cupy"], ["torch: libtorch is broken"])


def test_the_reasons_of_one_kind_are_not_all_told():
    many = [FAILED._replace(name=f"test {i}") for i in range(25)]
    found = {"tests": Result("failed", 1.0, many)}
    text = document.markdown({"processor": "P"}, found, False, "")
    assert "- tests, test 19: off" in text
    assert "test 20" not in text
    assert "- and 5 more" in text


@pytest.mark.slow
def test_a_dry_run(tmp_path):
    """All of it but the tests, which are tests of their own."""
    only = ["--only", "smoke", "--only", "table, S"]
    assert command.main(["--out", str(tmp_path), "--dry-run", *only]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    parts = [Outcome(**each) for each in results["stages"]["smoke"]["parts"]]
    told = {each.name: each.outcome for each in parts}
    assert told["numpy trains S in float32"] == "passed"
    assert results["stages"]["table, S"]["found"]["S"]["microseconds"]["bpx numpy"]
    text = (tmp_path / "results.md").read_text()
    assert "## Dry run, on the CPU: nothing here has run on a GPU" in text
    assert "| numpy trains M in float32 | passed | off" in text
    assert "µs / step" in text
