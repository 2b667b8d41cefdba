"""Print the programs of some steps: their text, their counts, what they compute and move."""

import json
from typing import Any

from start import begin


def main() -> None:
    """Print them as JSON, by name."""
    begin()
    print(json.dumps(dict(_programs())))


def _programs() -> Any:
    from cases import CASES

    import bpx

    momentum = bpx.SGD(3.0, momentum=0.9)
    s, m = CASES["S"], CASES["M"]
    yield "S", _facts(s.program())
    yield "S with momentum", _facts(s.program(momentum))
    yield "M", _facts(m.program())
    yield "M with lmbda", _facts(m.program(lmbda=5.0))


def _facts(program: Any) -> dict[str, Any]:
    return {
        "text": str(program),
        "counts": dict(program.counts),
        "flops": program.flops,
        "bytes": program.bytes,
    }


if __name__ == "__main__":
    main()
