"""``python -m dlcourse``: the same as the command ``dlcourse``."""

import sys


def main() -> None:
    """Run the command; Ctrl-C during the imports ends it without a traceback."""
    try:
        from dlcourse.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
