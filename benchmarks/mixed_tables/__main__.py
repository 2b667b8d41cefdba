"""``python -m benchmarks.mixed_tables``: see `benchmarks.mixed_tables.command`."""

from benchmarks.mixed_tables.command import main

if __name__ == "__main__":
    main()
