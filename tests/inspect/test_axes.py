"""The axes of a picture: those given, or new ones."""

import sys

import pytest

import bpx
from bpx.inspect.axes import axes_for


def test_those_given_are_used():
    figure = pytest.importorskip("matplotlib.figure", reason="plots are an extra")
    ax = figure.Figure().subplots()
    assert axes_for(ax) is ax


def test_what_are_no_axes():
    with pytest.raises(bpx.InputError, match="ax is a list; expected Matplotlib axes"):
        axes_for([1])


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(bpx.InputError, match="pip install matplotlib"):
        axes_for(None)
