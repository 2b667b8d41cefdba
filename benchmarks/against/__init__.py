"""The present code against that of an earlier commit, in one job on one machine.

A change of the package's form shall change nothing that it computes, nor make that any slower.
The same scripts, those of `benchmarks.against.children`, run once on the old bpx, which is
checked out into a worktree that is thrown away, and once on the one of this folder:

- weights: what small networks hold after 50 steps, on each engine, compiled and eager
- programs: the listings of four steps, their counts, and the bytes that they move
- speed: processor time on one core, in pairs that take turns, and that of ``import bpx``

::

    python -m benchmarks.against COMMIT [--only weights,programs] [--backends numpy,torch]
        [--rows PATTERN] [--pairs 15] [--out FILE]

Each part is printed as it is done, what is not as asked first; the exit code is 1 if there is
such a thing. ``--out`` gets all numbers as JSON.
"""
