"""Reports of an audit: one `Report`, in as many formats as are asked for.

`model` has the report and its exit code, `outputs` which formats there are and where they go. Each
format is a module of its own with a function `write(report, out)`, and loads on use: `table`,
`markdown` and `html` for people; `jsonl` (the canonical stream), `json` and `csv` for programs;
`sarif`, `ocsf` and `junit` for the tools that take these. They share `coverage` (what was read and
what was not: every format says that first), `groups` (findings by check), `values` (JSON values),
`remedy` and `text` (names that nothing obeys).

    outputs = parse_outputs(["table", "sarif=audit.sarif"])
    save(report, outputs, sys.stdout)
"""

from dbusers.audit.report.model import (
    AccountCoverage,
    DatabaseRow,
    ExitCode,
    NotReadDatabase,
    PastRun,
    Report,
    Tally,
)
from dbusers.audit.report.outputs import (
    FORMATS,
    Output,
    parse_output,
    parse_outputs,
    save,
    write,
)

__all__ = [
    "FORMATS",
    "AccountCoverage",
    "DatabaseRow",
    "ExitCode",
    "NotReadDatabase",
    "Output",
    "PastRun",
    "Report",
    "Tally",
    "parse_output",
    "parse_outputs",
    "save",
    "write",
]
