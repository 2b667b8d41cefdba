"""How the ranks of a training reach each other: one small module for each library.

Importing this package imports none of them. See `bpx.arrays.ranks.Communicator`.
"""
