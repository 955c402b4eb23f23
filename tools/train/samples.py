"""Fills every prompt of a file three times with the asarm command and writes a Markdown page; no result is picked or left out.

    samples.py [--prompts models/prompts.jsonl] [--output models/SAMPLES.md] [--asarm COMMAND] [--model DIR]

Run it from the root of the repository. Each prompt is an object {"kind": ..., "text": ...}; the gaps are <mask> and <mask:N>.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from failure import InputError, run  # noqa: E402

SEEDS, TEMPERATURE = (1, 2, 3), 0.7
GAP = re.compile(r"<mask(?::\d+)?>")
ABSOLUTE_PATH = re.compile(r"""(?<![^\s=:'"])[/~][^\s=:'"]*""")
MARKDOWN = re.compile(r"([\\`*_\[\]<>#~|&])")


def main() -> None:
    parser = argparse.ArgumentParser(prog="samples.py", description=__doc__.split("\n")[0])
    parser.add_argument("--prompts", default=os.path.join("models", "prompts.jsonl"), metavar="FILE")
    parser.add_argument("--output", default=os.path.join("models", "SAMPLES.md"), metavar="FILE")
    parser.add_argument("--asarm", default="dotnet run -c Release --project src/Cli --", metavar="COMMAND")
    parser.add_argument("--model", metavar="DIR", help="model folder (default: that of the command)")
    arguments = parser.parse_args()
    prompts = read_prompts(arguments.prompts)
    command = shlex.split(arguments.asarm) + ["infill", "--sampler", "assd", "--temperature", str(TEMPERATURE)]
    results = fill(command + (["--model", arguments.model] if arguments.model else []), prompts)
    page = write_page(prompts, results, shown_command(parser, arguments))
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(page)
    print(f"{arguments.output}: {len(prompts)} prompts, {len(results)} filled texts")


def shown_command(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """The command that makes the page, with what was given; nothing of the machine's folders."""
    words = ["python3", "tools/train/samples.py"]
    for name, value in vars(arguments).items():
        if value != parser.get_default(name):
            words += ["--" + name, relative(value)]
    return shlex.join(words)


def relative(text: str) -> str:
    """Absolute paths relative to the repository, or the last name alone of those outside."""

    def shorten(found: re.Match) -> str:
        path = os.path.relpath(os.path.expanduser(found[0]))
        return os.path.basename(path) if path.startswith("..") else path

    return ABSOLUTE_PATH.sub(shorten, text)


def read_prompts(path: str) -> list[dict]:
    """The prompts of the file; escaped or malformed ones are refused."""
    prompts = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                prompt = json.loads(line)
                suits = GAP.search(prompt["text"]) and not re.search(r"[\\`\n]", prompt["text"]) and isinstance(prompt["kind"], str)
            except (ValueError, TypeError, KeyError):
                suits = False
            if not suits:
                raise InputError(f"{path}: line {number} is no prompt: an object with \"kind\", and \"text\" that has a gap, "
                                 "no backslash, backquote or line break")
            prompts.append(prompt)
    if not prompts:
        raise InputError(f"{path} has no prompt")
    return prompts


def fill(command: list[str], prompts: list[dict]) -> list[dict]:
    """The objects that asarm answers, prompt by prompt and seed by seed."""
    lines = [json.dumps({"text": prompt["text"], "seed": seed}) for prompt in prompts for seed in SEEDS]
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = os.path.join(folder, "prompts.jsonl"), os.path.join(folder, "filled.jsonl")
        with open(asked, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        done = subprocess.run([*command, "--input", asked, "--output", answered], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace")
        if done.returncode:
            raise InputError(f"{shlex.join(command)} ended with code {done.returncode}: {done.stdout.strip()[-400:]}")
        with open(answered, encoding="utf-8") as file:
            results = [json.loads(line) for line in file]
    if [result.get("line") for result in results] != list(range(1, len(lines) + 1)):
        raise InputError(f"{len(results)} filled texts came back, {len(lines)} were asked for, in their order")
    return results


def write_page(prompts: list[dict], results: list[dict], command: str) -> str:
    first = results[0]
    lines = [
        "# Samples", "",
        f"{len(prompts)} fixed prompts, each filled once with each of the seeds {', '.join(map(str, SEEDS))} by the model "
        f"`{relative(first['model'])}`, sampler `{first['sampler']}`, temperature {TEMPERATURE}.",
        "Not hand-picked: the page holds every result of",
        "", f"    {command}", "",
        "Gaps are in bold; `<mask:N>` is a gap of N tokens, `<mask>` of one."]
    for number, prompt in enumerate(prompts):
        lines += ["", f"## {number + 1}. {prompt['kind']}", "", f"`{prompt['text']}`", ""]
        filled = results[number * len(SEEDS):(number + 1) * len(SEEDS)]
        lines += [f"{seed}. {in_bold(prompt['text'], result)}" for seed, result in zip(SEEDS, filled)]
    return "\n".join(lines) + "\n"


def in_bold(prompt: str, result: dict) -> str:
    """The filled text in Markdown. The space before a gap belongs to the gap, as in asarm's own text."""
    parts = GAP.split(prompt)
    given = [part[:-1] if part.endswith(" ") else part for part in parts[:-1]] + parts[-1:]
    gaps = result["gaps"]
    if len(gaps) != len(given) - 1 or given[0] + "".join(gap + part for gap, part in zip(gaps, given[1:])) != result["text"]:
        raise InputError(f"the filled text does not fit its prompt: {result['text']!r}")
    return escape(given[0]) + "".join(bold(gap) + escape(part) for gap, part in zip(gaps, given[1:]))


def bold(gap: str) -> str:
    """A tag: Markdown's stars fail beside punctuation and blanks."""
    return f"<b>{escape(gap)}</b>"


def escape(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text).replace("\n", "<br>")


if __name__ == "__main__":
    run("samples.py", main)
