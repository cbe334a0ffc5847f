"""An event simulator of re-entrant lines: lots, tools and queues, one event after another.

`read_dataset` reads a folder of the SMT2020 tab-text format, `compile_line` makes arrays of it,
`replicate` runs one replication, and `summarize` averages several. Compiled code does not hold the
interpreter's lock, so threads can run replications side by side.

The rules follow D. Kopp, M. Hassoun, A. Kalir, L. Mönch, "SMT2020 - A Semiconductor Manufacturing
Testbed", IEEE Transactions on Semiconductor Manufacturing 33 (2020) 522-531,
doi:10.1109/TSM.2020.3001933. Where the paper is silent, these hold:

- *Release*: an order releases lots at its interval. They start at the first step of their route.
- *Sampling*: a lot does a step with the probability StepPercent. Otherwise it goes on at once.
- *Transport*: fromto.txt gives the time between the locations of two tool groups. It is zero where
  the file has no entry, and before the first step.
- *Queue*: each tool group has one. A free tool takes the lot of highest priority (rank_HP), so hot
  lots go first. Among equals it takes the one with the least setup time in setup.txt (rank_RSETUP);
  times that a route gives do not count here. Among those it takes the lot that came first
  (rank_FIFO), or the one of least critical ratio (rank_CR), which is the time to the due date over
  the expected work left.
- *Choice of tool*: an arriving lot that finds several tools ready takes any of them, of the fastest
  where speeds differ. With wake_LeastSetupTime it takes any of those with the least setup time.
- *Job*: setup, loading, work, unloading. The work time is drawn once per lot or batch. With
  per_piece, PTIME is multiplied by the pieces.
- *Cascading* (STNCAP 2 with PartInterval or BatchInterval): a tool holds two jobs. The first unit
  of the second job enters one interval after the last unit of the first. The tool takes the second
  lot only one loading time before that. So a hot lot does not wait behind a lot that was loaded
  early, and no lot is committed to a tool while another tool may be free earlier. The setup for the
  second job runs during the first job, starting with it at the earliest. The work of a lot is PTIME
  plus one interval for each further piece.
- *Batches* (BATCHMN, BATCHMX in pieces): lots at the same step of the same route start together as
  soon as they reach the minimum. The batch is filled up to the maximum in the order of the queue.
  It does not wait for more lots.
- *Setup* (SETUP, WHEN need or always): the time is STIME of the route, or else stands in setup.txt,
  where an empty CURSETUP means any setup. A step without SETUP leaves the tool's setup as it is.
- *Minimum runs* (rule_LSSU, MINRUN; the workbook calls it the setup avoidance rule): such a tool
  takes lots that need no setup before all others, even hot ones. After a change of setup it must
  start MINRUN jobs before it takes a lot of another setup. Without a fitting lot it waits.
- *Lenses* (SVESTN, FORSTEP): the later step must use the same tool as the earlier one.
- *Rework* (REWORK percent, RWKSTEP): after a step the lot goes back and repeats all steps from
  there.
- *Queue-time limits* (STEP_CQT, CQT) run from the end of one step to the start of a later one. They
  are counted as met or missed and do not affect dispatching, as in the published runs.
- *Failures* strike busy and idle tools. The time to failure runs from the end of a repair; it is
  exponential or of another law. A job in the tool is delayed by the repair and then continues. With
  ``migrate`` the lot goes to the front of the queue instead, and any tool does the work left.
- *Maintenance* is due by date (from start to start) or after a number of pieces. It starts when the
  tool is empty; until then the tool takes no further lot. The first maintenance of the k-th of n
  tools comes at FOA times k/n, so that a group does not stop all at once. Pieces beyond the number
  count towards the next maintenance.
- *Failures during maintenance* are repaired at once, and the maintenance continues after the
  repair. The share of time under repair is therefore MTTR / (MTTF + MTTR) whatever a tool does;
  `yieldsim.flow.results` takes availability at this expectation where times are exponential.

The following are not part of the format. They serve lines that are built in Python:

- *Release rates*: the releases of an order follow the rates of its periods.
- *WIP cap*: a lot that is due while the line has no room for its pieces is lost. It is not made up
  for later.
- *Absent tools*: a tool that leaves the line finishes its jobs. While it is away it neither fails
  nor is maintained, and it frees the lots that a lens binds to it.

HOTLOT reservations of tools are not modelled; the published data set has none.

Each draw is Philox4x32-10 of (draw, entity, stream, replication) under the seed. The draws of a lot
depend only on its order and number, those of a tool on its clocks. Events of equal time happen in
the order in which they were posted. A replication has the same bits for any number of threads.
"""

from __future__ import annotations

from yieldsim.flow.compile import DISPATCH, CompiledLine, compile_line
from yieldsim.flow.dataset import DataSet
from yieldsim.flow.periods import PeriodCounts, count_periods
from yieldsim.flow.replicate import Outcome, replicate
from yieldsim.flow.results import FlowResult, GroupFigures, LotFigures, summarize
from yieldsim.flow.smt2020.read import read_dataset

__all__ = [
    "DISPATCH",
    "CompiledLine",
    "DataSet",
    "FlowResult",
    "GroupFigures",
    "LotFigures",
    "Outcome",
    "PeriodCounts",
    "compile_line",
    "count_periods",
    "read_dataset",
    "replicate",
    "summarize",
]
