"""One call on a machine with a GPU: a first look, the tests of the GPU, and the table.

Every stage is a process of its own with a limit of its own: one that hangs is ended, what it
had found is kept, and the next one goes on. All of them take eight minutes at most.
"""
