"""What a person sees of a run: on a terminal, and in a log."""

import io
import os
import subprocess
import sys

import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from rich.console import Console

from bpx.cli import display
from tests.cli.invoked import COMMAND, SECONDS, ok


def test_lines_in_a_log(blobs):
    lines = ok("train", blobs, "--epochs", 2, "--seed", 1, "--out", "run").splitlines()
    told = [line for line in lines if line.startswith("epoch ")]
    assert len(told) == 2
    assert told[0].startswith("epoch 1/2  cost ")
    assert "validation accuracy" in told[0]
    assert told[1].endswith(" samples/s")
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_a_long_epoch_tells_how_far_it_is_in_a_log(blobs, monkeypatch):
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0.0)
    output = ok("train", blobs, "--epochs", 1, "--out", "run")
    assert "epoch 1/1  at 13 %  cost " in output


def test_the_live_display():
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, height=20)
    with display.LiveDisplay(3, console) as live:
        live.progress(bpx.Progress(1, 500, 1000, 0.5, 0.75, 12345.6))
        live._live.refresh()
        first = written.getvalue()
        live.epoch(bpx.Epoch(1, 0.4, 0.8, bpx.Evaluation(0.3, 0.9), 1.0, 1000.0))
        live.epoch(bpx.Epoch(2, 0.3, 0.9, bpx.Evaluation(0.35, 0.875), 1.0, 1000.0))
        live.progress(bpx.Progress(3, 250, 1000, 0.25, 0.95, 2000.0))
    last = written.getvalue()
    assert "epoch 1/3" in first
    assert "cost 0.5000" in first
    assert "75.00 %" in first
    assert "12,346 samples/s" in first
    assert "validation" not in first
    assert "epoch 3/3" in last
    assert "validation accuracy 87.50 %   best accuracy 90.00 % in epoch 1" in last


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_gets_the_live_display(blobs):
    import pty

    main, terminal = pty.openpty()
    words = ["train", blobs, "--epochs", "2", "--out", "run"]
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen([*COMMAND, *words], stdout=terminal, env=env) as process:
        os.close(terminal)
        shown = b"".join(iter(lambda: _read(main), b"")).decode()
        assert process.wait(SECONDS) == 0
    os.close(main)
    assert "\x1b[" in shown
    assert "epoch 2/2" in shown
    assert "epoch 2/2  cost" not in shown


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""
