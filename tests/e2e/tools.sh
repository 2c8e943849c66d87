#!/usr/bin/env bash
# What the tests of real editors need beyond pip and npm: tmux, Chromium, npm. Installs it where it may (root on a
# Debian), else says what to install.
set -euo pipefail

missing=()
command -v tmux > /dev/null || missing+=(tmux)
command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null ||
  missing+=(chromium fonts-dejavu-core)
command -v npm > /dev/null || missing+=(nodejs npm)
[ "${#missing[@]}" -eq 0 ] && exit 0

install=(apt-get install --yes --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  "${install[@]}" > /dev/null
else
  echo "The tests of real editors need: ${missing[*]}. On Debian: sudo ${install[*]}" >&2
  echo "Without them: make test-quick" >&2
  exit 1
fi
