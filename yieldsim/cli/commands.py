"""The subcommands of ``yieldsim``: where each is defined, and its line in the help."""

from __future__ import annotations

from typing import NamedTuple


class Subcommand(NamedTuple):
    """Where a subcommand is defined (relative to this package), and its line in the help.

    ``less_memory`` completes "out of memory: ", and says how the command can do with less.
    """

    target: str
    help: str
    less_memory: str = "close other programs, or use a machine with more"


COMMANDS = {
    "run": Subcommand(
        ".supply.run:run",
        "Simulate MODEL into an ensemble store, or continue a store.",
        "try a smaller --block-size or fewer --threads",
    ),
    "init": Subcommand(".store.init:init", "Make a store without results, for `yieldsim work`."),
    "work": Subcommand(".store.work:work", "Compute a task's share of the blocks of a store."),
    "finalize": Subcommand(
        ".store.finalize:finalize",
        "Check every block of a store, add its summaries and mark it as complete.",
    ),
    "slurm": Subcommand(
        ".store.slurm:slurm", "Print the script of a Slurm array that computes a store."
    ),
    "status": Subcommand(
        ".store.status:status", "Print how many blocks of a store are stored, missing and damaged."
    ),
    "verify": Subcommand(
        ".store.verify:verify",
        "Check every byte of a store: chunks, coordinates, summaries and metadata.",
    ),
    "extend": Subcommand(
        ".store.extend:extend", "Add realizations or scenarios to a finished store."
    ),
    "merge": Subcommand(
        ".store.merge:merge",
        "Join stores of one model, seed, number of realizations and block size.",
    ),
    "summary": Subcommand(
        ".supply.summary:summary",
        "Print the results of an ensemble with Monte Carlo errors.",
        "try a single --scenario",
    ),
    "compare": Subcommand(
        ".supply.compare:compare",
        "Compare ensembles side by side: usable chips, and differences from the first.",
        "try a single --scenario",
    ),
    "compare-evidence": Subcommand(
        ".evidence.compare_evidence:compare_evidence",
        "Compare an ensemble with published counts and forecasts.",
        "try an ensemble of fewer realizations",
    ),
    "condition": Subcommand(
        ".evidence.condition:condition",
        "Weight the realizations of an ensemble by published figures.",
        "try an ensemble of fewer realizations",
    ),
    "sensitivity": Subcommand(
        ".supply.sensitivity:sensitivity",
        "Print which uncertain inputs drive a figure of an ensemble.",
        "try a single --period",
    ),
    "plot": Subcommand(
        ".supply.plot:plot",
        "Draw an ensemble: by default its fan chart.",
        "try a single --scenario",
    ),
    "report": Subcommand(
        ".supply.report:report",
        "Write an ensemble as one interactive HTML page.",
        "try a single --scenario",
    ),
    "check": Subcommand(
        ".supply.check:check",
        "Validate a model file and all its scenarios.",
        "try a single --scenario",
    ),
    "show": Subcommand(
        ".supply.show:show", "List a model's inputs with sources, grades and defaults."
    ),
    "dies": Subcommand(
        ".wafers.dies:dies",
        "Count the whole dies on a round wafer or a panel, by exact geometry.",
        "try a smaller --diameter or a larger die",
    ),
    "yield": Subcommand(
        ".wafers.yield_:yield_",
        "Print the yield of a die from its area and the defect density D0, or D0 from a yield.",
        "try fewer wafers with --monte-carlo",
    ),
    "wafer": Subcommand(
        ".wafers.wafer:wafer",
        "Simulate wafers defect by defect, and draw them.",
        "try fewer --wafers",
    ),
    "maps": Subcommand(
        ".wafers.maps:maps",
        "Show the yields of wafer maps by lot and wafer, or convert the maps to another format.",
        "try fewer maps",
    ),
    "defects": Subcommand(
        ".wafers.defects:defects",
        "Show the defects of inspections: density, clusters, classes, repeaters.",
        "try fewer files",
    ),
    "capacity": Subcommand(
        ".fab.capacity:capacity",
        "Show the capacity, bottlenecks and cycle times of a fab.",
        "try fewer --realizations or --threads",
    ),
    "flow": Subcommand(
        ".fab.flow:flow",
        "Simulate a re-entrant line event by event (SMT2020 format).",
        "try fewer --days, --replications or --threads",
    ),
    "fit": Subcommand(
        ".wafers.fit:fit",
        "Fit defect density, clustering and signatures to wafer maps.",
        "try fewer maps",
    ),
}
