"""Build the sdist and the wheel, and run the tests with the wheel, outside the checkout.

::

    python -m tools.release [--out FOLDER]                 build, and check what is inside
    python -m tools.release --pythons 3.11,3.12,3.13 --versions lowest,newest
    python -m tools.release --pythons 3.13 --tests -n 2 tests/io tests/network
    python -m tools.release --extras                       follow pip's resolver for each extra

The wheel is built from the sdist. For each Python (a version or a path), and for the lowest or
the newest versions of the dependencies, it is installed with the extras ``dev,fast`` into an
environment of its own; the tests are those of the sdist. ``lowest`` takes the versions that
``pyproject.toml`` has after ``>=``. Of the sdist's ``bpx`` and ``bpx_backends`` nothing is
left: in their place are links to the installed ones, which the tests import and read.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_string
from pathlib import Path
from typing import Any

__all__ = ["build", "floors", "main", "problems_of_sdist", "problems_of_wheel"]

ROOT = Path(__file__).parents[1]
PACKAGES = {"bpx": "bpx", "bpx_backends": "backends/bpx_backends"}
"""The import packages, and their folders in the repository."""
ROOMS = ("bpx", "backends", "tests", "docs", "benchmarks", "examples", "tools")
EXTRAS = "dev,fast"
_CHECK = """
import sys, bpx, bpx_backends
from pathlib import Path
for each in (bpx, bpx_backends):
    place = Path(each.__file__).resolve()
    assert "site-packages" in place.parts and str(place).startswith(sys.prefix), place
print("tested:", Path(bpx.__file__).resolve().parent, bpx.__version__)
"""


def build(out: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel; return their paths."""
    with tempfile.TemporaryDirectory() as place:
        python = _environment(Path(place, "venv"), sys.executable)
        requires = _project()["build-system"]["requires"]
        _pip(python, "install", *requires)
        _run([python, "-m", "hatchling", "build", "-t", "sdist", "-d", out], cwd=ROOT)
        (sdist,) = out.glob("*.tar.gz")
        plain = ("--no-deps", "--no-build-isolation")
        _pip(python, "wheel", *plain, "--wheel-dir", out, sdist, cwd=out)
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


# What is inside


def problems_of_sdist(sdist: Path) -> Iterator[str]:
    """Yield what is wrong with the contents of the sdist."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in sorted(_files() - names):
        yield f"the sdist lacks {name}"
    for name in sorted(names):
        if "__pycache__" in name or name.startswith((".ci", "runs", "docs/_build")):
            yield f"the sdist has {name}"


def problems_of_wheel(wheel: Path) -> Iterator[str]:
    """Yield what is wrong with the contents and the metadata of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (told,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = archive.read(told).decode()
    information = told.partition("/")[0]
    for package, folder in PACKAGES.items():
        below = {
            name.removeprefix(folder) for name in _files() if name.startswith(f"{folder}/")
        }
        yield from (
            f"the wheel lacks {package}{name}"
            for name in sorted(below)
            if package + name not in names
        )
        if f"{package}/py.typed" not in names:
            yield f"the wheel lacks {package}/py.typed"
    for name in sorted(names):
        if name.partition("/")[0] not in (*PACKAGES, information) or "test_" in name:
            yield f"the wheel has {name}"
    yield from _problems_of_metadata(text)


def _problems_of_metadata(text: str) -> Iterator[str]:
    found = message_from_string(text)
    described = found.get_payload()
    for link in re.findall(r"\]\(((?!https:)[^)]*)\)", str(described)):
        yield f"the description has the link {link}, which leads nowhere on the index's page"
    for url in found.get_all("Project-URL") or ():
        if not url.partition(", ")[2].startswith("https://"):
            yield f"the project has the URL {url}"
    if found["Requires-Python"] != _project()["project"]["requires-python"]:
        yield f"the wheel needs Python {found['Requires-Python']}"
    extras = set(_project()["project"]["optional-dependencies"])
    if missing := extras - set(found.get_all("Provides-Extra") or ()):
        yield f"the wheel lacks the extras {', '.join(sorted(missing))}"


def _files() -> set[str]:
    """Return the files of the repository that belong into the sdist."""
    found = {each.name for each in ROOT.iterdir() if each.suffix in (".md", ".cff", ".toml")}
    for room in ROOMS:
        inside = (each.relative_to(ROOT) for each in (ROOT / room).rglob("*") if each.is_file())
        found |= {each.as_posix() for each in inside if not _is_made(each)}
    return found | {"LICENSE", "Makefile", "constraints.txt"}


def _is_made(path: Path) -> bool:
    """Whether a file is made by a build or by Python."""
    parts = {"__pycache__", "_build", "jupyter_execute", "generated"}
    return bool(parts & set(path.parts)) or path.suffix == ".pyc"


# The tests


def floors(extras: Sequence[str]) -> dict[str, str]:
    """Return the lowest versions of the dependencies and of what the extras name."""
    project = _project()["project"]
    found: dict[str, str] = {}
    waiting, seen = [*project["dependencies"]], set(extras)
    waiting += [each for extra in extras for each in project["optional-dependencies"][extra]]
    for requirement in waiting:
        name, inside, version = _parsed(requirement)
        if name == project["name"]:
            others = [each for each in inside if each not in seen]
            seen.update(others)
            waiting += [x for each in others for x in project["optional-dependencies"][each]]
        elif version:
            found[name] = version
    return found


def _parsed(requirement: str) -> tuple[str, list[str], str | None]:
    """Return a requirement's name, its extras, and its lowest version."""
    match = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?(?:>=([\w.]+))?.*", requirement)
    assert match is not None, requirement
    return match[1], (match[2] or "").split(","), match[3]


def tested(sdist: Path, wheel: Path, python: str, versions: str, tests: Sequence[str]) -> int:
    """Install the wheel, run the tests of the sdist, and return pytest's exit status."""
    with tempfile.TemporaryDirectory() as place:
        inside = _environment(Path(place, "venv"), python)
        given: list[str | Path] = [f"{wheel}[{EXTRAS}]"]
        if versions == "lowest":
            lowest = Path(place, "lowest.txt")
            told = floors(EXTRAS.split(",")).items()
            lowest.write_text("".join(f"{name}=={version}\n" for name, version in told))
            given += ["-c", lowest]
        _pip(inside, "install", "--upgrade", "pip")  # an old one resolves for minutes
        _pip(inside, "install", *given)
        tree = _tree(sdist, Path(place), inside)
        alone = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BPX_"))}
        _run([inside, "-c", _CHECK], cwd=tree, env=alone)
        words: list[Any] = [inside.parent / "pytest", "-p", "no:cacheprovider", "-q", *tests]
        return subprocess.run(words, cwd=tree, env=alone).returncode


def _tree(sdist: Path, place: Path, python: Path) -> Path:
    """Unpack the sdist, with links to the installed packages in place of its own."""
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    (tree,) = (each for each in place.iterdir() if (each / "pyproject.toml").exists())
    said = _run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], cwd=place
    )
    for package, folder in PACKAGES.items():
        shutil.rmtree(tree / folder)
        (tree / folder).symlink_to(Path(said.strip(), package), target_is_directory=True)
    return tree


def resolved(wheel: Path) -> Iterator[tuple[str, str | None]]:
    """Yield each extra, and what pip says if it cannot be resolved."""
    with tempfile.TemporaryDirectory() as place:
        python = _environment(Path(place, "venv"), sys.executable)
        _pip(python, "install", "--upgrade", "pip")
        for extra in _project()["project"]["optional-dependencies"]:
            words = ["install", "--dry-run", "--quiet", "--use-feature=fast-deps"]
            command: list[Any] = [python, "-m", "pip", *words, f"{wheel}[{extra}]"]
            ran = subprocess.run(
                command,
                capture_output=True,
                text=True,
            )
            yield extra, None if ran.returncode == 0 else ran.stderr.strip()


# Processes


def _environment(place: Path, python: str) -> Path:
    """Make a virtual environment of a Python; return its interpreter."""
    if python == sys.executable:
        venv.create(place, with_pip=True)
    else:
        _run([python, "-m", "venv", place])
    return place / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def _pip(python: Path, *words: str | Path, cwd: Path | None = None) -> None:
    _run(
        [python, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]],
        cwd,
    )


def _run(
    words: Sequence[Any], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a command and return its output; print it and end if the command fails."""
    ran = subprocess.run(
        words, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if ran.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}\n{ran.stdout}")
    return ran.stdout


def _interpreter(named: str) -> str:
    """Return a Python's path by its version, from the path or from pyenv, or by its path."""
    if os.path.sep in named:
        return named
    if found := shutil.which(f"python{named}"):
        is_it = [
            found,
            "-c",
            f"import ssl, sys; sys.exit('%d.%d' % sys.version_info[:2] != '{named}')",
        ]
        if subprocess.run(is_it, capture_output=True).returncode == 0:
            return found
    if shutil.which("pyenv"):
        prefix = subprocess.run(["pyenv", "prefix", named], capture_output=True, text=True)
        if prefix.returncode == 0:
            return str(Path(prefix.stdout.splitlines()[0], "bin", "python"))
    raise SystemExit(f"there is no Python {named} on the path or in pyenv; give its path")


def _project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    pythons = {each: _interpreter(each) for each in filter(None, options.pythons.split(","))}
    status = 0
    with tempfile.TemporaryDirectory() as place:
        out = Path(options.out or place).absolute()
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise SystemExit(f"--out {out} has files in it; expected a new or empty folder")
        sdist, wheel = build(out)
        for problem in (*problems_of_sdist(sdist), *problems_of_wheel(wheel)):
            print(problem, flush=True)
            status = 1
        print(f"{sdist.name}, {wheel.name}: built", flush=True)
        for extra, wrong in resolved(wheel) if options.extras else ():
            print(f"extra {extra}: {wrong or 'resolved'}", flush=True)
            status = status or int(wrong is not None)
        for name, python in pythons.items():
            for versions in options.versions.split(","):
                code = tested(sdist, wheel, python, versions, options.tests)
                print(f"Python {name}, {versions} versions: {code or 'passed'}", flush=True)
                status = status or code
    return status


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", help="where the files are kept; by default nowhere")
    parser.add_argument("--pythons", default="", help="versions or paths, separated by commas")
    parser.add_argument("--versions", default="newest", help="lowest, newest, or both")
    parser.add_argument(
        "--tests", nargs=argparse.REMAINDER, default=["-n", "auto"], help="pytest's"
    )
    parser.add_argument("--extras", action="store_true", help="follow pip's resolver")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
