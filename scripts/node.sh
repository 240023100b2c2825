# Sourced by ./repronim, ./demo, ./test and .ci/run: finds or fetches a Node that can run repronim ($node), and installs
# what is asked for. Talks on stderr only, never asks a question, and leaves the environment as it is: what is traced
# must not see our Node. Needs: $here, the checkout.

# npm on a new Node warns of itself
NPM='env NODE_NO_WARNINGS=1 npm_config_update_notifier=false npm'

say() { printf 'repronim: %s\n' "$*" >&2; }
die() { say "$*"; exit 4; }

# Node runs our TypeScript from 24.15 on; see "engines" in package.json.
node_is_new() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 24 || (a === 24 && b >= 15) ? 0 : 1)' \
    >/dev/null 2>&1
}

use_node() {
  if [ -n "${REPRONIM_NODE:-}" ] && node_is_new "$REPRONIM_NODE"; then
    node=$REPRONIM_NODE; return
  fi
  version=24.21.0
  arch=$(uname -m)
  case $arch in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; esac
  home=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/repronim/node-$version-$arch
  # what was fetched was tried then
  if [ -x "$home/bin/node" ]; then node=$home/bin/node; return; fi
  node=$(command -v node || true)
  if [ -n "$node" ] && node_is_new "$node"; then return; fi
  case $arch in
    x64 | arm64) ;;
    *) die "needs Node 24.15 or newer, and none can be fetched for $arch: install it, and set REPRONIM_NODE" ;;
  esac
  command -v npm >/dev/null 2>&1 || die "needs Node 24.15 or newer, or npm to fetch it: apt-get install npm"
  say "fetching Node $version, once"
  part=$home.part.$$
  rm -rf "$part"; mkdir -p "$part"
  cp "$here/scripts/node/package.json" "$here/scripts/node/package-lock.json" "$part/"
  # no install scripts; the lock carries the integrity of each package
  if ! (cd "$part" && $NPM ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null); then
    rm -rf "$part"; die "could not fetch Node $version with npm; install Node 24.15 or newer, or set REPRONIM_NODE"
  fi
  node_is_new "$part/node_modules/node-linux-$arch/bin/node" || die "the Node that was fetched does not run here: $part"
  rm -rf "$home"; mv "$part/node_modules/node-linux-$arch" "$home"; rm -rf "$part"
  node=$home/bin/node
}

# use_dependencies runtime|all: node_modules as package-lock.json says. Runtime: no compiler, no test tools.
use_dependencies() {
  stamp=$here/node_modules/.repronim-$1
  if [ -e "$stamp" ] && cmp -s "$stamp" "$here/package-lock.json"; then return; fi
  if [ "$1" = runtime ] && [ -e "$here/node_modules/.repronim-all" ] &&
    cmp -s "$here/node_modules/.repronim-all" "$here/package-lock.json"; then return; fi
  command -v npm >/dev/null 2>&1 || die "needs npm to install its dependencies: apt-get install npm"
  say "installing dependencies ($1), once"
  # two first starts at once take turns; a lock that a killed one left is taken over
  tries=0
  while ! mkdir "$here/.npm-lock" 2>/dev/null; do
    tries=$((tries + 1)); [ "$tries" -lt 120 ] || break
    sleep 1
  done
  trap 'rmdir "$here/.npm-lock" 2>/dev/null' EXIT
  if [ "$1" = all ]; then
    (cd "$here" && PATH=$(dirname -- "$node"):$PATH $NPM ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
  else
    (cd "$here" && PATH=$(dirname -- "$node"):$PATH $NPM ci --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
  fi || die "npm could not install the dependencies: cd $here && npm ci"
  cp "$here/package-lock.json" "$stamp"
  rmdir "$here/.npm-lock" 2>/dev/null; trap - EXIT
}

# need_packages NAME…: Debian packages, installed where that is allowed, else the line to type.
need_packages() {
  missing=
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ]; then as_root=
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root='sudo -n'
  else die "needs Debian packages; type: sudo apt-get install --no-install-recommends$missing"; fi
  command -v apt-get >/dev/null 2>&1 || die "needs Debian packages, and this is no Debian:$missing"
  say "installing Debian packages:$missing"
  # no daemon is started by what is installed here
  apt="$as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -qq -o DPkg::Lock::Timeout=300"
  $apt install -y --no-install-recommends $missing >/dev/null 2>&1 ||
    { $apt update >&2 && $apt install -y --no-install-recommends $missing >/dev/null; } ||
    die "apt-get could not install them; type: apt-get update && apt-get install --no-install-recommends$missing"
}
