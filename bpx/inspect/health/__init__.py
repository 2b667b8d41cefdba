"""The health of a network: measures of its errors and units, a diagnosis, and a table."""
