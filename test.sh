#!/usr/bin/env bash
# Runs the whole test suite. On a bare Debian machine it first installs what is missing.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || missing+=(chromium)
[ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
command -v cc >/dev/null || missing+=(build-essential)
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    as_root=; [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -q
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qy --no-install-recommends "${missing[@]}"
fi

# Both steps build with the same features, so that dependencies are compiled once for each.
cargo fmt --all --check
cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings

# Tests wait more than they compute, so more of them run at once than there are cores.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) * 4))}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# --report-time is unstable in the test harness; only the test programs get the switch, not the compiler.
run_tests() {
    set -o pipefail
    cargo test --workspace --all-features --config 'target."cfg(all())".runner = ["env", "RUSTC_BOOTSTRAP=1"]' \
        -- -Z unstable-options --report-time 2>&1 | tee "$log"
}
export log
export -f run_tests
# A test that never ends must not hold up a build. The harness names tests that run for over a minute.
status=0
timeout -k 1m 45m bash -c run_tests &
tests=$!
trap 'kill -TERM "$tests"' INT TERM
wait "$tests" || status=$?

echo
echo "The 30 slowest tests, in seconds:"
sed -nE 's/^test (\S+) \.\.\. (\S+) <([0-9.]+)s>$/\3\t\1/p' "$log" | sort -rn | head -n 30 || true
exit "$status"
