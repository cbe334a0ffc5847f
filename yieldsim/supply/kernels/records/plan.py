"""Plans of a quarter: what the steps follow, and the working numbers of the planner."""

from __future__ import annotations

from typing import NamedTuple

from yieldsim.kernels.jit_tables import by_address
from yieldsim.supply.kernels.records.tables import Floats, Ints

PERIODS = 3  # of a plan: the quarter, until the wafers of the next one are out, two years more
AI_ENTRY, PHONE_ENTRY = 1, 2  # roles of an allocation entry
BY_COMPUTE, BY_BANDWIDTH, BY_CHIPS = range(3)  # what a package is worth
ROWS, COLUMNS, ELEMENTS = range(3)  # places in the size of a program


@by_address
class Planning(NamedTuple):
    """Who takes part in plans, the same in all realizations."""

    product: Ints  # I, 1 where its packages are planned
    tier: Ints  # I, number of its tier from 0
    takes: Ints  # I B, 1 where it can take dies of the bin
    own_row: Ints  # I, 1 where other products take dies of more bins of its design
    own: Ints  # products of which `own_row` is 1
    die: Ints  # D, 1 for a design of planned products
    counted: Ints  # D B, 1 where a planned product can take dies of the bin
    entry: Ints  # M, role
    dies_each: Floats  # I D, dies of a design in a package; 0 in packages that are not planned


@by_address
class Program(NamedTuple):
    """A linear program: its elements by column and by row, and the basis of its solution.

    A variable is a column, or from the number of columns on the slack of a row.
    """

    size: Ints  # rows, columns, elements
    limit: Floats  # of each row; after pivots the value of the row's variable
    gain: Floats  # of each column; after pivots what a unit of it adds
    column_end: Ints  # of the elements of the columns before each, from 0 on
    element_row: Ints
    element: Floats
    row_end: Ints  # of the elements of each row
    row_column: Ints
    row_element: Floats
    scale: Floats  # by which the gains of columns are compared
    weight: Floats  # the same, 0 in the basis
    basic: Ints  # variable of each row
    home: Ints  # row of each slack in the basis
    place: Ints  # of the kept column of each slack, -1 in the basis
    slack: Ints  # of each kept column
    slack_gain: Floats
    inverse: Floats  # kept columns, one after the other
    entering: Floats  # column of the variable that enters
    touched: Ints  # its rows that are not zero
    crossed: Ints  # kept columns that are not zero in the row of the pivot
    part: Floats  # their elements
    taken: Floats  # row of the pivot, 0 once gains are up to date


@by_address
class Plan(NamedTuple):
    """The plan of the quarter by lane, and working numbers of the lane that is planned.

    Q is a period of the plan. Dates and times are in quarters, amounts by quarter or period.
    """

    entry: Floats  # M k, part of the AI wafers; of a phone design beside `kept`; -1: as shares
    kept: Floats  # M k, part of its share that a phone design keeps where its entry is not -1
    packages: Floats  # I rank k, packages per step with stacks of that rank; inf: any
    edge: Floats  # Q+1 k, start of each period and the end of the last
    lead: Floats  # k, time that is announced
    cycle: Floats  # N k, time that a wafer takes in the line
    started_part: Floats  # N k, part of the planned wafers that the line starts
    wafers: Floats  # Q N, AI wafers whose dies come out in a period
    wafers_now: Floats  # N, AI wafers started in the quarter
    tried: Floats  # M B k, tested dies on a wafer of an entry started now
    tested: Floats  # M B, the same of the lane planned, 0 without a share
    counted: Floats  # M, of these the dies in bins that a planned product can take
    share: Floats  # M, of the entries of a route at the step read last
    open_in: Ints  # Q M, 1 where an entry may have wafers whose dies come out in a period
    open_now: Ints  # M
    arriving: Floats  # Q D B k, dies that arrive in a period under any plan, the first with stock
    leaving: Floats  # k, kept wafers of a cohort that leave in a period
    tested_dies: Floats  # k, of these the dies of a design that pass the test
    dies: Floats  # Q D B, those that arrive in the lane planned
    stacks: Floats  # Q H, stacks that may be used up to the end of a period
    capacity: Floats  # Q L
    wanted: Floats  # Q I, most packages by demand; 0 out of production
    value: Floats  # I, of a package
    bins: Floats  # D B, dies of a design by bin, from which a package is valued
    later: Floats  # Q, worth of a package beside one of the first period
    dies_from: Ints  # D, first period in which there are or may be dies
    packages_from: Ints  # I, first period in which there are or may be all dies of a package
    pool_dies: Floats  # H, most dies that a stack takes
    package_column: Ints  # Q I rank, -1: none
    wafer_column: Ints  # Q M
    market_row: Ints  # Q I, -1: none
    line_row: Ints  # Q L
    stack_row: Ints  # Q H
    die_row: Ints  # Q D
    own_row: Ints  # Q I
    wafer_row: Ints  # Q N
    ahead_row: Ints  # D
    program: Program
    chosen: Floats  # value of each column
