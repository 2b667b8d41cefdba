"""``python -m bpx.cli``: the same as ``bpx``."""

from bpx.cli import main

if __name__ == "__main__":
    main()
