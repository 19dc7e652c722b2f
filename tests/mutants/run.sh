#!/usr/bin/env bash
# Shows that the suite fails when a guard is missing. The guards are listed in guards.tsv.
#
#   tests/mutants/run.sh          the seeded guards, as in ./test.sh
#   tests/mutants/run.sh --long   also breaks the guards of the source, one at a time, in a copy (a build each)
set -euo pipefail
cd "$(dirname "$0")/../.."
table=tests/mutants/guards.tsv

result() { printf '%-10s %-58s %s\n' "$1" "$2" "$3"; }

echo "guard      what it ensures                                            without it"
log=$(mktemp)
copy=
trap 'rm -rf "$log" ${copy:+"$copy"}' EXIT
status=0

cargo test --all-features --test it -- mutants >"$log" 2>&1 || status=1
while IFS=$'\t' read -r kind name guard _ _ _ tests; do
    [ "$kind" = seeded ] || continue
    if grep -Eq "^test $tests.* ok" "$log"; then result "$name" "$guard" "caught by $tests"
    else result "$name" "$guard" "NOT CAUGHT by $tests"; status=1; fi
done <"$table"
[ "$status" = 0 ] || tail -n 40 "$log"

if [ "${1:-}" = --long ]; then
    copy=$(mktemp -d)
    git ls-files -z | xargs -0 cp --parents -t "$copy"
    while IFS=$'\t' read -r kind name guard file text replacement tests; do
        [ "$kind" = source ] || continue
        text=$text replacement=$replacement perl -0pi -e 's/\Q$ENV{text}\E/$ENV{replacement}/g' "$copy/$file"
        if cmp -s "$file" "$copy/$file"; then result "$name" "$guard" "NOT FOUND in $file"; status=1; continue; fi
        export CARGO_TARGET_DIR="$PWD/target/mutants"
        if ! (cd "$copy" && cargo test --all-features --test it --no-run) >"$log" 2>&1; then
            result "$name" "$guard" "DOES NOT BUILD"; tail -n 20 "$log"; status=1
        elif (cd "$copy" && cargo test --all-features --test it -- "$tests") >"$log" 2>&1; then
            result "$name" "$guard" "NOT CAUGHT by $tests"; status=1
        else
            result "$name" "$guard" "caught by $(sed -nE 's/^test (\S+) .*FAILED.*/\1/p' "$log" | head -n 1)"
        fi
        cp "$file" "$copy/$file"
        touch "$copy/$file"
    done <"$table"
fi
exit "$status"
