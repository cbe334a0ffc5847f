#!/usr/bin/env bash
# slurm_local.sh up|down DIR [PORT]: a Slurm of one node with all of its state in DIR.
# Needs root and the Debian packages slurm-wlm and munge. It uses PORT and the port after it.
set -u
dir=$(realpath -m "$2") host=$(hostname -s) port=${3:-16817}
export SLURM_CONF=$dir/slurm.conf

up() {
    mkdir -p "$dir"/{state,spool,log,run}
    cat >"$SLURM_CONF" <<CONF
ClusterName=ci
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthInfo=socket=$dir/run/munge.sock,cred_expire=6
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MinJobAge=3600
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=4000 State=UNKNOWN
PartitionName=ci Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    [ -s "$dir/munge.key" ] || (umask 077; head -c 1024 /dev/urandom >"$dir/munge.key")
    munged --force --key-file="$dir/munge.key" --socket="$dir/run/munge.sock" \
        --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" \
        --seed-file="$dir/run/munged.seed"
    slurmctld -c && slurmd -c -N "$host"
    for _ in $(seq 300); do
        [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && return 0
        sleep 0.1
    done
    tail -n 20 "$dir"/log/*.log >&2
    return 1
}

down() {
    [ -s "$SLURM_CONF" ] || return 0
    timeout 10 scancel -Q --user="$(id -un)"
    timeout 10 scontrol shutdown
    for name in slurmctld slurmd munged; do
        pid=$(cat "$dir/run/$name.pid" 2>/dev/null) || continue
        [ $name = munged ] && kill -TERM "$pid"
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null
    done
    return 0
}

"$1"
