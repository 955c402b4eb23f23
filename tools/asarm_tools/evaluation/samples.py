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
from dataclasses import dataclass, fields

from asarm_tools.command_line.failure import InputError, run
from asarm_tools.evaluation.asarm_lines import DEFAULT_COMMAND, fill_lines

PROGRAM = "samples.py"
SEEDS, TEMPERATURE = (1, 2, 3), 0.7
LONG, BESIDE = 400, 80  # characters of a prompt, and of the given text that is shown on each side of a long one's gaps
GAP = re.compile(r"<mask(?::\d+)?>")
ABSOLUTE_PATH = re.compile(r"""(?<![^\s=:'"])[/~][^\s=:'"]*""")
MARKDOWN = re.compile(r"([\\`*_\[\]<>#~|&])")


@dataclass(frozen=True)
class SamplesOptions:
    prompts: str = os.path.join("models", "prompts.jsonl")
    output: str = os.path.join("models", "SAMPLES.md")
    asarm: str = DEFAULT_COMMAND
    model: str | None = None


def main() -> None:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.split("\n")[0])
    parser.add_argument("--prompts", default=SamplesOptions.prompts, metavar="FILE")
    parser.add_argument("--output", default=SamplesOptions.output, metavar="FILE")
    parser.add_argument("--asarm", default=SamplesOptions.asarm, metavar="COMMAND")
    parser.add_argument("--model", metavar="DIR", help="model folder (default: that of the command)")
    options = SamplesOptions(**vars(parser.parse_args()))
    prompts = read_prompts(options.prompts)
    command = shlex.split(options.asarm) + ["infill", "--sampler", "assd", "--temperature", str(TEMPERATURE)]
    results = fill(command + (["--model", options.model] if options.model else []), prompts)
    page = write_page(prompts, results, shown_command(options))
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(page)
    print(f"{options.output}: {len(prompts)} prompts, {len(results)} filled texts")


def shown_command(options: SamplesOptions) -> str:
    """The command that makes the page, with what was given; nothing of the machine's folders."""
    words = ["python3", "tools/train/samples.py"]
    for field in fields(options):
        value = getattr(options, field.name)
        if value != field.default:
            words += ["--" + field.name, relative(value)]
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
    return fill_lines(command, [{"text": prompt["text"], "seed": seed} for prompt in prompts for seed in SEEDS])


def write_page(prompts: list[dict], results: list[dict], command: str) -> str:
    first = results[0]
    lines = [
        "# Samples", "",
        f"{len(prompts)} fixed prompts, each filled once with each of the seeds {', '.join(map(str, SEEDS))} by the model "
        f"`{relative(first['model'])}`, sampler `{first['sampler']}`, temperature {TEMPERATURE}.",
        "Not hand-picked: the page holds every result of",
        "", f"    {command}", "",
        f"Gaps are in bold; `<mask:N>` is a gap of N tokens, `<mask>` of one. Of prompts with more than {LONG:,} characters the results "
        "show what stands beside the gaps."]
    for number, prompt in enumerate(prompts):
        lines += ["", f"## {number + 1}. {prompt['kind']}", "", show_prompt(prompt["text"]), ""]
        filled = results[number * len(SEEDS):(number + 1) * len(SEEDS)]
        lines += [f"{seed}. {in_bold(prompt['text'], result)}" for seed, result in zip(SEEDS, filled)]
    return "\n".join(lines) + "\n"


def show_prompt(text: str) -> str:
    """As code; a long one as a quotation, which reads better."""
    if len(text) <= LONG:
        return f"`{text}`"
    gaps = [f"`{found[0]}`" for found in GAP.finditer(text)]
    return "> " + "".join(escape(part) + gap for part, gap in zip(GAP.split(text), [*gaps, ""]))


def in_bold(prompt: str, result: dict) -> str:
    """The filled text in Markdown, or of a long one what stands beside the gaps."""
    given, gaps = GAP.split(prompt), result["gaps"]
    if len(gaps) != len(given) - 1 or given[0] + "".join(gap + part for gap, part in zip(gaps, given[1:])) != result["text"]:
        raise InputError(f"the filled text does not fit its prompt: {result['text']!r}")
    if len(prompt) > LONG:
        given = [beside_gaps(part, number > 0, number < len(gaps)) for number, part in enumerate(given)]
    return escape(given[0]) + "".join(bold(gap) + escape(part) for gap, part in zip(gaps, given[1:]))


def beside_gaps(text: str, after: bool, before: bool) -> str:
    """Whole words of a given text that stands after a gap, before one, or between two."""
    ends = (BESIDE if after else 0) + (BESIDE if before else 0)
    if len(text) <= ends:
        return text
    head = text[:BESIDE + 1].rpartition(" ")[0] if after else ""
    tail = text[-BESIDE - 1:].partition(" ")[2] if before else ""
    return " ".join(part for part in (head, "…", tail) if part)


def bold(gap: str) -> str:
    """A tag: Markdown's stars fail beside punctuation and blanks."""
    return f"<b>{escape(gap)}</b>"


def escape(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text).replace("\n", "<br>")


def start() -> None:
    run(PROGRAM, main)


if __name__ == "__main__":
    start()
