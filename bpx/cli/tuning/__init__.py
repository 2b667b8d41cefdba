"""``bpx tune``: searches over the settings of ``bpx train``, by Optuna."""
