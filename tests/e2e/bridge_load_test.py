#!/usr/bin/python3
"""Tests of the ledger that judges the fault cycles: it sees what it must see. The last line is "N passed, N failed"."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'support')]
from bridge_load import Figures, Ledger  # noqa: E402
from claims import claim, run  # noqa: E402


def figures_after(arrivals, acknowledged=(1, 2, 3)):
    """Of three messages of QoS 2 on one topic."""
    ledger = Ledger()
    for _ in range(3):
        ledger.issue('out/2/0')
    for number in acknowledged:
        ledger.acknowledge('out/2/0', number)
    for number in arrivals:
        ledger.arrive('out/2/0', number)
    return ledger.figures('out', 2), ledger


@claim('all acknowledged messages in order, once: nothing to complain of')
def _good():
    figures, ledger = figures_after((1, 2, 3))
    assert figures == Figures(3, 3, 3, 0, 0, 0), figures
    assert ledger.owed() == 0 and ledger.backlog('out') == 0


@claim('an acknowledged message that does not arrive is lost, one without acknowledgement is not')
def _lost():
    figures, ledger = figures_after((1, 3))
    assert figures.lost == 1 and ledger.owed() == 1 and ledger.examples('out', 2) == ['out/2/0: [2]'], figures
    figures, ledger = figures_after((1, 3), acknowledged=(1, 3))
    assert figures.lost == 0 and ledger.owed() == 0 and ledger.backlog('out') == 1, figures


@claim('a second arrival is a duplicate and not out of order')
def _duplicate():
    figures, _ = figures_after((1, 2, 1, 3))
    assert (figures.duplicated, figures.out_of_order, figures.lost) == (1, 0, 0), figures


@claim('a first arrival after a larger number is out of order')
def _disorder():
    figures, _ = figures_after((1, 3, 2))
    assert (figures.out_of_order, figures.duplicated, figures.lost) == (1, 0, 0), figures


@claim('directions and QoS are counted apart')
def _apart():
    _, ledger = figures_after((1, 3))
    ledger.issue('in/1/0')
    nothing = Figures(0, 0, 0, 0, 0, 0)
    assert ledger.figures('in', 2) == nothing and ledger.figures('out', 1) == nothing
    assert ledger.figures('in', 1).issued == 1 and ledger.backlog('in') == 1


if __name__ == '__main__':
    sys.exit(run())
