"""Other rules beside backpropagation, on a stand-in for MNIST."""

import json

import bpx
from benchmarks import feedback


def test_the_rules_are_trained_beside_backpropagation(stand_in, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bpx.data, "load", lambda name, folder: stand_in)
    setting = feedback.Setting(hidden=(6, 5), batch_size=8, phases=((1e-2, 2), (1e-3, 1)))
    words = ["--rules", "dfa", "--seeds", "2", "--backend", "numpy"]
    feedback.main([*words, "--out", str(tmp_path / "found.json")], setting)
    printed = capsys.readouterr().out.splitlines()
    rows = [text.split(" | ") for text in printed if text.startswith(("| transpose", "| dfa"))]
    assert [row[0] for row in rows] == ["| transpose", "| dfa"]
    assert rows[0][2:6] == ["+0.00", *["0.0 [0.0, 0.0]"] * 3]
    runs = json.loads((tmp_path / "found.json").read_text())["rules"]["dfa"]
    assert [run["seed"] for run in runs] == [0, 1]
    for run in runs:
        assert (len(run["curve"]), len(run["angles"])) == (3, 4)
        assert all(len(layers) == 2 and min(layers) > 0.0 for layers in run["angles"])
