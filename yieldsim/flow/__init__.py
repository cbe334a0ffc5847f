"""An event simulator of re-entrant lines: lots, tools and queues, one event after another.

It reads a folder of the SMT2020 tab-text format (`read_dataset`), makes arrays of it
(`compile_line`), runs replications (`replicate`: compiled, without the interpreter's lock, so that
threads run beside one another) and averages them (`summarize`).

The rules, after D. Kopp, M. Hassoun, A. Kalir, L. Mönch, "SMT2020 - A Semiconductor Manufacturing
Testbed", IEEE Transactions on Semiconductor Manufacturing 33 (2020) 522-531,
doi:10.1109/TSM.2020.3001933, and where that is silent, as said here:

- *Release*: lots start by their order's interval at the first step of their part's route.
- *Sampling*: a lot does a step with the probability of StepPercent, else goes on at once.
- *Transport*: between two steps done, by fromto.txt for the places of their groups; else none.
- *Queue*: one a tool group. A tool takes the lot of highest priority (rank_HP: hot lots first);
  then of least setup time by setup.txt (rank_RSETUP, setup avoidance; times that a route gives do
  not count); then who came first (rank_FIFO) or has the least critical ratio (rank_CR: time to the
  due date over expected work left).
- *Tool*: a lot that comes when several tools are ready takes the one that has been ready longest
  (the fastest first, where speeds differ), or with wake_LeastSetupTime the one whose setup takes
  least.
- *A job*: setup, loading, work, unloading. Work is drawn once a lot (or batch): PTIME, times the
  pieces for per_piece.
- *Cascading* (STNCAP 2, PartInterval or BatchInterval): a tool holds two jobs. Setup and loading of
  the second go on beside the first; its first unit enters one interval after the first job's last
  unit did. A lot's work is then PTIME and an interval for each further piece.
- *Batches* (BATCHMN, BATCHMX in pieces): lots at the same step of the same route start together
  once there are enough, filled up to the most in the queue's order. Nobody waits for more.
- *Setup* (SETUP; WHEN need or always): STIME of the route, else setup.txt, an empty CURSETUP
  standing for any. Steps without SETUP leave the tool as it is. *Least runs* (rule_LSSU, MINRUN):
  after a change a tool takes no lot of another setup, hot or not, before it has started MINRUN
  jobs; without a fitting lot it waits.
- *Lenses* (SVESTN, FORSTEP): the later step must use the very tool that did the earlier one.
- *Rework* (REWORK percent, RWKSTEP): after a step the lot goes back, and does all again from there
  on.
- *Queue-time limits* (STEP_CQT, CQT: from the end of a step to the start of a later one) are
  counted as met or missed. They do not steer, as in the published runs.
- *Failures* strike busy or idle tools, by exponential (or other) times from repair to failure. A
  job is held up for the repair and then goes on; or, with ``migrate``, the lot goes to the front of
  the queue and any tool does the work left.
- *Maintenance* by date (from start to start) or after pieces starts when the tool is empty; until
  then it takes no further lot. The first one comes at FOA times k/n for the k-th of n tools, so
  that a group does not stop as one. A failure during maintenance is repaired at once and the
  maintenance goes on after it, so that the share of repairs is MTTR / (MTTF + MTTR) whatever a tool
  does; with exponential times availability has it at that expectation (`yieldsim.flow.results`).
  Pieces beyond a maintenance count towards the next one.
- *Changes on dates* (not in the format; of lines made in Python): an order's releases follow the
  rates of its periods. A lot that is due while the pieces in the line of its limit of WIP leave no
  room for it is lost, and not caught up. A tool that is taken out of the line finishes its jobs,
  neither fails nor is maintained while it is away, and sets lots free that a lens binds to it.
- HOTLOT reservations of tools are not modelled (the published data set has none).

Every draw is Philox4x32-10 of (draw, entity, stream, replication) under the seed: a lot's luck
depends on its order and number alone, a tool's on its clock. Events of one time happen in the order
they were posted. A replication is the same bit by bit whatever the number of threads.
"""

from __future__ import annotations

from yieldsim.flow.compile import DISPATCH, Line, compile_line
from yieldsim.flow.dataset import DataSet
from yieldsim.flow.periods import PeriodCounts, count_periods
from yieldsim.flow.replicate import Outcome, replicate
from yieldsim.flow.results import FlowResult, GroupFigures, LotFigures, summarize
from yieldsim.flow.smt2020.read import read_dataset

__all__ = [
    "DISPATCH",
    "DataSet",
    "FlowResult",
    "GroupFigures",
    "Line",
    "LotFigures",
    "Outcome",
    "PeriodCounts",
    "compile_line",
    "count_periods",
    "read_dataset",
    "replicate",
    "summarize",
]
