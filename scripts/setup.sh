#!/bin/sh
# Makes this checkout ready: Debian packages, Node packages, the nodes' root file system, the example workloads. What is there
# already is left alone. Arguments name the steps to take; without any, all are taken.
set -eu
cd "$(dirname "$0")/.."

packages='mmdebstrap debian-archive-keyring ca-certificates iproute2 procps util-linux'

say() { echo "set-up: $*"; }

# $1: what is done; the rest: the command. Tells how long it took; a failure ends the set-up.
step() {
  what=$1
  shift
  say "$what ..."
  began=$(date +%s)
  "$@" || {
    say "$what: failed after $(($(date +%s) - began)) s, see above" >&2
    exit 1
  }
  say "$what: $(($(date +%s) - began)) s"
}

missing_packages() {
  # shellcheck disable=SC2086 # a list of words
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null | awk '$2 == "installed" { print $1 }' >"$1"
  for package in $packages; do grep -qx "$package" "$1" || echo "$package"; done
  if ! command -v npm >/dev/null; then echo nodejs npm; fi
  if ! command -v go >/dev/null; then echo golang-go; fi
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
  if [ -n "$wanted" ]; then step "Debian packages $wanted" install_packages $wanted; fi
}

root_packages() { npm ci --no-audit --no-fund --loglevel=error; }
apps_packages() { cd apps && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; }

# `npm ci` starts from nothing each time, so it is run only when a lock file has changed.
npm_packages() {
  stamp=node_modules/.installed-from
  locks=$(cat package.json package-lock.json | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$locks" ] || [ ! -x node_modules/.bin/node ]; then
    step 'Node 24 and the npm packages' root_packages
    echo "$locks" >"$stamp"
  fi
  stamp=apps/node_modules/.installed-lock.json # as apps/build.ts has it
  if ! cmp -s apps/package-lock.json "$stamp"; then
    (step 'npm packages of the example workloads' apps_packages)
    cp apps/package-lock.json "$stamp"
  fi
}

# Needs Node 24, which npm has just brought.
prepare() { PATH="$PWD/node_modules/.bin:$PATH" node scripts/prepare.ts; }

for name in "${@:-all}"; do
  case $name in
    npm | all) ;;
    *)
      echo "usage: scripts/setup.sh [npm|all]" >&2
      exit 2
      ;;
  esac
  debian
  npm_packages
  if [ "$name" = all ]; then step 'root file system of the nodes, example workloads' prepare; fi
done
