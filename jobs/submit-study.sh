#!/bin/bash
# The whole study: the sweep, and behind it the job that merges and draws.
#
#   jobs/submit-study.sh
#   SEEDS="1 2 3" MOMENTUM="fresh persistent" jobs/submit-study.sh
#
# Each seed and kind of momentum is an array job of its own, so that they run side by side.
# EPOCHS names the array's elements; CONFIG, STUDY and arguments are those of sweep.sbatch.
# The report is cancelled if an element fails: mend what failed, submit again, and what is
# complete takes seconds.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
: "${SEEDS:=1}" "${MOMENTUM:=fresh}" "${EPOCHS:=5,10,15,20}"

dependency=afterok
for momentum in $MOMENTUM; do
    for seed in $SEEDS; do
        job=$(SEEDS=$seed MOMENTUM=$momentum \
            jobs/submit.sh --parsable --array="$EPOCHS" jobs/sweep.sbatch "$@") || exit
        job=${job%%;*} # without the cluster's name
        echo "sweep, seed $seed, $momentum momentum: job $job"
        dependency+=:$job
    done
done
job=$(jobs/submit.sh --parsable --ntasks=1 --dependency="$dependency" \
    --kill-on-invalid-dep=yes jobs/report.sbatch) || exit
echo "report: job ${job%%;*}"
