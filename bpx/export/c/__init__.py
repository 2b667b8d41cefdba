"""Networks as C: one C99 file, written from the recorded program and its plan."""
