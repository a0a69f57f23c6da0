"""What audits read, in one SQLite file: to resume, to judge again, and to see drift.

`store` is what there is to call, `queries` its SQL, `rows` what a row means, and `file` opens and
locks the file.
"""

from dbusers.audit.store.rows import Run
from dbusers.audit.store.store import Store

__all__ = ["Run", "Store"]
