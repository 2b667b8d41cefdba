"""How each child begins: on one core, and sure of the bpx that it imports."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["begin"]


def begin() -> dict[str, Any]:
    """The job, which is the script's one argument, as JSON.

    The core is taken first, as the pools of the libraries start with as many threads as there
    are cores.
    """
    job: dict[str, Any] = json.loads(sys.argv[1])
    if job["core"] is not None:
        os.sched_setaffinity(0, {job["core"]})
    _check_origin(Path(job["root"]))
    return job


def _check_origin(root: Path) -> None:
    """Refuse a bpx that is not of the tree: an installed one, say."""
    for name in ("bpx", "bpx_backends"):
        found = find_spec(name)
        if found is None or not Path(found.origin or "").resolve().is_relative_to(
            root.resolve()
        ):
            sys.exit(f"{name} would be {found and found.origin}; expected one of {root}")
