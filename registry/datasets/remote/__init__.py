"""Datasets that lie elsewhere: in S3, Google Cloud Storage, the Hugging Face Hub, on web servers.

`paths.py` has the path that formats use like one on disk, `places.py` what is asked of a place,
`objects.py` and `web.py` the places, `ranges.py` a file read by ranges of bytes, `known.py` what
was learned of files, `faults.py` what is tried again and how errors are told, `listing.py` folders
and patterns. The packages for it are the extra `remote`, imported when a place is first used.
"""
