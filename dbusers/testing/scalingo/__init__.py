"""Scalingo's side of the sandbox: its seeded apps and databases and the three APIs over them."""
