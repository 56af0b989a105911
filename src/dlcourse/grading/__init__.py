"""Grading: what was handed in, marked apart from the tests, and shown to teacher and learner."""
