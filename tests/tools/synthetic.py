"""A small made-up language with rules that a small network can learn: no text of anybody, the same on every machine."""

import random
from pathlib import Path

from asarm_tools.text.tokenizer import train_tokenizer

NAMES = ("Ana", "Ben", "Cid", "Dora", "Emil", "Frida", "Gustav")
PLACES = ("home", "school", "the sea", "the hill", "the garden", "the market")
THINGS = ("stone", "shell", "stick", "feather", "button")


def document(generator: random.Random) -> str:
    name, place, thing = (generator.choice(words) for words in (NAMES, PLACES, THINGS))
    return f"{name} went to {place}. {name} saw a {thing}. The {thing} was at {place}. {name} took the {thing} from {place}."


def write_texts(folder: Path) -> tuple[Path, Path]:
    """train.txt and valid.txt."""
    for number, (name, count) in enumerate((("train.txt", 300), ("valid.txt", 40))):
        generator = random.Random(number)
        (folder / name).write_text("\n<|endoftext|>\n".join(document(generator) for _ in range(count)))
    return folder / "train.txt", folder / "valid.txt"


def write_tokenizer(folder: Path, vocabulary: int = 64) -> Path:
    """spiece.model of the training text."""
    train_tokenizer([str(write_texts(folder)[0])], str(folder / "spiece.model"), vocabulary)
    return folder / "spiece.model"
