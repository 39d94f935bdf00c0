#!/usr/bin/env bash
# Puts the binary at $INTO/bin/squall: `install.sh download` takes it from a release, `install.sh build` builds it.
#
# `download` tells the later steps by $GITHUB_OUTPUT whether it was `found`, and else the `key` of a cache of builds:
# a hash over everything that is built, and the compiler.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"

target() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) return 1 ;;
  esac
}

# On Linux and on macOS.
sha256() {
  if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# Only a tag has a release, and only from another repository is the action named by one.
released() {
  local target name url
  [[ -n "${ACTION_REPOSITORY:-}" && "${ACTION_REF:-}" == v* ]] || return 1
  target="$(target)" || return 1
  name="squall-$target.tar.gz"
  url="${SERVER:-https://github.com}/$ACTION_REPOSITORY/releases/download/$ACTION_REF/$name"
  mkdir -p "$INTO/bin"
  cd "$INTO"
  curl --fail --silent --show-error --location --retry 3 --max-time 120 --remote-name "$url" || return 1
  curl --fail --silent --show-error --location --retry 3 --max-time 60 --remote-name "$url.sha256" || return 1
  # A file that is not what was released ends the job: building in its place would hide it.
  if ! sha256 --check --quiet "$name.sha256"; then
    echo "::error::$url is not the file that its checksum tells" >&2
    exit 1
  fi
  tar -xzf "$name" --strip-components 1 -C bin "squall-$target/squall"
}

key() {
  cd "$root"
  {
    find . \( -path ./target -o -path ./.git -o -path ./reports \) -prune -o -type f -print |
      LC_ALL=C sort | while IFS= read -r file; do sha256 "$file"; done
    RUSTUP_TOOLCHAIN=stable rustc --version
  } | sha256 | cut -c1-32
}

case "${1:-}" in
  download)
    if released; then
      echo "found=true" >> "$GITHUB_OUTPUT"
    else
      echo "no released binary: building from source" >&2
      hash="$(key)"
      { echo "found=false"; echo "key=$hash"; } >> "$GITHUB_OUTPUT"
    fi
    ;;
  build)
    # In Squall's own folder and with a toolchain that is named: the caller's `rust-toolchain.toml` and
    # `.cargo/config.toml` are about the caller's code.
    cd "$root"
    RUSTUP_TOOLCHAIN=stable cargo install --locked --path crates/cli --root "$INTO"
    ;;
  *)
    echo "usage: install.sh download|build" >&2
    exit 2
    ;;
esac
