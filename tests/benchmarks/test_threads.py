"""Two trainings in two threads: what runs at once, and what the table says."""

import json
from threading import Barrier, get_ident, main_thread

import pytest

from benchmarks import machine, threads
from benchmarks.threads import at_once, in_order, measure, rows
from tests.benchmarks.small import TINY


def test_at_once_is_in_threads_that_run_together():
    together, seen = Barrier(2, timeout=60), set()

    def fit():
        together.wait()  # for the other one, which must be running, too
        seen.add(get_ident())

    at_once([fit, fit])
    assert len(seen) == 2
    assert main_thread().ident not in seen


def test_in_order_is_one_after_the_other():
    seen = []
    in_order([lambda: seen.append("one"), lambda: seen.append("other")])
    assert seen == ["one", "other"]


def test_what_fails_in_a_thread_is_raised():
    def fit():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at_once([fit, fit])


@pytest.mark.parametrize("name", ["S", "H"])
def test_every_way_is_measured_in_each_round_with_its_blas_threads(name, monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    limits, limited = [], threadpoolctl.threadpool_limits

    def seen(number, **given):
        limits.append(number)
        return limited(number, **given)

    monkeypatch.setattr(threadpoolctl, "threadpool_limits", seen)
    found = measure(TINY[name], 2, 0.0, (1, 2))
    ways = {"in_order, 1", "at_once, 1", "in_order, 2", "at_once, 2"}
    assert found["microseconds"].keys() == ways
    assert all(len(each) == 2 and min(each) > 0.0 for each in found["microseconds"].values())
    assert sorted(limits[1:]) == [1] * 4 + [2] * 4  # after the one that says how long to train


def test_the_rows_compare_each_way_with_one_after_the_other():
    times = {"in_order, 1": [18.0] * 3, "at_once, 1": [10.0, 10.0, 9.0]}
    times |= {"in_order, 2": [15.0] * 3, "at_once, 2": [30.0] * 3}
    one, two = rows("S", times, (1, 2))
    assert one[:2] == ("S", "1")
    assert one[4:] == ("1.80 [1.80, 2.00]", "1.7", "yes", "2.00", "1.50")
    assert two[4:] == ("0.50 [0.50, 0.50]", "", "", "0.50", "0.50")
    times["at_once, 1"] = [12.0] * 3
    assert next(rows("S", times, (1, 2)))[4:7] == ("1.50 [1.50, 1.50]", "1.7", "no")


def test_the_command_prints_and_writes(tiny, monkeypatch, capsys, tmp_path):
    pytest.importorskip("numba")
    monkeypatch.setenv("BPX_NUMBA", "on")
    monkeypatch.setattr(machine, "cores", lambda: 2)
    out = tmp_path / "threads.json"
    given = ["--cases", "S,deep", "--repeats", "1", "--window", "0", "--out", str(out)]
    threads.main(given)
    printed = capsys.readouterr().out
    for part in ("| S | 1 |", "| S | 2 |", "| deep | 1 |", "load", "with 2 BLAS threads"):
        assert part in printed
    assert json.loads(out.read_text())["cases"].keys() == {"S", "deep"}


def test_one_core_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(machine, "cores", lambda: 1)
    with pytest.raises(SystemExit):
        threads.main([])
    assert "need two cores" in capsys.readouterr().err
