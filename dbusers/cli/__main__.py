"""`python -m dbusers.cli`: the command, where scripts are not on the path."""

from dbusers.cli import main

main()
