"""The first stage: write the facts of the machine, its device and the versions into a file."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import cuda
from benchmarks.machine import LIBRARIES, environment

__all__ = ["facts", "main"]

MORE = ("array-api-compat", "cuda-core", "cuda-bindings", "cuda-pathfinder", "pytest")


def facts() -> dict[str, Any]:
    """The facts; under ``"problem"``, why there is no device."""
    found: dict[str, Any] = environment(*LIBRARIES, *MORE)
    seen, problems = _seen()
    if not seen:
        return found | {"problem": "; ".join(problems)}
    return found | cuda.facts() | _driver()


def _seen() -> tuple[list[str], list[str]]:
    """The libraries that see a device, and why the others do not."""
    seen, problems = [], []
    for name in ("torch", "cupy"):
        try:
            here = find_spec(name) is not None and cuda.sees(name)
        except Exception as why:  # a broken library may raise anything
            problems.append(f"{name}: {why}")
            continue
        if here:
            seen.append(name)
        else:
            known = "sees no CUDA device" if find_spec(name) else "is not installed"
            problems.append(f"{name} {known}")
    return seen, problems


def _driver() -> dict[str, str]:
    command = ["nvidia-smi", "--query-gpu=driver_version,memory.used", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    driver, _, used = done.stdout.splitlines()[0].partition(", ")
    return {"driver": driver, "memory in use before": used}


def main() -> None:
    """Write the facts."""
    Path(sys.argv[1]).write_text(json.dumps(facts()), encoding="utf-8")


if __name__ == "__main__":
    main()
