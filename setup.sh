#!/bin/sh
# Makes what the Makefile's targets need, and only what is missing or older than its sources.
#   setup.sh        the virtual environment and the built pages
#   setup.sh dev    ... with the tools of `make check`, PostgreSQL and Redis
#   setup.sh test   ... and all other Debian packages that the tests drive (Chromium, fonts, coturn)
#   setup.sh build  the pages only
set -eu
cd "$(dirname "$0")"
want=${1:-run}
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

debian() { # debian PACKAGE...: installs those that are missing, or says how
  missing=
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing Debian packages:$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null || {
      say "Could not install:$missing. Install them by hand, then run make again."; exit 1; }
  else
    say "These Debian packages are needed:$missing"
    say "Install them with:  sudo apt-get install --no-install-recommends$missing   then run make again."
    exit 1
  fi
}

python=$(command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "Python 3.11 or newer is needed (python3). On Debian 12 or newer:  sudo apt-get install python3 python3-venv"; exit 1
fi

lock=requirements.lock
[ "$want" = dev ] || [ "$want" = test ] && lock=requirements-dev.lock
if [ ! -x .venv/bin/python ]; then
  "$python" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
  say "Making the virtual environment ..."
  "$python" -m venv .venv
fi
stamp=$(cat "$lock" pyproject.toml | cksum)
installed=$(cat .venv/stamp-requirements.lock .venv/stamp-requirements-dev.lock 2>/dev/null || true)
if ! printf '%s' "$installed" | grep -qF "$stamp"; then
  say "Installing Python packages (a few minutes the first time) ..."
  .venv/bin/python -m pip install -q --require-hashes -r "$lock"
  .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
  printf '%s\n' "$stamp" >".venv/stamp-$lock"
fi

if ! .venv/bin/python -c 'import cv2' 2>/dev/null; then debian libgl1 libglib2.0-0; fi

pump() { # beside the pages: each keeps one core busy
  stamp=$(cat rtc/native/*.c rtc/native/*.h requirements-native.lock | cksum)
  [ -f rtc/native/libpump.so ] && [ "$(cat .venv/stamp-native 2>/dev/null || true)" = "$stamp" ] && return
  say "Building the packet pump ..."
  # The compiler is a Python package that is only needed now: a third of a gigabyte that nobody has to keep.
  if .venv/bin/python -m pip install -q --no-deps --require-hashes --target .venv/compiler -r requirements-native.lock &&
    PYTHONPATH=.venv/compiler ZIG_GLOBAL_CACHE_DIR="$PWD/.venv/compiler/cache" ZIG_LOCAL_CACHE_DIR="$PWD/.venv/compiler/cache" \
      .venv/bin/python -m rtc.native.build .venv/bin/python -m ziglang cc; then
    printf '%s' "$stamp" >.venv/stamp-native
  else
    say "The packet pump could not be built. Loupe works without it, with about twice the work per packet."
  fi
  rm -rf .venv/compiler
}
pump &
pumping=$!
case $want in
  dev) debian postgresql redis-server & ;;
  test) debian chromium fonts-noto-cjk coturn postgresql redis-server & ;;
  *) : & ;;
esac
fetching=$!

stamp=$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print | sort | xargs cksum | cksum)
if [ ! -f web/dist/customer.html ] || [ "$(cat web/dist/.stamp 2>/dev/null || true)" != "$stamp" ]; then
  say "Building the pages ..."
  PATH="$PWD/.venv/bin:$PATH"
  export PATH
  wanted=$(cksum <web/package-lock.json)
  if [ "$(cat web/node_modules/.stamp 2>/dev/null || true)" != "$wanted" ]; then
    # Not `npm ci`: it refuses the lock where a registry lacks the builds of some other system. What is locked is checked anyway.
    (cd web && npm install --no-audit --no-fund --loglevel=error >/dev/null)
    printf '%s' "$wanted" >web/node_modules/.stamp
  fi
  (cd web && npm run --silent build >/dev/null)
  printf '%s' "$stamp" >web/dist/.stamp
fi

wait "$pumping"
wait "$fetching"
