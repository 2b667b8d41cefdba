"""``python -m bpx.cli.script``: a script as one of the ranks that ``bpx launch`` starts."""

import os
import runpy
import sys

from bpx.cli import ranks

__all__ = ["main"]


def main() -> None:
    """Run the script that the words of the process name, with the words that follow."""
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    with ranks.attended():
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
