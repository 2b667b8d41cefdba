"""Measurements that need a fresh interpreter: one peer and one case in each.

A child is a module of `benchmarks.children`. It reads a job from its standard input and prints
its result. It imports nothing of the peer's before it reads the job.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.peers import PEERS, Peer

__all__ = ["ChildError", "result", "unpacked"]

ROOT = Path(__file__).parents[1]
LIMIT = 900  # seconds


class ChildError(Exception):
    """A child ended without a result; its last line says why."""


def result(
    child: str, peer: Peer, case: Case, device: str, variables: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run a child, with more environment variables if given, and return its result."""
    job = {"case": case, "peer": PEERS.index(peer), "imports": peer.imports, "device": device}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.children.{child}"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | (variables or {}),
        timeout=LIMIT,
    )
    if done.returncode:
        raise ChildError(done.stderr.strip().splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def unpacked(job: dict[str, Any]) -> tuple[Peer, Case, str]:
    """The job, in the child."""
    name, sizes, *others = job["case"]
    return PEERS[job["peer"]], Case(name, tuple(sizes), *others), job["device"]
