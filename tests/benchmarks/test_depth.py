"""The table of depths: what each process is given, and what is shown of its times."""

import json
import os
from types import SimpleNamespace

import pytest

from benchmarks import depth


def run(first, microseconds):
    return {"imports": 0.5, "first": first, "microseconds": microseconds}


def test_a_network_is_trained_in_processes_of_their_own(capsys, tmp_path):
    pytest.importorskip("numba", reason="numba is not installed")
    out = tmp_path / "depths.json"
    depth.main(["--depths", "2", "--repeats", "1", "--out", str(out)])
    (found,) = json.loads(out.read_text())["depths"].values()
    assert {kind: len(runs) for kind, runs in found.items()} == {
        "without": 1, "cold": 1, "cached": 1,
    }  # fmt: skip
    for (each,) in found.values():
        assert each.keys() == run(0, 0).keys()
        assert min(each["first"], each["microseconds"]) > 0
    assert "| 2 |" in capsys.readouterr().out


def test_each_process_has_one_thread_and_each_depth_an_empty_cache(monkeypatch):
    given = []

    def ran(command, *, env, **how):
        given.append((json.loads(how["input"]), env))
        return SimpleNamespace(stdout=json.dumps(run(1.0, 2.0)))

    monkeypatch.setattr(depth.subprocess, "run", ran)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    depth.main(["--depths", "10", "1000", "--repeats", "2"])
    jobs, environments = zip(*given, strict=True)
    assert [job["depth"] for job in jobs] == [10] * 5 + [1000] * 5
    assert [job["numba"] for job in jobs[:5]] == [False, False, True, True, True]
    assert [job["steps"] for job in jobs[::5]] == [400, 100]
    for env in environments:
        assert {env[name] for name in depth.THREADS} == {"1"}
    caches = [env["BPX_CACHE"] for env in environments]
    assert len(set(caches)) == 2
    assert not any(map(os.path.exists, caches))


def test_a_step_is_shown_beside_that_of_the_first_depth():
    found = {
        10: {"without": [run(0.1, 100)], "cold": [run(2.0, 1)], "cached": [run(0.2, 50)]},
        20: {
            "without": [run(0.2, 240), run(0.3, 250), run(0.1, 260)],
            "cold": [run(3.0, 1)],
            "cached": [run(0.4, 90)],
        },
    }
    *_, first, second = depth.show(found).splitlines()
    assert first == "| 10 | 0.10 | 2.00 | 0.20 | 100.0 | 50.0 | 1.00 | 1.00 |"
    assert second == "| 20 | 0.20 | 3.00 | 0.40 | 250.0 | 90.0 | 1.25 | 0.90 |"
