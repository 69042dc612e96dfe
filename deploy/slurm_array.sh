#!/bin/bash
# A sweep as a Slurm array: each task runs its part of the plan, a last job merges and judges.
#
#   sbatch --array=1-8 deploy/slurm_array.sh
#   sbatch --dependency=afterany:<array job id> --wrap "deploy/slurm_array.sh judge <array job id>"
#
# Tasks write to RUNS/<array job id>/<task> and share one cache, so that a task that is started again, here by --requeue,
# goes on where it stopped. A part that never finished makes the judging job fail.
#SBATCH --job-name=audiobench
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --requeue
# SIGTERM a minute before the time limit: the run ends in order, with status 75.
#SBATCH --signal=TERM@60
set -euo pipefail

runs="${AUDIOBENCH_RUNS:-$PWD/.audiobench/sweeps}"
cache="${AUDIOBENCH_CACHE:-$PWD/.audiobench/cache}"

if [ "${1:-}" = judge ]; then
    exec audiobench gate "$runs/$2"/* --gates benchmarks/gates.toml --output "$runs/$2.board"
fi

# --part comes from SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT.
status=0
srun pytest benchmarks/asr -m librispeech --model whisper-large-v3 \
    --audiobench-run="$runs/$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID" \
    --audiobench-cache="$cache" || status=$?
if [ "$status" = 75 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit "$status"
