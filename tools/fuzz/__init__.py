"""Reading thousands of damaged and hostile files: see `tools.fuzz.__main__`."""
