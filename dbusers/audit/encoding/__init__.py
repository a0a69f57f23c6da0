"""What was read, as JSON and back: `records` one by one, `lines` a whole run as JSON Lines.

`values` takes what JSON holds for what it should be.
"""
