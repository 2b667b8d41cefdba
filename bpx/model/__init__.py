"""What a network is and computes: its spec, the passes, what enters it and how good it is."""
