"""A script as one of the ranks that ``bpx launch`` starts."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("click", reason="the command line is an extra")

from bpx.cli import script


def test_it_runs_as_if_python_did(monkeypatch, capsys):
    Path("here").mkdir()
    Path("here/beside.py").write_text("number = 3\n")
    text = "import sys, beside\nprint(__name__, beside.number, sys.argv)\n"
    Path("here/job.py").write_text(text)
    monkeypatch.setattr(sys, "argv", ["script", "here/job.py", "a"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    script.main()
    assert capsys.readouterr().out == "__main__ 3 ['here/job.py', 'a']\n"
