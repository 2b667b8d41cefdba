"""Runs: trainings that write checkpoints into a folder, and are continued from them."""
