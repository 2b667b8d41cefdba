"""File formats: networks, and states of training."""
