# shellcheck shell=bash
# The one place that knows your cluster. Every script in jobs/ reads it; none needs editing,
# and neither does this file. Each setting is taken from the first of
#
#   1. the environment:       FEDMPI_RANKS=12 jobs/submit.sh jobs/run.sbatch
#   2. your own file:         ~/.config/fedmpi/site.sh (or the file that FEDMPI_SITE names),
#                             lines such as FEDMPI_PARTITION=short, or any other shell code,
#                             such as `. /etc/profile.d/modules.sh`
#   3. the defaults below.

# What the environment gives stays in force, whatever your own file says.
declare -A fedmpi_given=()
for fedmpi_name in $(compgen -A export FEDMPI_); do
    fedmpi_given[$fedmpi_name]=${!fedmpi_name}
done
: "${FEDMPI_SITE:=${XDG_CONFIG_HOME:-$HOME/.config}/fedmpi/site.sh}"
if [[ -r $FEDMPI_SITE ]]; then
    # shellcheck source=/dev/null
    . "$FEDMPI_SITE"
fi
for fedmpi_name in "${!fedmpi_given[@]}"; do
    printf -v "$fedmpi_name" %s "${fedmpi_given[$fedmpi_name]}"
done
unset fedmpi_given fedmpi_name

# What jobs/submit.sh asks Slurm for. Empty: what the script or the cluster has as default.
: "${FEDMPI_PARTITION:=}" # sinfo lists them
: "${FEDMPI_ACCOUNT:=}"   # sacctmgr show associations user=$USER
: "${FEDMPI_TIME:=}"      # time limit of a job; a longer study is requeued and goes on
: "${FEDMPI_RANKS:=6}"    # MPI ranks of a job: one server, the others train clients
: "${FEDMPI_SBATCH:=}"    # more options of sbatch, such as --qos=normal --constraint=epyc

# What a job needs before it can run.
: "${FEDMPI_MODULES:=}"        # such as gcc openmpi hdf5 openblas, as fedmpi was built with
: "${FEDMPI_LAUNCHER:=mpirun}" # or: srun --mpi=pmix   (srun --mpi=list shows what there is)
: "${FEDMPI_PROGRAM:=./fedmpi}"
: "${FEDMPI_PYTHON:=python3}"  # with what analysis/requirements.txt names, for reports
: "${FEDMPI_OUTPUT:=results}"  # folder for results and checkpoints; needs room for both

# A job that cannot finish a single round in its time must not be requeued for ever.
: "${FEDMPI_MAX_RESTARTS:=50}"
# Nor one whose ranks are killed each time, as where they need more memory than there is.
: "${FEDMPI_MAX_LOSSES:=3}"
