"""Warnings at the command line are lines on standard error."""

import warnings

import numpy as np
import pytest

import bpx
from bpx.errors import warn
from tests.cli.invoked import invoke


def test_a_warning_of_bpx_is_a_line_and_others_are_as_they_were(capsys):
    from bpx.cli.notices import as_lines

    with as_lines():  # though warnings are errors here
        warn("mind the gap")
        warn("mind the gap")  # once for each training, wherever it was raised before
        with pytest.raises(RuntimeWarning, match="another"):
            warnings.warn("another", RuntimeWarning, stacklevel=1)
    assert capsys.readouterr().err == "Warning: mind the gap\n" * 2
    with pytest.raises(bpx.DataWarning):
        warn("mind the gap")


def test_columns_of_very_different_sizes_are_told_once_in_a_line(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.c_[rng.random(40), 1e6 * rng.random(40), rng.integers(0, 2, 40)]
    np.savetxt(tmp_path / "sizes.csv", rows, "%.6g", ",", header="a,b,kind", comments="")
    done = invoke(
        "train",
        "sizes.csv",
        "--epochs",
        "1",
        "--seed",
        "0",
        "--out",
        "run",
        "--scaling",
        "none",
    )
    assert done.exit_code == 0, done.output
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("Warning: ")]
    assert "column 1 of x is up to" in line
    assert "bring the file's columns to one scale" in line
    assert "np." not in line
    assert ".py" not in done.stderr


def test_other_warnings_are_shown_as_before(monkeypatch):
    from bpx.cli.notices import as_lines

    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda *given: shown.append(str(given[0])))
    with as_lines():
        warnings.simplefilter("always")
        warnings.warn("another", RuntimeWarning, stacklevel=1)
    assert shown == ["another"]
