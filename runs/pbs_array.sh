#!/bin/bash
#PBS -N yieldsim
#PBS -J 0-7
#PBS -l select=1:ncpus=1:mem=2gb
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
# A PBS array that computes a store. Before it: yieldsim init MODEL --out STORE ...
#   array=$(qsub -v STORE=$PWD/store.zarr,TASKS=8 runs/pbs_array.sh)
#   echo "yieldsim finalize $PWD/store.zarr" | qsub -W depend=afterany:$array
# On Torque write `#PBS -t 0-7` for `#PBS -J 0-7`.
set -u
cd "${PBS_O_WORKDIR:-.}" || exit 1
yieldsim=${YIELDSIM:-yieldsim} # such as /data/venv/bin/yieldsim
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR-${TMPDIR:-/tmp}/yieldsim-$(id -u)}"

# qdel and the time limit send SIGTERM to the job: the block under way is finished.
child= stopped=
trap 'stopped=1 woken=1; [ "$child" ] && kill -TERM "$child"' TERM

# PBS runs only jobs again whose node was lost. A task that was killed tries again here, once; one
# that the time limit ended needs the array once more: it skips all blocks that are done.
for try in 1 2; do
    "$yieldsim" work "$STORE" --tasks "$TASKS" --threads "${NCPUS:-1}" & child=$!
    woken=1
    while [ "$woken" ]; do woken=; wait "$child"; code=$?; done # a trap ends the wait early
    if [ "$stopped" ] || { [ "$code" != 75 ] && [ "$code" -lt 128 ]; }; then break; fi
done
exit "$code"
