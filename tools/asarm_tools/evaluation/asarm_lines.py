"""Many texts filled by one run of the asarm command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile

from asarm_tools.command_line.failure import InputError

DEFAULT_COMMAND = "dotnet run -c Release --project src/Cli --"


def fill_lines(command: list[str], requests: list[dict]) -> list[dict]:
    """The objects that `asarm infill ...` answers to these, one for each and in their order."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = os.path.join(folder, "asked.jsonl"), os.path.join(folder, "filled.jsonl")
        with open(asked, "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(request) + "\n" for request in requests))
        done = subprocess.run([*command, "--input", asked, "--output", answered], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace")
        if done.returncode:
            raise InputError(f"{shlex.join(command)} ended with code {done.returncode}: {done.stdout.strip()[-400:]}")
        with open(answered, encoding="utf-8") as file:
            results = [json.loads(line) for line in file]
    if [result.get("line") for result in results] != list(range(1, len(requests) + 1)):
        raise InputError(f"{len(results)} filled texts came back, {len(requests)} were asked for, in their order")
    return results
