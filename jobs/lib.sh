# shellcheck shell=bash
# What all job scripts share: they run fedmpi under the launcher of this site and survive
# the time limit. How that works:
#
#   - "#SBATCH --signal=B:USR1@120": 120 seconds before the limit Slurm sends USR1 to the batch
#     shell, and only to it.
#   - The trap below passes it on to mpirun or srun, which pass it on to every rank.
#   - fedmpi writes a checkpoint and exits with 75.
#   - `scontrol requeue` puts this job, or this element of an array, back into the queue.
#   - Its next start finds the checkpoint (--resume) and goes on; without one it begins.
#
# The results are the same bits as those of a run that was never interrupted.

. jobs/site.sh

readonly STOPPED=75 # fedmpi's exit code: stopped on purpose, to be resumed
readonly LOST_CODES='137|205' # a rank that was killed; Open MPI's for a daemon of its own
readonly LOST='ranks or a node are lost'
readonly SECONDS_TO_REPEAT=0.5
# A heterogeneous job (sbatch A : B) has parts, each with its own nodes and ranks.
readonly PARTS=${SLURM_HET_SIZE:-1}

launcher_pid= # of mpirun or srun while it runs
warned=       # the time limit is near
cancelled=    # by scancel, or as Slurm requeues the job itself: stop, but do not come back
caught=       # a signal interrupted `wait`

say() {
    printf '%s %s: %s\n' "$(date +%T)" "${SLURM_JOB_NAME:-fedmpi}" "$*" >&2
}

# Repeated, because a launcher that is still starting its ranks loses the signal.
ask_to_stop() {
    local pid=$launcher_pid
    [[ -z $pid ]] && return
    while kill -USR1 "$pid" 2>/dev/null; do sleep "$SECONDS_TO_REPEAT"; done &
}

on_warning() {
    caught=1 warned=1
    say "warned: the time limit is near"
    ask_to_stop
}

on_cancel() {
    caught=1 cancelled=1
    say "ended by Slurm: cancelled, or a node is lost, and then the job comes back"
    ask_to_stop
}

trap on_warning USR1
trap on_cancel TERM

# Ranks of this job: its allocation says how many.
job_ranks() {
    local ranks=0 part of_part
    if ((PARTS == 1)); then
        echo "${SLURM_NTASKS:-$FEDMPI_RANKS}"
        return
    fi
    for ((part = 0; part < PARTS; part++)); do
        of_part=SLURM_NTASKS_HET_GROUP_$part
        ranks=$((ranks + ${!of_part}))
    done
    echo "$ranks"
}

# launcher_ranks RANKS: the launcher's options for so many. In a job of parts they are all, as only
# srun reaches beyond the first.
launcher_ranks() {
    if ((PARTS == 1)); then
        echo "-n $1"
    else
        echo "--het-group=0-$((PARTS - 1))"
    fi
}

# Back into the queue if that makes sense. Ends the script.
stop_and_requeue() {
    if [[ $cancelled || -z ${SLURM_JOB_ID:-} ]]; then
        say "stopped; submit again to go on from the checkpoint"
    elif ((${SLURM_RESTART_COUNT:-0} >= FEDMPI_MAX_RESTARTS)); then
        say "stopped, and not requeued after $FEDMPI_MAX_RESTARTS restarts (FEDMPI_MAX_RESTARTS)"
    else
        say "stopped; back into the queue"
        trap '' TERM # requeueing ends this script with it
        scontrol requeue "$SLURM_JOB_ID" ||
            say "this site does not let jobs requeue themselves; submit again to go on"
    fi
    exit "$STOPPED"
}

# How often this job has lost ranks: its log says so, which each start adds to.
losses() {
    local log
    log=$(scontrol show job "$SLURM_JOB_ID" | sed -n 's/^ *StdOut=//p')
    grep -cs "$LOST" "$log"
}

# The same for a start that did not stop on purpose: a program that crashes, or needs more memory
# than there is, would do so again, and does not come back for ever. Returns if it stays away.
requeue_lost() {
    [[ -z ${SLURM_JOB_ID:-} || $cancelled ]] && return
    say "$LOST"
    if (($(losses) > FEDMPI_MAX_LOSSES)); then
        say "not requeued after $FEDMPI_MAX_LOSSES such losses (FEDMPI_MAX_LOSSES)"
    else
        stop_and_requeue
    fi
}

# fedmpi_run RANKS ARGUMENT...: run fedmpi to its end, from its checkpoint if there is one.
# Returns its exit code; does not return if it was stopped on purpose.
fedmpi_run() {
    local ranks=$1 code
    shift
    [[ $warned || $cancelled ]] && stop_and_requeue # before this run began
    say "$ranks ranks, start $((${SLURM_RESTART_COUNT:-0} + 1)): $*"
    # shellcheck disable=SC2046,SC2086 # the launcher may have options
    $FEDMPI_LAUNCHER $(launcher_ranks "$ranks") "$FEDMPI_PROGRAM" --resume "$@" &
    launcher_pid=$!
    [[ $warned || $cancelled ]] && ask_to_stop # while it began
    while :; do
        caught=
        wait "$launcher_pid"
        code=$?
        [[ $caught ]] || break # else a trap cut the wait short
    done
    launcher_pid=
    ((code != STOPPED)) ||
        say "fedmpi stopped on purpose: exit code $STOPPED, which ${FEDMPI_LAUNCHER%% *} reports as a failure"
    # Above 128: killed, because the warning came before fedmpi was ready for it.
    if ((code == STOPPED)) || [[ ($warned || $cancelled) && $code -gt 128 ]]; then
        stop_and_requeue
    fi
    [[ $code =~ ^($LOST_CODES)$ ]] && requeue_lost
    ((code == 0)) || say "fedmpi failed with exit code $code"
    return "$code"
}

# Rank counts of a scaling study: a server and 1, 2, 4, 8, ... client ranks, up to the
# allocation. RANKS="2 9 17" asks for others.
scaling_ranks() {
    local most workers
    if ((PARTS > 1)); then
        say "a scaling study needs ranks of one kind: not a heterogeneous job"
        return 2
    fi
    most=$(job_ranks)
    if [[ ${RANKS:-} ]]; then
        echo "$RANKS"
        return
    fi
    for ((workers = 1; workers + 1 < most; workers *= 2)); do
        echo $((workers + 1))
    done
    echo "$most"
}

if ((PARTS > 1)) && [[ $FEDMPI_LAUNCHER != srun* ]]; then
    say "a heterogeneous job needs FEDMPI_LAUNCHER='srun --mpi=pmix': ${FEDMPI_LAUNCHER%% *} has only its first part"
    exit 2
fi
if [[ $FEDMPI_MODULES ]]; then
    # shellcheck disable=SC2086 # a list
    module load $FEDMPI_MODULES || exit
fi
if [[ ${SLURM_CPUS_PER_TASK:-} ]]; then
    export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # srun no longer takes it from sbatch
fi
export SLURM_WAIT=${SLURM_WAIT:-30}   # seconds that srun gives ranks when the first has ended
# Slurm's PMIx lets ranks out of a fence too early where it takes its default way, a tree: others
# then send to ranks that are still in MPI_Init, which crash (about one start in 80 on three nodes).
export SLURM_PMIX_FENCE=${SLURM_PMIX_FENCE:-ring}
export OPENBLAS_NUM_THREADS=1         # a rank is a core
export OMPI_MCA_mpi_yield_when_idle=1 # a rank that waits leaves its core to one that trains
export OMPI_ALLOW_RUN_AS_ROOT=${OMPI_ALLOW_RUN_AS_ROOT:-1} # as everybody in a container is
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM:-1}
# A node that is cut off closes no connection: mpirun asks after a minute without a word, and ends
# the run a minute later (Open MPI's own numbers make it eight).
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-60}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-10}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-6}
if [[ -z ${SLURM_JOB_ID:-} ]]; then # on a laptop: as many ranks as asked for, whatever its cores
    export OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe:-1}
    # Open MPI 5's name for it.
    export PRTE_MCA_rmaps_default_mapping_policy=${PRTE_MCA_rmaps_default_mapping_policy:-:oversubscribe}
fi
# Open MPI 4 has a folder in /tmp that all mpirun of a user on a node share and that the last
# one removes: a job that starts in that moment fails. So jobs that share a node, which are
# those of one node, have a folder each.
if ((${SLURM_JOB_NUM_NODES:-1} == 1 && PARTS == 1)); then
    OMPI_MCA_orte_tmpdir_base=$(mktemp -d -t fedmpi-job-XXXXXX) || exit
    export OMPI_MCA_orte_tmpdir_base
    trap 'rm -rf "$OMPI_MCA_orte_tmpdir_base"' EXIT
fi
