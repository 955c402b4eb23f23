"""Starts the command asarm_tools.evaluation.lengths of this checkout."""

import os
import subprocess
import sys

command = [sys.executable, "-m", "asarm_tools.evaluation.lengths", *sys.argv[1:]]
tools = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
path = os.pathsep.join(filter(None, (tools, os.environ.get("PYTHONPATH"))))
environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}  # the current folder holds no modules of ours
if os.name == "nt":
    sys.exit(subprocess.run(command, env=environment).returncode)
os.execve(sys.executable, command, environment)
