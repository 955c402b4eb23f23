"""The one way in which the Python tools end early: bad input is one line on stderr and exit code 2, a signal leaves nothing half done."""

from __future__ import annotations

import contextlib
import faulthandler
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class InputError(ValueError):
    """Input that a tool cannot work with; the message names it."""


class Stopped(BaseException):
    """A signal that asks the process to end; `finally` blocks run on the way out."""

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


@dataclass
class _Waiting:
    """How many blocks must not be disturbed, and the signal that came meanwhile."""

    depth: int = 0
    signal: int | None = None


_waiting = _Waiting()


def run(tool: str, main: Callable[[], int | None]) -> None:
    """Ends the process with main's exit code (none is 0), with 2 and the message where the input was bad, or with 128 + N after signal N."""
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # a mapped file that is truncated ends the process: say where
    with stopping():
        try:
            code = main()
        except (InputError, OSError) as error:
            print(f"{tool}: {' '.join(str(error).split())}", file=sys.stderr)
            code = 2
        except Stopped as stopped:
            print(f"{tool}: {stopped}", file=sys.stderr)
            code = 128 + stopped.number
    sys.exit(code)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Within, the first signal that asks the process to end raises Stopped; later ones do not disturb the cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        for other in taken:
            signal.signal(other, signal.SIG_IGN)
        if _waiting.depth:
            _waiting.signal = number
        else:
            raise Stopped(number)

    # What the parent told the process to ignore (nohup) stays ignored.
    taken = {number: signal.getsignal(number) for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        for number in taken:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that ask the process to end wait until the block is done, so that two renames are one step. (A signal mask would be one of
    this thread alone: PyTorch's other threads would take the signal.)"""
    _waiting.depth += 1
    try:
        yield
    finally:
        _waiting.depth -= 1
        if not _waiting.depth and _waiting.signal is not None:
            number, _waiting.signal = _waiting.signal, None
            raise Stopped(number)
