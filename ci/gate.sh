#!/usr/bin/env bash
# What both CI templates run: benchmarks under their gates, a report, and a table against the baseline for people.
#
#   BENCHMARKS   what pytest runs
#   ARGUMENTS    further arguments of pytest
#   BASELINE     run directory or lock file to compare with, or nothing
set -uo pipefail
read -r -a arguments <<<"${ARGUMENTS:-}"
pytest "${BENCHMARKS:-benchmarks}" "${arguments[@]}" --audiobench-exit-kinds --audiobench-html= --junitxml=audiobench.xml
status=$?
if [ -n "${BASELINE:-}" ] && [ -d .audiobench/runs/latest ]; then
    audiobench compare "$BASELINE" .audiobench/runs/latest --markdown | tee -a "${GITHUB_STEP_SUMMARY:-audiobench.md}" || true
fi
[ -z "${GITHUB_OUTPUT:-}" ] || echo "status=$status" >>"$GITHUB_OUTPUT"
exit "$status"
