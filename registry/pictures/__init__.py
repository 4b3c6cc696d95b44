"""From image files to pictures, in sandboxed processes: files may be hostile.

`reading` reads one file, `hashing` the pictures of a dataset, `files` files on disk. All
run in the process pool of `registry.sandbox`.
"""
