"""What the engines have in common: planning, falling back, memory that is used again."""
