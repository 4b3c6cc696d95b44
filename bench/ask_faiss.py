"""All pairs within a radius by FAISS, run by bench/similar_codes.py in the peers' environment.

    python ask_faiss.py ENTRIES.npy QUERIES.npy RADIUS flat|multihash

Prints JSON: CPU seconds to build and to search, the pairs found, the peak memory in MB. The search
is complete: FAISS's own range search, for the multi-index hash with as many flips a chunk as the
radius needs.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

import numpy as np

CHUNKS, CHUNK_BITS = 3, 21


def main() -> None:
    entries, queries, radius, kind = sys.argv[1:]
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    codes, asked = (np.load(path).view(np.uint8).reshape(-1, 8) for path in (entries, queries))
    if kind == "flat":
        index = faiss.IndexBinaryFlat(64)
    else:
        index = faiss.IndexBinaryMultiHash(64, CHUNKS, CHUNK_BITS)
        index.nflip = (int(radius) + 1 - CHUNKS + CHUNKS - 1) // CHUNKS
    started = time.process_time()
    index.add(codes)
    built = time.process_time()
    # The radius of a range search is exclusive.
    limits, _, _ = index.range_search(asked, int(radius) + 1)
    ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = {"build": built - started, "search": ended - built}
    print(json.dumps({**seconds, "pairs": int(limits[-1]), "peak": peak}))


if __name__ == "__main__":
    main()
