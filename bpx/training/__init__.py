"""Training: a pure step, the epochs it is run for, and what they tell."""
