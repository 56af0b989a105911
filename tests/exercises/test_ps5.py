"""Assignment 5."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps5-applications"
