"""Assignment 3."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps3-speed"
