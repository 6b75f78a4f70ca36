#!/bin/sh
# Takes away what `make` has made here: labs that still stand, built things in the machine's cache, installed packages.
set -eu
cd "$(dirname "$0")/.."
cache=${GODWIT_CACHE:-/var/cache/godwit}

if [ -d /run/godwit-lab ] && [ -d node_modules ]; then
  for lab in /run/godwit-lab/*/lab.json; do
    [ -e "$lab" ] || continue
    lab=$(basename "$(dirname "$lab")")
    echo "clean: lab $lab"
    bin/godwit lab down --lab "$lab" >/dev/null
  done
fi
echo "clean: $cache"
rm -rf "$cache"
echo 'clean: node_modules, apps/node_modules, caches, reports'
rm -rf node_modules apps/node_modules .cache .vitest coverage
