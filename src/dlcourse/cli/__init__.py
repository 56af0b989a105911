"""The `dlcourse` command: train, evaluate, predict, look inside, check the installation."""

# Each of these adds its commands to the app; the help lists them in this order.
from dlcourse.cli import training, using, applications, installation, learning, teaching  # noqa: F401, I001
from dlcourse.cli.base import app, main

__all__ = ["app", "main"]
