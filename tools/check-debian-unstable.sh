#!/usr/bin/env bash
# The tools on the newest Python packages that Debian has, in a root of Debian unstable: tests/tools, exports of every precision with
# `asarm verify`, and folders against Hugging Face's transformers. Prints a page in Markdown; 1 where something fails, 75 where the root
# cannot be made.
#
#     check-debian-unstable.sh >perf/results/debian-unstable.md        about ten minutes of one core, and three more the first time
set -uo pipefail
cd "$(dirname "$0")/.."
packages="python3-torch python3-onnx python3-onnxruntime python3-transformers python3-sentencepiece python3-numpy python3-pytest libopenblas0-pthread"

against() { # against NAME MODEL CHECKPOINT [TEXT]: a table
    printf '\n%s\n\n' "$1"
    python3 tools/export/verify.py --against transformers --model "$2" --checkpoint "$3" ${4:+--text "$4"} 2>/tmp/errors && return
    tail -n 3 /tmp/errors
    touch /shared/failed
}

inside() { # in the root: files for the page
    bash .ci/python-checks python3 /shared >/shared/log 2>&1 || touch /shared/failed
    dpkg-query -W -f '| `${Package}` | ${Version} |\n' $packages >/shared/versions
    against '`models/tiny` and `tests/golden/tiny`:' models/tiny tests/golden/tiny
    if python3 tools/export/recover.py --model tests/golden/text --output /tmp/text-checkpoint >&2; then
        # The prompts without their gaps are text for its tokenizer.
        python3 -c 'import json, re
for line in open("models/prompts.jsonl", encoding="utf-8"):
    print(re.sub("<mask[^>]*>", "", json.loads(line)["text"]))' >/tmp/text
        against '`tests/golden/text` and the checkpoint recovered from it; the text is `models/prompts.jsonl` without gaps:' tests/golden/text /tmp/text-checkpoint /tmp/text
    else
        printf '\n`tests/golden/text` could not be recovered\n'
        touch /shared/failed
    fi
    PYTHONPATH=tools python3 tests/tools/library_checkpoint.py /tmp/library >&2 && python3 tools/export/export.py --checkpoint /tmp/library/checkpoint \
        --output /shared/exports/library --maximum-length 64 >&2 || touch /shared/failed
    against 'A checkpoint that transformers saved, exported; the text has the corner cases of `tests/golden/tokenizer`:' \
        /shared/exports/library /tmp/library/checkpoint /tmp/library/text.txt
}

if [ "${1:-}" = --inside ]; then
    inside >/shared/tables 2>/shared/errors
    exit 0
fi

shared=$(mktemp -d)
trap 'rm -rf "$shared"' EXIT
dotnet build src/Cli -c Release -v q -nologo >&2 || exit 1
ASARM_SHARED=$shared bash tools/debian-root.sh sid "$packages" bash tools/check-debian-unstable.sh --inside || exit $?
[ ! -e "$shared/failed" ] || cat "$shared/log" "$shared/errors" >&2

printf '# The tools on Debian unstable\n\nMade by `tools/check-debian-unstable.sh`, on %s. ' "$(date -u +%F)"
printf 'Logits are compared with those of transformers in float64: the row of transformers in float32 shows what rounding alone makes.\n\n'
printf '| package | version |\n| --- | --- |\n%s\n\n' "$(cat "$shared/versions")"
printf '| | |\n| --- | --- |\n| `pytest tests/tools` | %s |\n' "$(grep -E '^[0-9]+ (passed|failed)' "$shared/log" | tail -n 1)"
for folder in "$shared"/exports/*/; do
    result=passed
    dotnet run --no-build -c Release --project src/Cli -- verify --model "$folder" >"$shared/verified" 2>&1 || result=failed
    [ $result = passed ] || { touch "$shared/failed" && cat "$shared/verified" >&2; }
    printf '| `asarm verify` of the export %s | %s |\n' "$(basename "$folder")" "$result"
done
cat "$shared/tables"
[ ! -e "$shared/failed" ]
