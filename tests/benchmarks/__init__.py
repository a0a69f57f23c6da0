"""Speed as ratios: each client beside its floor, in the same run, round by round.

`python -m tests.benchmarks` (`make bench`) measures all, prints the tables and writes them into
docs/performance.md; `--quick` takes a minute and writes nothing; names of parts measure only those.
These are measurements, not tests: nothing passes or fails, but a run in which a client did not send
exactly what it was asked to ends with an error.

`peers/` has the clients. `server` answers them, in a process of its own (`served`), and `load`
keeps them busy. `rounds` takes the samples; `requests`, `decoding`, `imports`, `chains`, `growth`
and `audit` say of what, each as `rows`. `table`, `plot` and `machine` make the `page` of them.
"""
