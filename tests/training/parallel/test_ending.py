"""A process that ends with an error of its own ends all ranks; one that all have, none."""

import sys

import pytest

from bpx.training.parallel.ending import attend, end
from bpx.training.parallel.failing import everywhere
from tests.ranks import communicators


def caught(error):
    try:
        raise error
    except BaseException as found:
        return found


def test_the_end_names_the_rank(capsys):
    ranks = communicators(3)[2]
    end(ranks, caught(OSError("disk full")))
    assert ranks.aborted
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "OSError: disk full\nrank 2 of 3 ended all of them" in told


@pytest.mark.parametrize("rank", [0, 1])
def test_an_uncaught_error(monkeypatch, rank):
    shown = []
    monkeypatch.setattr(sys, "excepthook", lambda *each: shown.append(each))
    ranks = communicators(2)[rank]
    attend(ranks)
    error = caught(everywhere(ValueError()))
    sys.excepthook(ValueError, error, error.__traceback__)
    assert not ranks.aborted
    assert len(shown) == (rank == 0)
    error = caught(ValueError())
    sys.excepthook(ValueError, error, error.__traceback__)
    assert ranks.aborted
