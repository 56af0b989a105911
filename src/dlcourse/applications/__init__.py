"""What networks are used for: each folder holds what belongs to its task alone."""
