"""What the documentation and the messages tell a person to type can be typed today.

Nothing is installed. Where the package index answers, each ``pip install`` is followed in a
fresh environment as far as pip's resolver, in a copy of the project.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import which

import pytest

from tests.printed import (
    EXAMPLES,
    ROOT,
    UnreadableError,
    declared,
    install,
    printed,
    read,
    sources,
    words,
)

COMMANDS = sorted({each.command for each in printed()})
FILES = [path.relative_to(ROOT).as_posix() for path in sources()]
LARGE = re.compile(r"Downloading .*\((?:\d\d+(?:\.\d+)? M|[\d.]+ G)B\)")
"""What pip says before it downloads ten megabytes or more: a library, and no metadata."""


def parsed(command):
    try:
        return install(command)
    except UnreadableError:
        return None  # which `test_a_person_can_type_it` reports


INSTALLS = {command: each for command in COMMANDS if (each := parsed(command))}


def of(program):
    return [c for c in COMMANDS if re.match(rf"([A-Z_]+=\S+ )*(\S*/)?{program} ", c)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_person_can_type_it(command):
    assert words(command)
    install(command)


@pytest.mark.parametrize("file", FILES)
def test_no_command_that_installs_is_overlooked(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    written = re.findall(r"pip\s+install(?=[\s`'\"])", text)
    found = [command for command in read(Path(file).name, text) if "pip install" in command]
    assert len(found) >= len(written)


@pytest.mark.parametrize("command", INSTALLS)
def test_what_is_installed_is_declared(command):
    extras, packages = declared()
    assert INSTALLS[command].extras <= extras
    assert INSTALLS[command].packages <= packages | EXAMPLES


def test_most_kinds_of_commands_are_found():
    assert {"numpy", "scipy", "jax", "pooch"} <= {
        p for i in INSTALLS.values() for p in i.packages
    }
    assert {"cli", "cuda12", "cuda13", "sklearn"} <= {
        e for i in INSTALLS.values() for e in i.extras
    }
    assert all(of(program) for program in ("make", "bpx", "python"))


@pytest.mark.parametrize(
    ("name", "text", "commands"),
    [
        ("a.md", "Type `pip\ninstall '.[cli]'`, or `'.[fast]'`.", 2),
        ("a.md", "```sh\nmake test    # the tests\nbpx info\n```", 2),
        ("a.md", '```diff\n+    "mlx": Known("mlx", "pip install mlx"),\n```', 1),
        ("a.py", 'raise E("first: " f"pip install {x}, or not")', 1),
        ("a.py", '"""Needs ``pip install scipy``."""\nX = {"a": "see `bpx info`"}', 2),
        ("a.py", "x = 1  # by pip install scipy", 1),
        ("a.py", 'X = """\\b\nExamples:\n  bpx train digits\n  bpx info\n"""', 2),
        ("Makefile", "# make test    run the tests (or not)\n\tpip -e '.[dev]'\n", 2),
    ],
)
def test_where_commands_are_looked_for(name, text, commands):
    assert len(list(read(name, text))) == commands


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("install it: pip install pooch, or name a folder", "pip install pooch"),
        ("(install it with: pip install pooch)", "pip install pooch"),
        ("In a clone: pip install .", "pip install ."),
        ("In a clone, pip install '.[cli,fast]'; then go on.", "pip install '.[cli,fast]'"),
    ],
)
def test_where_a_command_ends(text, command):
    assert list(read("a.py", repr(text))) == [command]


@pytest.mark.parametrize(
    "command",
    [
        "pip install '.[…]'",
        "pip install {}",
        "pip install 'a",
        "pip install a b (with c: d)",
        "pip install a[b",
        "pip install -c nowhere.txt .",
        "pip install --no-such-option a",
        "python -m pip install",
    ],
)
def test_what_nobody_can_type_is_noticed(command):
    with pytest.raises(UnreadableError):
        install(command)


@pytest.mark.parametrize("command", of("make"))
def test_make_knows_its_targets_and_variables(command):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words(command)[1:]:
        name, is_variable, _ = word.partition("=")
        assert re.search(rf"\$\({name}\)" if is_variable else rf"^{name}:", makefile, re.M)


@pytest.mark.parametrize("command", of(r"python3?"))
def test_python_finds_the_module(command):
    parts = words(command)
    if "-m" not in parts or parts[2] in ("pip", "venv", "pytest", "ziglang"):
        return
    module = ROOT / parts[parts.index("-m") + 1].replace(".", "/")
    assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()


@pytest.mark.parametrize("command", of("bpx"))
def test_the_command_line_knows_its_commands_and_options(command):
    pytest.importorskip("click", reason="the command line is an extra")
    from bpx.cli.commands import cli

    rest = words(command.replace("COMMAND", "train"))[1:]
    if "--" in rest:  # a command within a command
        at = rest.index("--")
        _check_words(cli, rest[at + 1 :])
        rest = rest[: at + 2]
    _check_words(cli, rest)


def _check_words(cli, given):
    name, *rest = given
    if name == "python":
        return
    options = {flag for each in cli.commands[name].params for flag in each.opts}
    assert {word for word in rest if word.startswith("--")} <= options | {"--help", "--"}
    if rest and not (rest[0].startswith("-") and "--" not in rest):
        cli.commands[name].make_context(name, rest)


@pytest.mark.skipif(which("make") is None, reason="make is not installed")
def test_the_readme_prints_what_make_runs(tmp_path):
    block = re.search(r"```sh\n(python3 -m venv.*?)```", read_page("README.md"), re.S)[1]
    shown = subprocess.run(
        ["make", "-n", "demo", "test", "VENV=.fresh", "PYTHON=python3", "EXTRAS=", "PEERS="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shown = shown.replace(".fresh", ".venv").replace('"', "")
    shown = shown.replace(" --quiet --disable-pip-version-check", "")
    ran = [line.strip() for line in shown.splitlines()]
    assert [line for line in ran if line in block.splitlines()] == block.splitlines()


def read_page(name):
    return (ROOT / name).read_text(encoding="utf-8")


# As far as the resolver.


@pytest.fixture(scope="module")
def pip(tmp_path_factory):
    """The newest pip in a fresh environment, run in a copy of the project."""
    folder = tmp_path_factory.mktemp("fresh folder")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [python, "-m", "pip", "--disable-pip-version-check"]
    place = copy_of_the_project(folder)
    quick = ("install", "--retries", "0", "--timeout", "10", "--quiet")
    # with what pyproject.toml builds with, which each command would install anew
    code, _ = followed([*command, *quick, "-U", "pip", "editables", *built_with()], place)
    if code != 0:
        pytest.skip("the package index cannot be reached")
    return lambda *arguments: followed([*command, *arguments], place)


def built_with():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["build-system"]["requires"]


def followed(command, place):
    """The exit code and the output of a command, which is stopped before a large download."""
    said = []
    with subprocess.Popen(
        command,
        cwd=place,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout:
            said.append(line)
            if LARGE.search(line):
                process.kill()
                pytest.skip(f"the package index has no metadata apart: {line.strip()}")
    return process.returncode, "".join(said)


def copy_of_the_project(folder):
    copy = folder / "copy of the project"
    if not copy.exists():
        copy.mkdir()
        for name in ("bpx", "backends"):
            shutil.copytree(
                ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("command", INSTALLS)
def test_pip_resolves_it(command, pip):
    if INSTALLS[command].packages & EXAMPLES:
        pytest.skip("an example of what bpx does not know")
    # The newer pips read metadata alone, by ranges where the index has no files of it.
    options = ("--dry-run", "--no-build-isolation", "--use-feature=fast-deps")
    code, said = pip("install", *options, *INSTALLS[command].arguments)
    assert code == 0, said


@pytest.mark.parametrize(
    ("line", "large"),
    [
        ("  Downloading cupy_cuda13x-14.2.0-cp311-manylinux2014_x86_64.whl (70.0 MB)", True),
        ("Downloading torch-2.13.0.whl (1.1 GB)", True),
        ("    Downloading hatchling-1.33.0-py3-none-any.whl (78 kB)", False),
        ("Downloading pip-26.3-py3-none-any.whl (1.8 MB)", False),
    ],
)
def test_what_is_a_large_download(line, large):
    assert bool(LARGE.search(line)) == large
