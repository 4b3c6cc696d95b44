"""The only spelling of URLs, hosts and sites, and which addresses are public. Pure.

`hosts` spells a host, `key` and `columns` the key of a URL, `absolute` the
address that is asked for. `networks` tells public addresses from private ones,
`sites` finds the registrable domain, `tracking` the parameters that name no
file, and `same` says how two URLs of one key are equal.
"""
