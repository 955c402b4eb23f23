#!/usr/bin/env bash
# Runs a command on another Debian's packages: in a root made by debootstrap, which is made once and used again.
#
#     debian-root.sh SUITE "PACKAGE ..." COMMAND [ARGUMENT ...]
#
# The roots are in ${ASARM_ROOTS:-/var/tmp/asarm-roots}/SUITE. COMMAND runs in the repository, which is read-only there as /asarm; what it
# writes under /shared comes to the folder $ASARM_SHARED, and its /tmp is gone afterwards. Mounts are those of this call alone (a mount
# namespace), so none is left however it ends. A root that is there is never removed; packages that it lacks are added.
# Ends with 75, and a line that says why, where the root cannot be made: not root, no apt, no debootstrap, no network.
set -euo pipefail
suite=$1 packages=$2
shift 2
repository=$(cd "$(dirname "$0")/.." && pwd)
roots=${ASARM_ROOTS:-/var/tmp/asarm-roots}
root=$roots/$suite
log=$root.log

impossible() {
    echo "debian-root.sh: no root of Debian $suite: $1" >&2
    exit 75
}

private() { unshare --mount --propagation private -- "$@"; }

inside() { # inside ROOT COMMAND...: with the system's /proc and /dev, for as long as it runs
    private bash -ec 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" env -i "${@}"' \
        "$1" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}" </dev/null
}

has_packages() {
    local found
    [ -x "$root/usr/bin/dpkg-query" ] || return 1
    # shellcheck disable=SC2086 # one argument a package
    found=$(chroot "$root" dpkg-query -W -f '${db:Status-Status}\n' $packages 2>/dev/null) || return 1
    [ "$(grep -cx installed <<<"$found")" = "$(wc -w <<<"$packages")" ]
}

get_debootstrap() {
    command -v debootstrap >/dev/null && return
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap
}

add_packages() { # add_packages ROOT
    inside "$1" apt-get update -qq
    # shellcheck disable=SC2086
    inside "$1" apt-get install -y -qq --no-install-recommends $packages
    inside "$1" apt-get clean
}

make_root() { # the mirror and the settings of acquisition are those that this system's apt has
    local mirror
    get_debootstrap
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    [ -n "$mirror" ]
    rm -rf "$root.part" # of an earlier call that did not come to its end; mounts were its own
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root.part" "$mirror"
    cp /etc/resolv.conf "$root.part/etc/resolv.conf"
    apt-config dump --format '%f "%v";%n' Acquire | grep -v -e IndexTargets -e ' "";$' >"$root.part/etc/apt/apt.conf.d/90host"
    add_packages "$root.part"
    mv -T "$root.part" "$root"
}

provide() {
    has_packages && return
    if [ -e "$root" ]; then
        add_packages "$root"
    else
        make_root
    fi
}

[ "$(id -u)" = 0 ] || impossible "only root can make and enter one"
command -v apt-get >/dev/null || impossible "this system has no apt"
private true 2>/dev/null || impossible "mounts of its own are not allowed here"
mkdir -p "$roots"
exec 9>"$root.lock"
flock 9 # one call at a time makes it
grep -q " $root.part/" /proc/self/mounts && impossible "something is mounted in $root.part"
set +e # in a condition, bash would go on after a failed step
(set -e; provide) >"$log" 2>&1
provided=$?
set -e
[ "$provided" = 0 ] && has_packages || impossible "see $log, which ends with: $(tail -n 1 "$log")"
exec 9>&-

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shared=${ASARM_SHARED:-$scratch/shared}
mkdir -p "$scratch/tmp" "$shared" "$root/asarm" "$root/shared"
chmod 1777 "$scratch/tmp"
private bash -ec '
    root=$0
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$1" "$root/asarm"
    mount -o remount,bind,ro "$root/asarm"
    mount --bind "$2" "$root/shared"
    mount --bind "$3" "$root/tmp"
    shift 3
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 \
        sh -c '"'"'cd /asarm && exec "$@"'"'"' sh "$@"' "$root" "$repository" "$shared" "$scratch/tmp" "$@"
