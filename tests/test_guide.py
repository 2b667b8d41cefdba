"""The page on several processes, followed word for word in a fresh environment."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.launching import ROOT, environment
from tests.test_blocks import BLOCKS
from tests.test_printed import built_with, copy_of_the_project

SHOWN = [block.text for block in BLOCKS if (block.page, block.kind) == ("docs/ranks.md", "sh")]
PLAIN = {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
QUICK = {"PIP_RETRIES": "0", "PIP_TIMEOUT": "10"}


@pytest.mark.slow
def test_the_commands_of_the_page(tmp_path):
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":
        pytest.skip("there is no bash")
    place = copy_of_the_project(tmp_path)
    shutil.copytree(ROOT / "examples", place / "examples")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    known = environment(PATH=f"{tmp_path / 'fresh' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    fresh = {**{k: v for k, v in known.items() if k != "PYTHONPATH"}, **PLAIN}

    def told(commands, code=0, **more):
        ran = subprocess.run(
            [bash, "-ec", commands],
            cwd=place,
            env={**fresh, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )
        assert code is None or ran.returncode == code, ran.stdout
        return ran

    download = f"pip download --no-deps -qd seen {built_with()[0]}"
    if told(download, code=None, **QUICK).returncode:
        pytest.skip("the package index cannot be reached")
    first, launched, listed = (told(each).stdout for each in SHOWN)
    assert re.search(r"^epoch 5: cost 1\.86\d*, accuracy 8\d\.\d%", first, re.M)
    assert re.search(r"^epoch 20/20 ", launched, re.M)
    assert (place / "runs" / "first" / "model.safetensors").exists()
    assert re.search(r"^  mpi +mpi4py \S+, .*MPICH", listed, re.M)
    assert re.search(r"^  rank 1 .* numpy on cpu$", listed, re.M)
