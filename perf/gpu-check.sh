#!/bin/bash
# Checks and measures a machine with an NVIDIA GPU, in at most six minutes, without an SDK:
#
#     bash perf/gpu-check.sh [--device DEVICE] [--law MODEL] [--texts N] [--torch CHECKPOINT] PUBLISHED OUT MODEL...
#
# PUBLISHED  a folder with both programs, published for Linux on a machine with the SDK:
#            for p in src/Cli perf; do dotnet publish $p -c Release -r linux-x64 --self-contained -p:AsArmGpu=true -p:UseAppHost=true -o PUBLISHED; done
# OUT        the folder for gpu.json, gpu.md and the logs of all steps
# MODEL      model folders with golden.safetensors; those with a tokenizer fill texts, too
# --device   cuda unless it is named; cpu tries the script itself
# --law      a model folder with at most 16 tokens, such as tests/golden/micro/onnx: samples against its enumerated distribution
# --texts    the number of texts that are compared with those of the CPU, 200 unless it is named
# --torch    a checkpoint (tools/export/random_checkpoint.py --size base makes one): PyTorch's time on the same GPU; needs python3 with PyTorch
#
# Ends with 0 if every check has passed. The last lines say which have not.
set -u -o pipefail
device=cuda law='' texts=200 checkpoint=''
while [ $# -gt 0 ]; do
    case $1 in
        --device) device=$2; shift 2 ;;
        --law) law=$2; shift 2 ;;
        --texts) texts=$2; shift 2 ;;
        --torch) checkpoint=$2; shift 2 ;;
        --*) echo "gpu-check.sh: unknown option $1" >&2; exit 2 ;;
        *) break ;;
    esac
done
[ $# -ge 3 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
published=$(realpath "$1") out=$2
shift 2
mkdir -p "$out" || exit 2
root=$(dirname "$(dirname "$(realpath "$0")")")
failed=()
deadline=360

# step NAME SECONDS COMMAND...: runs a command, for the time that is left at most; its output goes to OUT/NAME.log and, if it fails, to the screen
step() {
    local name=$1 seconds=$2 start=$SECONDS left=$((deadline - SECONDS))
    shift 2
    [ "$seconds" -lt "$left" ] || seconds=$left
    if [ "$left" -le 2 ]; then
        echo "FAILED  $name: no time left of $deadline s"
        failed+=("$name")
    elif timeout "$seconds" "$@" >"$out/$name.log" 2>&1; then
        echo "passed  $name ($((SECONDS - start)) s)"
    else
        echo "FAILED  $name ($((SECONDS - start)) s):"
        tail -n 20 "$out/$name.log"
        failed+=("$name")
    fi
}

environment() {
    uname -sr
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>&1
    for library in "$published"/libonnxruntime_providers_*.so; do
        [ -e "$library" ] && { echo "$(basename "$library") needs:"; ldd "$library" 2>/dev/null | grep -E 'cu|nv|not found'; }
    done
    "$published/asarm" info --devices
}

torch_times() {
    printf '\n%.0s' {1..40} | PYTHONPATH="$root/tools" python3 -m asarm_tools.evaluation.reference --checkpoint "$checkpoint" --device "${device%%:*}" \
        | sort -n | awk '{ values[NR] = $1 } END { if (NR < 40) exit 1; printf "PyTorch, whole sequence, 5 targets, 512 positions: median %.2f ms, fastest %.2f ms\n", values[20], values[1] }'
}

export -f environment torch_times
export published root checkpoint device
step environment 60 bash -c environment
options=()
[ "$device" = cpu ] || options=(--device "$device")
for model in "$@"; do
    step "verify-$(basename "$model")" 60 "$published/asarm" verify --model "$model" "${options[@]}"
done
step gpu 240 "$published/AsArm.Perf" gpu "$@" --device "$device" ${law:+--law "$law"} --texts "$texts" --json "$out/gpu.json" --report "$out/gpu.md"
for model in "$@"; do
    [ -e "$model/spiece.model" ] && step "bench-$(basename "$model")" 150 "$published/asarm" bench --model "$model" "${options[@]}"
done
[ -z "$checkpoint" ] || step torch 90 bash -c 'set -o pipefail; torch_times'

{
    echo '# Check of a GPU'
    echo
    date -u +%Y-%m-%d
    echo
    sed 's/^/    /' "$out/environment.log"
    echo
    [ -e "$out/gpu.md" ] && cat "$out/gpu.md"
    [ -e "$out/torch.log" ] && { echo; cat "$out/torch.log"; }
    for log in "$out"/verify-*.log "$out"/bench-*.log; do
        [ -e "$log" ] && { echo; echo "## $(basename "$log" .log)"; echo; sed 's/^/    /' "$log"; }
    done
    echo
    echo "Failed: ${failed[*]:-nothing}"
} >"$out/report.md"
cat "$out/report.md" | sed -n '/^Medians\|^| /p' | head -n 60
echo "Report: $out/report.md, figures: $out/gpu.json"
echo "${#failed[@]} failed: ${failed[*]:-none}"
[ ${#failed[@]} -eq 0 ]
