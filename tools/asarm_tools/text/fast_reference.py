"""What Hugging Face's fast XLNet tokenizers make of a text, written from what their library does; record_fast.py holds it against the library.

The ids are those of tokenizer.encode(text, add_special_tokens=False). rules are text_rules of asarm.json with the backend tokenizers.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
import zlib
from pathlib import Path

from sentencepiece.sentencepiece_model_pb2 import ModelProto

SPACE = "\u2581"
TABLES = Path(__file__).resolve().parents[3] / "src" / "Inference" / "Tokenization"
WHITE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
UNKNOWN_PENALTY, COMMA_PENALTY = 10, 100


def table(name: str) -> dict[str, str]:
    """What characters become without marks; decomposition.py writes it."""
    return {entry[0]: entry[1:] for entry in zlib.decompress((TABLES / name).read_bytes()).decode().split("\0") if entry}


class FastTokenizer:
    def __init__(self, model: ModelProto, rules: dict):
        self.rules = rules
        self.pieces = [piece.piece for piece in model.pieces]
        self.ids = {text: identifier for identifier, text in enumerate(self.pieces)}
        commas = rules.get("split_digit_commas", True)
        self.scores = {text: piece.score - (COMMA_PENALTY if commas and len(text) > 1 and text[-1] == "," and text[-2].isdigit() else 0)
                       for text, piece in zip(self.pieces, model.pieces)}
        self.unknown = next(i for i, piece in enumerate(model.pieces) if piece.type == ModelProto.SentencePiece.UNKNOWN)
        self.unknown_score = min(self.scores.values()) - UNKNOWN_PENALTY
        self.longest = max(map(len, self.pieces))
        self.map = _CharacterMap(model.normalizer_spec.precompiled_charsmap) if rules.get("character_map") else None
        self.decompositions = table("decomposition.bin") | table("fast_decomposition.bin")
        tokens = rules["added_tokens"]
        self.added = [{(self.normalize(self.pieces[token["id"]]) if normalized else self.pieces[token["id"]]): token
                       for token in tokens if token.get("normalized", False) == normalized} for normalized in (False, True)]

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for section, token in _cut(text, self.added[0]):
            for part, inner in _cut(self.normalize(section), self.added[1]):
                ids += [i for word in self.words(part) for i in self.segment(word)] + inner
            ids += token
        return ids

    def normalize(self, text: str) -> str:
        text = text.replace("``", '"').replace("''", '"')
        if not self.rules.get("keep_accents"):
            text = "".join(self.decompositions.get(c, unicodedata.normalize("NFKD", c) if "\uac00" <= c <= "\ud7a3" else c) for c in text)
        if self.rules.get("do_lower_case"):
            text = "".join(c.lower() for c in text)
        text = self.map.apply(text) if self.map else text
        return re.sub(" {2,}", " ", text)

    def words(self, text: str) -> list[str]:
        """Each begins with the mark of a space, which parts words wherever it stands."""
        parts = [text.replace(" ", SPACE)] if self.rules.get("split_spaces_only") else re.split(WHITE + "+", text)
        marked = [part if part[0] == SPACE else SPACE + part for part in parts if part]
        return [word for part in marked for word in re.findall(f"{SPACE}[^{SPACE}]*", part)]

    def segment(self, word: str) -> list[int]:
        """The best pieces, the sums in float64; of equal ways the one whose last piece begins first. Adjacent unknown characters are one."""
        best = [(0.0, 0, False)] + [(-math.inf, 0, False)] * len(word)  # score, where its last piece begins, unknown
        for start in range(len(word)):
            ends = [end for end in range(start + 1, min(start + self.longest, len(word)) + 1) if word[start:end] in self.scores]
            for end in ends + ([] if start + 1 in ends else [start + 1]):
                score = self.scores.get(word[start:end], self.unknown_score) + best[start][0]
                if score > best[end][0]:
                    best[end] = (score, start, self.ids.get(word[start:end], self.unknown) == self.unknown)
        parts: list[tuple[str, bool]] = []
        end = len(word)
        while end:
            _, start, unknown = best[end]
            if unknown and parts and parts[-1][1]:
                parts[-1] = (word[start:end] + parts[-1][0], True)
            else:
                parts.append((word[start:end], unknown))
            end = start
        return [self.ids.get(text, self.unknown) for text, _ in reversed(parts)]


def _cut(text: str, added: dict[str, dict]) -> list[tuple[str, list[int]]]:
    """Sections and the token behind each, none behind the last; of tokens that begin at one place the longest."""
    if not added:
        return [(text, [])]
    parts, start = [], 0
    for match in re.finditer("|".join(re.escape(name) for name in sorted(added, key=len, reverse=True)), text):
        token, section = added[match.group()], text[start:match.start()]
        parts.append((re.sub(WHITE + "+$", "", section) if token.get("strip_left") else section, [token["id"]]))
        start = match.end()
        if token.get("strip_right"):
            start += len(text[start:]) - len(re.sub(f"^{WHITE}+", "", text[start:]))
    return parts + [(text[start:], [])]


class _CharacterMap:
    """The library asks for whole clusters of at most five bytes, here a character and what combines with it, and takes the shortest match."""

    def __init__(self, blob: bytes):
        size = struct.unpack_from("<I", blob)[0]
        self.trie = struct.unpack_from(f"<{size // 4}I", blob, 4)
        self.replacements = blob[4 + size:]

    def apply(self, text: str) -> str:
        clusters = re.findall("\r\n|(?s:.)", text)
        joined: list[str] = []
        for cluster in clusters:
            extends = unicodedata.category(cluster[0]) in ("Mn", "Me", "Mc") or cluster == "\u200d"
            if extends and joined and joined[-1] not in ("\r", "\n", "\r\n") and unicodedata.category(joined[-1][0]) != "Cc":
                joined[-1] += cluster
            else:
                joined.append(cluster)
        return "".join(self._cluster(cluster) for cluster in joined)

    def _cluster(self, cluster: str) -> str:
        whole = self._replacement(cluster) if len(cluster.encode()) < 6 else None
        return whole if whole is not None else "".join(c if (mapped := self._replacement(c)) is None else mapped for c in cluster)

    def _replacement(self, text: str) -> str | None:
        node = self._offset(self.trie[0])
        for byte in text.encode():
            node ^= byte
            if node >= len(self.trie) or self.trie[node] & 0x800000FF != byte:
                return None
            unit = self.trie[node]
            node ^= self._offset(unit)
            if unit >> 8 & 1:
                place = self.trie[node] & 0x7FFFFFFF
                return self.replacements[place:self.replacements.index(b"\0", place)].decode()
        return None

    @staticmethod
    def _offset(unit: int) -> int:
        return (unit >> 10) << ((unit & 1 << 9) >> 6)
