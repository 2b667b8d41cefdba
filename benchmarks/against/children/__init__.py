"""Scripts that run once on the old bpx and once on the new one: see `benchmarks.against`.

Each is started by its path, so that the bpx it imports is the one that ``PYTHONPATH`` names,
and imports what lies beside it by its bare name. It may use only what both sides have, which is
bpx's public names: nothing from inside bpx, and nothing else of `benchmarks`.
"""
