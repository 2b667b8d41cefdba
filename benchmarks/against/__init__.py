"""Compare the present code with an earlier commit, in one job on one machine.

A refactoring must not change any result of the package, nor make it slower. The same scripts,
those of `benchmarks.against.children`, run once on the old bpx, which is checked out into a
temporary worktree, and once on the bpx of this folder:

- weights: what small networks hold after 50 steps, on each engine, compiled and eager
- programs: the listings of four steps, their counts, and the bytes that they move
- speed: processor time on one core, in pairs that take turns, and that of ``import bpx``

::

    python -m benchmarks.against COMMIT [--only weights,programs] [--backends numpy,torch]
        [--rows PATTERN] [--pairs 15] [--out FILE]

It prints each part as it finishes, failures first; the exit code is 1 if anything fails.
``--out`` gets all numbers as JSON.
"""
