"""Paths that lie where a run was started."""

import pytest

pytest.importorskip("click", reason="the command line is an extra")

from bpx.cli.places import found


def test_what_is_here_comes_first(tmp_path, monkeypatch, capsys):
    there = tmp_path / "there"
    there.mkdir()
    (there / "a.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    assert found("a.csv", str(there)) == str(there / "a.csv")
    assert f"a.csv is not here; {there / 'a.csv'}, where" in capsys.readouterr().err
    for started in (None, 3, str(tmp_path)):
        assert found("a.csv", started) == "a.csv"
    (tmp_path / "a.csv").write_text("")
    assert found("a.csv", str(there)) == "a.csv"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"], ids=["long", "null"])
def test_a_path_that_no_system_takes_is_returned(path, tmp_path):
    assert found(path, str(tmp_path)) == path
