"""Assignment 4."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps4-distributed"
