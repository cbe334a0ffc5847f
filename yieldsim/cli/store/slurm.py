"""``yieldsim slurm``: the script of a Slurm array that computes a store."""

from __future__ import annotations

import json

import click

from yieldsim.cli.options import as_json, store_argument

__all__ = ["slurm"]


@click.command()
@store_argument
@click.option("--tasks", type=click.IntRange(1), required=True, help="Tasks of the array.")
@click.option("--at-once", type=click.IntRange(1), help="How many tasks may run at once.")
@click.option(
    "--cpus", type=click.IntRange(1), default=1, show_default=True, help="Cores per task."
)
@click.option("--time", metavar="LIMIT", help="Time limit per task, such as 4:00:00.")
@click.option("--mem", metavar="SIZE", help="Memory per task, such as 2G.")
@click.option("--partition", metavar="NAME", help="Partition.")
@click.option("--account", metavar="NAME", help="Account.")
@click.option(
    "--option",
    "others",
    metavar="OPTION",
    multiple=True,
    help="Another option of sbatch, such as --option=--qos=low; can be repeated.",
)
@click.option("--submit", "submitting", is_flag=True, help="Submit it instead of printing it.")
@as_json
def slurm(
    store: str,
    tasks: int,
    at_once: int | None,
    cpus: int,
    time: str | None,
    mem: str | None,
    partition: str | None,
    account: str | None,
    others: tuple[str, ...],
    submitting: bool,
    as_json: bool,
) -> None:
    """Print the script of a Slurm array that computes a store.

    `yieldsim init` makes the store first. A task that a signal ended (exit code 75), that was
    killed or that reached its time limit is put into the queue again; a job that waits for all
    tasks finalizes the store.
    """
    from yieldsim.execute.slurm import ArrayOptions, array_script, submit, whole_name

    options = ArrayOptions(tasks, at_once, cpus, time, mem, partition, account, others)
    path, name = whole_name(store)
    script = array_script(path, name, options)
    job = submit(script) if submitting else None
    if as_json:
        click.echo(json.dumps({"store": store, "job": job, "script": script}, indent=2))
    elif job is None:
        click.echo(script, nl=False)
    else:
        click.echo(f"{store}: submitted as job {job}, {tasks} tasks")
