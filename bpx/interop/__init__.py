"""Functions that use other libraries, each imported on first use."""
