"""From image files to pictures, in guarded processes: decoders are slow, and files hostile.

`reading` is what happens to one file, `hashing` to the pictures of a dataset, `files`
to files on disk. All of it runs in `registry.guard`'s one process pool.
"""
