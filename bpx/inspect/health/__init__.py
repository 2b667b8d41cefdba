"""How well a network learns: its errors and units, measured, judged and drawn."""
