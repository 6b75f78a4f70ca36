#!/bin/sh
# Makes this checkout ready: Debian packages, Node packages, the nodes' root file system, the example workloads. What is there
# already is left alone. Arguments name the steps to take; without any, all are taken.
set -eu
cd "$(dirname "$0")/.."

packages='mmdebstrap debian-archive-keyring ca-certificates iproute2 procps util-linux'

say() { echo "set-up: $*"; }

# $1: what is done; the rest: the command. Tells how long it took.
step() {
  what=$1
  shift
  say "$what ..."
  began=$(date +%s)
  "$@"
  say "$what: $(($(date +%s) - began)) s"
}

missing_packages() {
  # shellcheck disable=SC2086 # a list of words
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null | awk '$2 == "installed" { print $1 }' >"$1"
  for package in $packages; do grep -qx "$package" "$1" || echo "$package"; done
  command -v npm >/dev/null || echo nodejs npm
  command -v go >/dev/null || echo golang-go
}

install_packages() {
  if [ "$(id -u)" != 0 ]; then
    say "these Debian packages are missing, and only root can install them: $*"
    exit 2
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
}

debian() {
  list=$(mktemp)
  wanted=$(missing_packages "$list" | xargs)
  rm -f "$list"
  # shellcheck disable=SC2086
  [ -z "$wanted" ] || step "Debian packages $wanted" install_packages $wanted
}

npm_packages() { npm ci --no-audit --no-fund --loglevel=error; }

# npm ci starts from nothing each time, so it is run only when the lock file has changed since.
npm_step() {
  stamp=node_modules/.installed-from
  lock=$(sha256sum package-lock.json | cut -d' ' -f1)
  [ "$(cat "$stamp" 2>/dev/null || true)" = "$lock" ] && [ -x node_modules/.bin/node ] && return
  step 'Node 24 and the npm packages' npm_packages
  echo "$lock" >"$stamp"
}

# Needs Node 24, which npm has just brought.
prepare() { PATH="$PWD/node_modules/.bin:$PATH" node scripts/prepare.ts; }

for name in "${@:-all}"; do
  case $name in
    npm) debian && npm_step ;;
    all) debian && npm_step && step 'root file system of the nodes, example workloads' prepare ;;
    *)
      echo "usage: scripts/setup.sh [npm|all]" >&2
      exit 2
      ;;
  esac
done
