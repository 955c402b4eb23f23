# What .ci/run and .ci/nightly have in common. They source it, and it takes them to the root of the repository.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 PYTHONDONTWRITEBYTECODE=1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
python=${PYTHON:-/usr/bin/python3} # on Debian apt gives this one its packages
broken=() skipped=()

step() { # step NAME COMMAND...: runs a command, remembers its failure, tells how long it took
    local started=$SECONDS
    echo "== $1"
    "${@:2}" || broken+=("$1")
    echo "-- $1: $((SECONDS - started)) s"
}

hostile_folders() { # hostile_folders COUNT: opens damaged model folders; none may crash, hang, take 1 GB or throw what no document tells of
    dotnet run --no-build -c Release --project tests/Hostile -- folders "$1"
}

node_build() { # node_build node|web: the graphs in ONNX Runtime's packages from npm
    local code
    bash .ci/node "$1" >"$results/$1.log" 2>&1
    code=$?
    cat "$results/$1.log"
    [ $code != 75 ] || { skipped+=("onnxruntime-$1 ($(tail -n 1 "$results/$1.log"))") && code=0; }
    return $code
}

gpu_command() { # gpu_command build|publish [OPTION...]: the command for NVIDIA GPUs, apart from the other outputs; fills a text without a GPU
    dotnet "$1" src/Cli -c Release -p:AsArmGpu=true --artifacts-path "$results/gpu" -v quiet "${@:2}" || return 1
    local asarm said
    asarm=$(find "$results/gpu" -name asarm -type f -path "*/${1/build/bin}/*" -perm -u+x | head -n 1)
    "$asarm" infill "The little dog <mask:4> the garden." --seed 1 || return 1
    said=$("$asarm" infill "A <mask> day." --device tensorrt 2>&1) || [[ $said == *" cannot be loaded: it needs "* || $said == *"--allow-tf32"* ]] || { echo "$said" && return 1; }
    rm -rf "$results/gpu"
}
