"""The accounts that are audited.

`configuration` says which there are, `opening` makes them ready; `account` is one of them, with the
`selection` of its databases, the `sources` of its users, and the `metering` of its requests.
"""
