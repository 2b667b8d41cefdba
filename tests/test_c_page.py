"""The programs and commands of docs/c.md work as they are printed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import bpx
from tools.c_programs import COMPILERS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "c.md").read_text(encoding="utf-8")
ANSWER = re.compile(r"a \d, with probability [01]\.\d\d\n")


def needs(compiler):
    missing = COMPILERS[compiler].missing
    return pytest.mark.skipif(missing is not None, reason=missing or "")


def blocks(opening):
    return re.findall(rf"^```{re.escape(opening)}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the page, with the networks that its cells write, and its programs."""
    names = {}
    for code in blocks("{code-cell} ipython3"):
        exec(compile(code, "docs/c.md", "exec"), names)
    found = Path(names["folder"])
    for block in (*blocks("{code-block} c"), *blocks("{code-block} js")):
        caption, _, text = block.partition("\n")
        (found / caption.removeprefix(":caption: ")).write_text(text, encoding="utf-8")
    return found


def run(folder, *words):
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def commands(program):
    lines = (line for block in blocks("sh") for line in block.splitlines())
    return [shlex.split(line) for line in lines if line.startswith(program)]


@needs("gcc")
def test_the_programs_in_c(folder):
    for words in commands("cc "):
        run(folder, "gcc", "-Wall", "-Wextra", "-Werror", *words[1:])
    assert ANSWER.fullmatch(run(folder, "./digits"))
    assert run(folder, "./learn") == "it learns\n"
    assert run(folder, "./pay") == "770\n"


@needs("gcc")
@needs("node")
def test_the_module_of_web_assembly(folder):
    (words,) = commands("python -m ziglang")
    run(folder, sys.executable, *words[1:])
    assert (folder / "digits.wasm").stat().st_size < 12_000
    said = run(folder, "node", "--no-warnings", "digits.mjs")
    (native,) = (words for words in commands("cc ") if "digits.c" in words)
    run(folder, "gcc", *native[1:])
    assert said == run(folder, "./digits")


SAID = re.compile(
    r"take\s+([\d,]+) bytes, scratch memory ([\d,]+)(?:, and the state ([\d,]+))?\."
)


def test_the_figures_of_the_page(folder):
    def figures(text):
        found = SAID.search(text)
        return [int((each or "0").replace(",", "")) for each in found.groups()]

    page = " ".join(PAGE.split())
    weights, scratch, _ = figures((folder / "digits.c").read_text(encoding="utf-8"))
    assert f"{weights:,} bytes of weights" in page
    assert f"{scratch} bytes of scratch memory" in page
    _, scratch, state = figures((folder / "device.c").read_text(encoding="utf-8"))
    assert f"takes {scratch + state:,} bytes of RAM" in page
    net = bpx.Network(
        [64, 30, 10], hidden="relu", output="softmax", cost="cross_entropy", seed=0
    )
    adam = net.to_c(training=True, optimizer=bpx.Adam(), batch_size=32)
    _, scratch, state = figures(adam)
    assert f"and takes {scratch + state:,}." in page
