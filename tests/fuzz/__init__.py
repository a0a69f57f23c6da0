"""Fuzzing of what servers answer: any status, headers and bytes, read by every call of the SDK.

`python -m tests.fuzz` does so for a minute. `answers` makes the answers, mostly by spoiling
described ones with what is `odd`; `target` has a client read one and says what is wrong; `playing`
is the session that the client is given in place of a network.

It stands on hypothesis, which the tests need anyway: it runs wherever Python does, and shrinks what
it finds to a few bytes. Atheris, the other candidate (3.1), is coverage-guided, but is built for
Linux on x86-64 only, sees nothing of the JSON parser, which is Rust, and shrinks bytes, not
documents.
"""
