"""The one way in which the command line tools of this folder report bad input: one line on stderr, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from checkpoint import CheckpointError
from tensor_file import TensorFileError


class ExportError(ValueError):
    """Input that cannot be exported or verified; the message names it."""


def run(tool: str, main: Callable[[], int]) -> None:
    """Ends the process with main's exit code, or with 2 and the message where the input was bad."""
    try:
        code = main()
    except (CheckpointError, ExportError, TensorFileError, OSError) as error:
        print(f"{tool}: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    sys.exit(code)
