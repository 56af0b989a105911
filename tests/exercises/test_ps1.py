"""Assignment 1."""

from answers import *  # noqa: F403

ASSIGNMENT = "ps1-deeper"
