"""Reads the reports of .ci/mutation: mutants.py FOLDER GROUP... Prints counts per group, and each mutant that no test notices and
.ci/mutants.json does not explain; exit 1 if there is one, or if a report is missing or empty."""
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNTED = ("Killed", "Survived", "NoCoverage", "Timeout")
UNNOTICED = ("Survived", "NoCoverage")


def key(path, source, mutant):
    """What an explanation names a mutant by: it holds as long as the mutated line stays as it is."""
    line = source.splitlines()[mutant["location"]["start"]["line"] - 1].strip()
    return path[path.rindex("src/"):], mutant["mutatorName"], line, " ".join(mutant["replacement"].split())


def mutants(report):
    for path, file in json.loads(report.read_text("utf-8"))["files"].items():
        for mutant in file["mutants"]:
            if mutant["status"] in COUNTED:
                yield mutant["status"], mutant["location"]["start"]["line"], key(path.replace("\\", "/"), file["source"], mutant)


def main(folder, *groups):
    explained = {(known["file"], known["mutator"], known["line"], known["replacement"]) for known in json.loads((ROOT / ".ci/mutants.json").read_text("utf-8"))}
    failed, met = False, set()
    print("| Group | Killed | Survived | Not covered | Timeout | Total | Unexplained |\n|---|--:|--:|--:|--:|--:|--:|")
    unexplained = []
    for group in groups:
        report = pathlib.Path(folder, group, "reports", "mutation-report.json")
        found = list(mutants(report)) if report.exists() else []
        failed |= not found
        counts = collections.Counter(status for status, _, _ in found)
        unnoticed = [(line, name) for status, line, name in found if status in UNNOTICED]
        met |= {name for _, name in unnoticed}
        new = [(line, name) for line, name in unnoticed if name not in explained]
        unexplained += new
        print(f"| {group} | {' | '.join(str(counts[status]) for status in COUNTED)} | {len(found)} | {len(new)} |")
    for line, (path, mutator, text, replacement) in unexplained:
        print(f"{path}:{line}: {mutator}\n  {text}\n  -> {replacement}")
    if len(groups) == 4:
        for path, _, text, replacement in sorted(explained - met):
            print(f"Explained, but noticed or gone: {path}: {text} -> {replacement}")
    return 1 if failed or unexplained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
