"""Assignment 6."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps6-future"
