"""Training: a pure step, the epochs that run it, and their records."""
