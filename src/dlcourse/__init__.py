"""Deep networks from scratch, in NumPy and CuPy, with every backward pass written out."""

__version__ = "0.1.0"
