"""The pages hold: every relative link of every .md file leads to a file, an anchor to a heading, and the commands of the README's
blocks are commands once its first block has been pasted into a shell. Prints what does not hold; exit 1 if anything does not."""
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSED_OVER = {"bin", "obj", ".git", "TestResults", "node_modules"}


def pages():
    return [path for path in sorted(ROOT.rglob("*.md")) if not PASSED_OVER & set(path.relative_to(ROOT).parts)]


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    names = re.findall(r"^#+ +(.+?) *$", re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in names}


def broken_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8"))):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        linked = (page.parent / file).resolve() if file else page
        if not linked.exists():
            yield f"{page.relative_to(ROOT)}: {target} leads nowhere"
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked):
            yield f"{page.relative_to(ROOT)}: {target} names no heading"


def blocks(text):
    return re.findall(r"^```(sh|console)\n(.*?)^```", text, flags=re.M | re.S)


def broken_commands():
    """The first block defines asarm; each later `asarm COMMAND --option` has to be in that command's help."""
    (_, first), *others = blocks((ROOT / "README.md").read_text("utf-8"))
    definition = [line for line in first.splitlines() if line.startswith("asarm()")]
    if len(definition) != 1:
        yield "README.md: the first block does not define asarm"
        return
    lines = first.splitlines() + [line.removeprefix("$ ") for _, block in others for line in block.splitlines()]
    used = {}
    for line in lines:
        if line.startswith("asarm "):
            command, *arguments = shlex.split(line, comments=True)[1:]
            used.setdefault(command, set()).update(word.split("=")[0] for word in arguments if word.startswith("--"))
    if len(used) < 3:
        yield f"README.md: only {sorted(used)} are shown"
    for command, options in used.items():
        shown = subprocess.run(["bash", "-c", f"{definition[0]}\nasarm {command} --help"], cwd=ROOT, capture_output=True, text=True)
        if shown.returncode or "Usage:" not in shown.stdout or f"asarm {command}" not in shown.stdout:
            yield f"README.md: asarm {command} is no command: {(shown.stderr or shown.stdout).strip()[-300:]}"
        known = set(re.findall(r"--[a-z][a-z-]*", shown.stdout))
        yield from (f"README.md: asarm {command} has no {option}" for option in sorted(options - known))


broken = [line for page in pages() for line in broken_links(page)] + list(broken_commands())
print("\n".join(broken) or f"{len(pages())} pages hold")
sys.exit(1 if broken else 0)
