"""One call on a machine with a GPU: a smoke test, the GPU tests, and the table of times.

Every stage is a process of its own with its own time limit. A stage that hangs is stopped, its
results so far are kept, and the next stage runs. Together they take eight minutes at most.
"""
