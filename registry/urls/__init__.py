"""The normal form of URLs, hosts and sites, and public or private addresses. Pure.

`hosts` normalises a host, `key` and `columns` make URL keys, `absolute` makes the URL
to request. `networks` separates public from private addresses, `sites` finds the
registrable domain, `tracking` the tracking parameters, and `same` describes how two URLs
with one key are equal.
"""
