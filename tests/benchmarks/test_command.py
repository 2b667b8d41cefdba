"""The command: what it measures, prints and writes, and what it refuses."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import command, cuda, document, machine

needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured on Linux alone"
)


@needs_linux
def test_the_command_measures_prints_and_writes(tiny, capsys, tmp_path):
    names = "bpx numpy,NumPy by hand,products alone"
    arguments = ["--cases", "S,M", "--repeats", "2", "--window", "0", "--peers", names]
    command.main([*arguments, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for section in document.SECTIONS.values():
        assert f"### {section.TITLE}" in printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["training"].keys() == {"S", "M"}
    assert all(len(times) == 2 for times in results["training"]["S"]["microseconds"].values())
    assert results["inference"].keys() == {"1", "4"}
    assert results["memory"]["M"]["bytes"]["bpx numpy"] > 0
    assert results["first-step"]["M"]["seconds"]["bpx numpy"]["cold"]["step"] > 0.0
    assert not any(part["failed"] for part in results["training"].values())
    written = (tmp_path / "out" / "results.md").read_text()
    assert written == document.markdown(results)
    why_not = "not asked" if find_spec("jax") else "jax is not installed"
    for expected in (
        "µs / step",
        "Targets",
        "no TF32",
        "- on a GPU",
        f"- JAX scan: {why_not}",
    ):
        assert expected in written
    if find_spec("matplotlib"):
        for picture in ("training.svg", "training.png"):
            assert (tmp_path / "out" / picture).stat().st_size > 10_000


def test_the_command_says_what_it_did_not_measure(tiny, capsys):
    command.main(["--only", "floor", "--cases", "S", "--window", "0"])
    printed = capsys.readouterr().out
    assert "- training: not asked for" in printed
    assert "- bpx cupy: not on the CPU" in printed
    assert "Targets" not in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--cases S,XL", "no XL; known: S, M, L, deep, wide, H, tiny"),
        ("--peers nobody", "no nobody; known: bpx numpy"),
        ("--only speed", "no speed; known: training"),
        ("--repeats 0", "at least 1"),
        ("--tf32", "add --gpu"),
        ("--clock cpu", "pin to one core"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments, told, monkeypatch, capsys):
    monkeypatch.setattr(machine, "cores", lambda: 2)
    with pytest.raises(SystemExit):
        command.main(arguments.split())
    assert told in capsys.readouterr().err


def test_a_gpu_is_refused_where_there_is_none(monkeypatch, capsys):
    monkeypatch.setattr(cuda, "library", lambda: None)
    with pytest.raises(SystemExit):
        command.main(["--gpu"])
    assert "neither PyTorch nor CuPy sees a CUDA device" in capsys.readouterr().err
