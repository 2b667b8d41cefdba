"""``python -m bpx``: the command line."""

from bpx.cli import main

main()
