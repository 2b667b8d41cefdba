"""The errors of the book's chapter 5, and the health of its networks."""

import json

import bpx
from benchmarks import health


def test_the_errors_of_chapter_5_shrink_towards_the_inputs(stand_in):
    for depth in health.DEPTHS:
        assert len(depth.hidden) == len(depth.book)
        for speeds in health.errors(depth, stand_in, seeds=2):
            assert len(speeds) == len(depth.hidden)
            assert list(speeds) == sorted(speeds)


def test_the_health_prints_and_writes_both_tables(stand_in, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bpx.data, "load", lambda *_, **__: stand_in)
    out = tmp_path / "health.json"
    health.main(["--seeds", "2", "--epochs", "3", "--backend", "numpy", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| 4 of 4 hidden | 0.285 | 0." in printed
    written = json.loads(out.read_text())
    assert [len(runs) for runs in written["lost"]] == [3, 3]
    first, last = written["lost"][0][0], written["lost"][1][-1]
    assert f"| 0 | 1 | {first['accuracy']:.2f} | " in printed
    assert f"| 1 | 3 | {last['accuracy']:.2f} | " in printed
    assert set(last) == set(health.Observed._fields)
