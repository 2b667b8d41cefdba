"""Streaming from a disk: every turn is timed, and the memory is seen."""

import json
import sys

import pytest

from benchmarks import streaming


@pytest.mark.skipif(sys.platform != "linux", reason="needs posix_fadvise and /proc")
def test_every_turn_is_timed(capsys, tmp_path):
    out = tmp_path / "seconds.json"
    given = ["--gigabytes", "0.004", "--repeats", "1", "--folder", str(tmp_path)]
    streaming.main([*given, "--out", str(out)])
    assert "Anonymous memory" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert {*found["seconds"]} == {"disk", "cold", "warm", "resident"}
    assert all(len(each) == 1 and each[0] > 0 for each in found["seconds"].values())


def test_a_full_disk_is_not_filled(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(streaming, "FREE", float("inf"))
    streaming.main(["--folder", str(tmp_path)])
    assert "skipped" in capsys.readouterr().out
