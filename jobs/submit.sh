#!/bin/bash
# sbatch with the partition, account, time and ranks of jobs/site.sh:
#
#   jobs/submit.sh [option of sbatch]... SCRIPT [argument of the script]...
#
# Your options come behind those of the site and win. Paths are seen from the top folder.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. jobs/site.sh || exit

# value_of LONG SHORT OPTION...: what an option of sbatch is given before the script, or nothing.
value_of() {
    local long=$1 short=$2
    shift 2
    while (($#)) && [[ $1 == -* ]]; do
        case $1 in
        "$long="*) echo "${1#*=}" ;;
        "$long" | "${short:-$long}") echo "${2:-}" ;;
        "${short:-$long=}"[0-9]*) echo "${1#"$short"}" ;;
        esac
        [[ $1 != *=* && ${2:-} =~ ^[0-9]+$ ]] && shift # a number never names a script
        shift
    done
}

# So many nodes with so many tasks each are so many ranks: sbatch would take the number in the
# script, and find no room for it.
ranks=$FEDMPI_RANKS
nodes=$(value_of --nodes -N "$@" | tail -n 1)
per_node=$(value_of --ntasks-per-node "" "$@" | tail -n 1)
if [[ $nodes =~ ^[0-9]+$ && $per_node =~ ^[0-9]+$ ]]; then
    ranks=$((nodes * per_node))
fi

options=(--ntasks="$ranks")
[[ $FEDMPI_PARTITION ]] && options+=(--partition="$FEDMPI_PARTITION")
[[ $FEDMPI_ACCOUNT ]] && options+=(--account="$FEDMPI_ACCOUNT")
[[ $FEDMPI_TIME ]] && options+=(--time="$FEDMPI_TIME")
# shellcheck disable=SC2086 # a list
exec sbatch "${options[@]}" $FEDMPI_SBATCH "$@"
