"""Files and folders that appear whole or not at all, also where the process is stopped by a signal."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator

from asarm_tools.command_line.failure import undisturbed

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[str]:
    """A path to write to, which takes the place of the given one once the block is done, and goes where it fails."""
    part = path + ".part"
    try:
        yield part
        os.replace(part, path)
    except BaseException as error:
        _name(error, path)
        with contextlib.suppress(OSError):
            os.remove(part)
        raise


@contextlib.contextmanager
def whole_folder(path: str) -> Iterator[str]:
    """A folder to write into, which takes the place of a missing or earlier one once the block is done, and goes where it fails."""
    path = os.path.realpath(path)  # a link to a folder stays a link
    building = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(building)
        yield building
        _replace(building, path)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _name(error: BaseException, path: str) -> None:
    """A disk that is full names no file of itself."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
        error.filename = path


def _replace(building: str, output: str) -> None:
    """Moves a finished folder to its place; an earlier one goes only once the new one stands."""
    retired = building + ".old.part"
    with undisturbed():
        try:
            if os.path.isdir(output):
                os.rename(output, retired)
            os.rename(building, output)
        except BaseException:
            if os.path.isdir(retired) and not os.path.exists(output):
                os.rename(retired, output)
            raise
        shutil.rmtree(retired, ignore_errors=True)
