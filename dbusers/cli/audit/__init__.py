"""`dbusers audit`: reads every user of whole accounts, judges them, and reports.

`group` puts the commands together. `run` is the audit itself; `plan` says beforehand what it takes;
`checks` what is judged; `init` writes a first policy; `runs` has what is done with the runs of a
store: list, compare, merge. Under them, `options` has what they share, `completion` what Tab offers
for it, `inputs` makes accounts, policy and store of it, `reading` reads, with a bar for each token
(`bars`), `delivery` hands over the reports, and `words` has what people are told.
"""
