"""The sub-packages of asarm_tools import those before them only."""

import ast
from pathlib import Path

from conftest import ROOT

PACKAGE = ROOT / "tools" / "asarm_tools"
ORDER = ("command_line", "corpora", "text", "network", "gaps", "checkpoints", "ngrams", "draft_head", "quantization", "graphs", "export", "evaluation", "training")


def imported(file: Path) -> set[str]:
    """The sub-packages that a module imports from."""
    names = [node.module for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[1] for name in names if name.startswith("asarm_tools.")}


def test_every_folder_has_its_place():
    assert {path.parent.name for path in PACKAGE.rglob("__init__.py")} == {*ORDER, PACKAGE.name}


def test_sub_packages_import_earlier_ones_only():
    seen = {(folder, other) for folder in ORDER for file in (PACKAGE / folder).glob("*.py") for other in imported(file)}
    assert {(folder, other) for folder, other in seen if ORDER.index(other) > ORDER.index(folder)} == set()


def test_entries_name_commands():
    """The files in tools/export and tools/train differ in the module that they start, which pyproject.toml has as a command."""
    scripts = (ROOT / "tools" / "pyproject.toml").read_text("utf-8")
    entries = [file.read_text("utf-8") for folder in ("export", "train") for file in (ROOT / "tools" / folder).glob("*.py")]
    modules = [text.split('"-m", "')[1].split('"')[0] for text in entries]
    assert len(set(modules)) == len(entries) == scripts.count(':start"') and all(f'"{module}:start"' in scripts for module in modules)
    assert len({text.replace(module, "") for text, module in zip(entries, modules)}) == 1
