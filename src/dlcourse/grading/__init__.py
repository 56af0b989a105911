"""Grading: what was handed in is run in a sandbox, judged outside of it, and shown to people."""
