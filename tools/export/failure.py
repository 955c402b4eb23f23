"""The one way in which the Python tools report bad input: one line on stderr, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable


class InputError(ValueError):
    """Input that a tool cannot work with; the message names it."""


def run(tool: str, main: Callable[[], int | None]) -> None:
    """Ends the process with main's exit code (none is 0), or with 2 and the message where the input was bad."""
    try:
        code = main()
    except (InputError, OSError) as error:
        print(f"{tool}: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    sys.exit(code)
