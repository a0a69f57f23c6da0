"""Speed as ratios: each candidate beside its floor, in the same run, round by round.

`python -m tests.benchmarks` prints the table. These are measurements, not tests: nothing here
passes or fails.
"""
