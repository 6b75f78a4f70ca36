#!/bin/sh
# First process of a node, in fresh namespaces: lays out the node's root, enters it, and ends as its reaper.
# Environment: NAME, DISK (upper, work, root, data), LOWER, CGROUPS (v1 hierarchies, a blank between; empty: v2),
# BINDS (lines "source target"). Prints its process id, as the machine counts, when all is ready.
set -eu
read -r pid rest </proc/self/stat # /proc is still the machine's
root=$DISK/root
echo "$NAME" >/proc/sys/kernel/hostname

mount -t overlay -o "lowerdir=$LOWER,upperdir=$DISK/upper,workdir=$DISK/work" "node-$NAME" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
if [ -n "$CGROUPS" ]; then
  mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
  for controllers in $CGROUPS; do
    folder=$root/sys/fs/cgroup/${controllers#name=}
    mkdir "$folder"
    case $controllers in name=*) options=none,$controllers ;; *) options=$controllers ;; esac
    mount -t cgroup -o "$options" cgroup "$folder"
    case $controllers in *,*) for one in $(echo "$controllers" | tr , ' '); do ln -s "$controllers" "$root/sys/fs/cgroup/$one"; done ;; esac
  done
else
  mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
fi

mount -t tmpfs -o mode=755 dev "$root/dev"
cd /dev
devices=$(ls -d null zero full random urandom tty kmsg fuse net/tun userfaultfd 2>/dev/null || true)
cp -a --parents $devices "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs shm "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs tmp "$root/tmp"
mkdir -p "$root/var/lib/godwit" "$root/usr/local/bin" "$root/opt"
mount --bind "$DISK/data" "$root/var/lib/godwit" # a plain disk: what runs here may stack overlays of its own on it

while read -r source target mode; do
  [ -n "$source" ] || continue
  if [ -d "$source" ]; then mkdir -p "$root$target"; else mkdir -p "$(dirname "$root$target")" && : >>"$root$target"; fi
  mount -o "bind,$mode" "$source" "$root$target"
done <<END
$BINDS
END
ln -sfn /opt/godwit/bin/godwit "$root/usr/local/bin/godwit"

cd "$root/proc/sys/net/ipv4"
echo 1 >ip_forward
echo 1 >ip_nonlocal_bind # a moved address is announced before it is anywhere on this node
for scope in all default; do
  echo 0 >conf/$scope/send_redirects
  echo 0 >conf/$scope/rp_filter
done
echo 1 >conf/default/proxy_arp

cd "$root"
pivot_root . mnt
umount -l /mnt
printf '%s\n' "$pid"
exec env -i catatonit -P </dev/null >/dev/null 2>&1
