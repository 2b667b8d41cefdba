"""What is released: the contents of the sdist and the wheel, and the files beside them."""

import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

import bpx
from tools import release
from tools.fuzz.formats import FORMATS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel that is built from it."""
    try:
        return release.build(tmp_path_factory.mktemp("a release"))
    except SystemExit as error:
        unreachable = "Could not find a version", "Connection", "No matching distribution"
        if any(each in str(error) for each in unreachable):
            pytest.skip("the package index cannot be reached")
        raise


@pytest.mark.slow
def test_the_sdist_has_all_that_the_tests_need_and_no_more(built):
    assert list(release.problems_of_sdist(built[0])) == []


@pytest.mark.slow
def test_the_wheel_has_the_packages_and_right_metadata(built):
    assert list(release.problems_of_wheel(built[1])) == []


def altered(wheel, path, change):
    """A copy of a wheel in which each file is what `change(name, content)` returns."""
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            if (content := change(name, before.read(name))) is not None:
                after.writestr(name, content)
        after.writestr("tests/test_a.py", b"")
    return path


@pytest.mark.slow
def test_what_is_wrong_with_a_wheel_is_noticed(built, tmp_path):
    def change(name, content):
        if name.endswith("METADATA"):
            content = content.replace(b"Requires-Python: >=3.11", b"Requires-Python: >=3.6")
            return content.replace(b"Provides-Extra: scipy\n", b"") + b"See [a](docs/a.md).\n"
        return None if name in ("bpx/py.typed", "bpx/random.py") else content

    found = set(release.problems_of_wheel(altered(built[1], tmp_path / "a.whl", change)))
    assert found >= {
        "the wheel lacks bpx/py.typed",
        "the wheel lacks bpx/random.py",
        "the wheel has tests/test_a.py",
        "the wheel needs Python >=3.6",
        "the wheel lacks the extras scipy",
        "the description has the link docs/a.md, which leads nowhere on the index's page",
    }


def test_the_sdist_is_compared_with_what_git_knows():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    ran = subprocess.run(["git", "ls-files", "-c"], cwd=ROOT, capture_output=True, text=True)
    known = {name for name in ran.stdout.splitlines() if (ROOT / name).exists()}
    assert known - release._files() <= {".ci/run", ".gitignore"}


def test_the_floors_are_those_of_the_project():
    found = release.floors(["dev", "fast"])
    named = ["numpy", "array-api-compat", "safetensors", "numba", "click", "pytest", "scipy"]
    assert set(named) <= set(found)
    assert "jax" not in found
    assert found["numpy"] in next(x for x in PROJECT["project"]["dependencies"] if "numpy" in x)


@pytest.mark.parametrize(
    ("requirement", "parts"),
    [
        ("numpy>=2.1", ("numpy", [], "2.1")),
        ("backpropx[cli,jax]", ("backpropx", ["cli", "jax"], None)),
        ("cuda-bindings>=12.9.2,<13", ("cuda-bindings", [], "12.9.2")),
    ],
)
def test_a_requirement_is_read(requirement, parts):
    name, extras, version = release._parsed(requirement)
    assert (name, [each for each in extras if each], version) == parts


def test_the_citation_has_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): *(.*)$", text, re.M))
    assert fields["version"] == bpx.__version__
    assert fields["license"] == PROJECT["project"]["license"]
    assert {"cff-version", "message", "title", "authors", "type"} <= set(fields)


def test_the_security_page_names_the_readers_that_there_are():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for name in re.findall(r"`bpx\.([a-z]\w*)`", text):
        assert hasattr(bpx, name) or name == "backends"
    for suffix in bpx.data.READERS:
        assert suffix.lstrip(".").upper() in text or suffix in (".gz", "")
    assert all(name in text.lower() for name in FORMATS)


def test_every_typed_package_says_so():
    for folder in release.PACKAGES.values():
        assert (ROOT / folder / "py.typed").exists()
