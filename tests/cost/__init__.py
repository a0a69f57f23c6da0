"""What the pipeline itself costs, counted rather than timed, beside what it did cost.

`make cost` counts the instructions that the processor executes for a call, under Valgrind's
Callgrind. `tests/test_cost.py` counts the function calls of the package, which any machine can do
with the same result; a longer loop it does not see. Neither depends on what else the machine does.
The counts they are compared with stand in `baseline.json`.
"""
