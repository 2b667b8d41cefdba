"""The kinds of layers: each a file, a frozen value that owns its equations."""
