"""Damaged and malicious files for every reader of the package: see `python -m fuzz --help`."""
