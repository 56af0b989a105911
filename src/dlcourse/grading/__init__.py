"""Grading: what learners hand in is run in a sandbox, and judged outside it."""
