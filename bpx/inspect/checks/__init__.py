"""Is it right? Equations, activations, costs and feedbacks against numerical differences."""
