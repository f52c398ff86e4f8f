#!/bin/bash
# sbatch with the partition, account, time and ranks of jobs/site.sh:
#
#   jobs/submit.sh [option of sbatch]... SCRIPT [argument of the script]...
#
# Your options come behind those of the site and win. Paths are seen from the top folder.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. jobs/site.sh || exit

options=(--ntasks="$FEDMPI_RANKS")
[[ $FEDMPI_PARTITION ]] && options+=(--partition="$FEDMPI_PARTITION")
[[ $FEDMPI_ACCOUNT ]] && options+=(--account="$FEDMPI_ACCOUNT")
[[ $FEDMPI_TIME ]] && options+=(--time="$FEDMPI_TIME")
# shellcheck disable=SC2086 # a list
exec sbatch "${options[@]}" $FEDMPI_SBATCH "$@"
