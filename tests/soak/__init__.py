"""A chaos soak: a hundred thousand calls of both providers, a tenth of the requests spoilt.

`python -m tests.soak` runs it against sandboxes in a process of their own, so that what is measured
here is the SDK's, and ends with a table of figures. It fails if anything in it is not as promised.

`plan` says what is called and what goes wrong; `server` is the other process; `accounts` makes the
calls; `books` keeps what is known of each user, and `audit` compares it with what the server did;
`watch` measures, `leaks` searches for secrets, `report` is the table.
"""
