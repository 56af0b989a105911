"""Assignment 2."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps2-history"
