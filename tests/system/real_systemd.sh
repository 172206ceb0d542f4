#!/bin/bash
# Boots a systemd of its own, in namespaces over a throw-away copy of this machine's root.
#
#   real_systemd.sh NAME WORK [SOURCE:TARGET ...]
#
# Root only. The process started becomes unshare(1); its only child is PID 1 of the new machine, and
# killing unshare ends that machine with everything in it. WORK is an empty directory where the new
# root is mounted (seen only inside). Each SOURCE is bound read-only at TARGET. Nothing is written
# outside the namespaces but one cgroup, cospaced-rig-NAME, which the caller removes afterwards; all
# that is written inside can be seen at /run/written.
# Needs: overlayfs, cgroup v2 (beside v1 will do), and the systemd package; nothing from the network.
set -euo pipefail

outside() {
    # systemd takes over the cgroup that its namespace is rooted in: it must be one of its own.
    local unified=/sys/fs/cgroup
    [ -e $unified/cgroup.procs ] && [ -e $unified/cgroup.controllers ] || unified+=/unified
    mkdir "$unified/cospaced-rig-$1"
    echo $$ >"$unified/cospaced-rig-$1/cgroup.procs"
    exec unshare --fork --kill-child --pid --mount --cgroup --uts --ipc --net \
        --propagation private -- bash "$0" --inside "$@"
}

inside() {
    local name=$1 root=$2/root
    shift 2
    hostname "$name"
    ip link set lo up
    lay_root "${root%/root}" "$root"
    mount_kernel "$root"
    local pair
    for pair in "$@"; do
        mkdir -p "$root${pair#*:}"
        mount --bind "${pair%%:*}" "$root${pair#*:}"
        mount -o remount,bind,ro "$root${pair#*:}"
    done
    slim "$root"
    cd "$root"
    mkdir -p .before
    pivot_root . .before
    umount -l /.before
    # PID 1 does this itself on metal; without it the credentials of a unit cannot be mounted.
    mount --make-rshared /
    # Nothing in here may touch the kernel that it shares with the machine outside.
    exec env -i container=rig PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-sys_boot,-mac_admin,-mac_override \
        /lib/systemd/systemd --unit=rig.target --log-target=journal --show-status=0
}

lay_root() {
    # The upper layer is in memory: an overlay's layers must not lie on one another's file system.
    mount -t tmpfs -o mode=755,size=1g rig "$1"
    mkdir "$1/upper" "$1/scratch" "$2"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/scratch" "$2"
}

mount_kernel() {
    local root=$1 device
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=755 run "$root/run"
    mkdir "$root/run/written"
    mount --bind "${root%/root}/upper" "$root/run/written"
    mount -o remount,bind,ro "$root/run/written"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
}

slim() {
    # Only journald is started: what a distribution wants at boot (udev, mounts, timers, logins)
    # would reach for the kernel outside. The links are removed from the throw-away root.
    local root=$1
    rm -rf "$root"/{usr/lib,etc}/systemd/system/*.{wants,requires}
    rm -f "$root/.dockerenv"
    : >"$root/etc/machine-id"
    mkdir -p "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system"
    cat >"$root/etc/systemd/journald.conf.d/rig.conf" <<-END
	[Journal]
	Storage=volatile
	ReadKMsg=no
	Audit=no
	RateLimitIntervalSec=0
	END
    ln -s /dev/null "$root/etc/systemd/system/systemd-journald-audit.socket"
    cat >"$root/etc/systemd/system/rig.target" <<-END
	[Unit]
	Description=All that the rig needs
	DefaultDependencies=no
	AllowIsolate=yes
	Requires=systemd-journald.socket systemd-journald.service
	After=systemd-journald.service
	END
}

if [ "$1" = --inside ]; then
    shift
    inside "$@"
else
    outside "$@"
fi
