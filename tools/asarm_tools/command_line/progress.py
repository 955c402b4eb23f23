"""Says on a terminal what a long tool is doing; quiet where nobody watches."""

from __future__ import annotations

import sys


def stage(name: str) -> None:
    """One line on stderr."""
    if sys.stderr.isatty():
        print(f"{name} ...", file=sys.stderr, flush=True)
