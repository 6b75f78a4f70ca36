#!/bin/sh
# Makes this checkout ready; what is there already is left alone.
#   scripts/setup.sh node   Node 24, the npm packages, godwit-pages, -runtime and -image: enough to run Godwit. Needs any npm, and Go 1.19 or later
#   scripts/setup.sh npm    the same after Debian packages for tests and labs
#   scripts/setup.sh all    the same, the root file system of labs, and the example workloads (the default)
#   scripts/setup.sh image  as npm, and the Debian package that builds container images
#   scripts/setup.sh kubernetes   the same, and what a cluster in a lab needs: Kubernetes from its Go modules takes minutes
set -eu
cd "$(dirname "$0")/.."

# make puts the checkout's own Node first; whatever npm the machine has belongs to the machine's Node.
PATH=${PATH#"$PWD/node_modules/.bin:"}

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

# An npm that an older Node runs leaves out packages that only need a newer one. So Node 24 runs it, and an npm that knows Node 24.
npm_tools=$PWD/.cache/npm
newer_npm() { npm install --prefix "$npm_tools" --no-audit --no-fund --loglevel=error "$@"; }
use_newer_npm() {
  node_version=$(sed -n 's/^ *"node": "\([0-9.]*\)".*/\1/p' package.json)
  if [ ! -x "$npm_tools/node_modules/.bin/npm" ]; then
    step 'Node 24 and npm, to install with' newer_npm "node@$node_version" npm@11.19.1
  fi
  PATH=$npm_tools/node_modules/.bin:$PATH
}

# `npm ci` begins by removing everything, under the feet of whatever runs from this checkout: only for a fresh one.
root_packages() {
  if [ -d node_modules ]; then how='install --no-save'; else how=ci; fi
  # shellcheck disable=SC2086 # two words
  npm $how --no-audit --no-fund --loglevel=error
}
apps_packages() { cd apps && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; }

# npm takes seconds to find out that nothing has changed, so it is asked only when a lock file has.
npm_packages() {
  stamp=node_modules/.installed-from
  apps_stamp=apps/node_modules/.installed-lock.json # as apps/build.ts has it
  locks=$(cat package.json package-lock.json | sha256sum | cut -d' ' -f1)
  fresh=no
  if [ "$(cat "$stamp" 2>/dev/null || true)" = "$locks" ] && [ -x node_modules/.bin/node ]; then fresh=yes; fi
  if [ $fresh = yes ] && cmp -s apps/package-lock.json "$apps_stamp"; then return; fi
  if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 24 ]; then use_newer_npm; fi
  if [ $fresh = no ]; then
    step 'npm packages' root_packages
    echo "$locks" >"$stamp"
  fi
  if ! cmp -s apps/package-lock.json "$apps_stamp"; then
    (step 'npm packages of the example workloads' apps_packages)
    cp apps/package-lock.json "$apps_stamp"
  fi
}

# Debian 12 has Go 1.19; a newer one is a module like any other.
go_tools=$PWD/.cache/go
newer_go() {
  mkdir -p "$go_tools"
  echo 'module tools' >"$go_tools/go.mod"
  (cd "$go_tools" && GOMODCACHE=$go_tools GOFLAGS=-modcacherw go mod download "$1")
  chmod -R +x "$go_tools/$1/bin" "$go_tools/$1/pkg/tool"
}
use_newer_go() {
  toolchain=golang.org/toolchain@v0.0.1-go1.24.6.linux-$(go env GOARCH)
  if [ ! -x "$go_tools/$toolchain/bin/go" ]; then step 'Go 1.24' newer_go "$toolchain"; fi
  # make looks there first, so that the tests use the same one
  mkdir -p .cache/bin
  ln -sfn "$go_tools/$toolchain/bin/go" .cache/bin/go
}

# Small static programs of the migrator. $1: the folder below migrator, which gives the program its name.
go_program() {
  program=$PWD/.cache/bin/godwit-$1
  if [ -x "$program" ] && [ -z "$(find "migrator/$1" -newer "$program")" ]; then return; fi
  mkdir -p .cache/bin
  step "godwit-$1" build_go_program "$1"
}
build_go_program() {
  (cd "migrator/$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o "$program.new" .)
  mv "$program.new" "$program"
}
go_minor() { go env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/'; }

# Needs Node 24, which npm has just brought.
prepare() { PATH="$PWD/node_modules/.bin:$PWD/.cache/bin:$PATH" node "scripts/$1.ts"; }

for name in "${@:-all}"; do
  case $name in
    node | npm | image | all | kubernetes) ;;
    *)
      echo "usage: scripts/setup.sh [node|npm|image|all|kubernetes]" >&2
      exit 2
      ;;
  esac
  if [ "$name" = image ]; then packages="$packages buildah"; fi
  if [ "$name" != node ]; then debian; fi
  npm_packages
  go_program pages # ends the TLS of page connections
  go_program runtime # the OCI runtime of pods
  go_program image # checkpoints of pods as images
  case $name in node | npm | image) continue ;; esac
  if [ "$(go_minor)" -lt 24 ]; then use_newer_go; fi
  step 'root file system of the nodes, example workloads' prepare prepare
  if [ "$name" = kubernetes ]; then step 'cluster: root file system of its nodes, Kubernetes' prepare prepare-kubernetes; fi
done
