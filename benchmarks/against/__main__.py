"""``python -m benchmarks.against``: see `benchmarks.against`."""

import sys

from benchmarks.against.command import main

if __name__ == "__main__":
    sys.exit(main())
