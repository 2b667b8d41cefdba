"""Check equations, activations, costs and feedbacks against numerical derivatives."""
