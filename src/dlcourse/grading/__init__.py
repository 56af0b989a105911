"""Marks for a class: what was handed in runs in a sandbox, and the tests run outside of it."""
