"""Reading beside pandas: the same file, in turns."""

import json

import pytest

pytest.importorskip("pandas", reason="pandas is not installed")

from benchmarks import reading


def test_all_readers_are_timed(capsys, tmp_path):
    out = tmp_path / "seconds.json"
    reading.main(["--rows", "50", "--columns", "3", "--repeats", "2", "--out", str(out)])
    assert "÷ pandas" in capsys.readouterr().out
    seconds = json.loads(out.read_text())["seconds"]
    assert {"pandas.read_csv", "bpx.data.read", "bpx.data.read_table"} <= seconds.keys()
    assert all(len(each) == 2 for each in seconds.values())
