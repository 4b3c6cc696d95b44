"""WARC files: responses with marks as they were read (ISO 28500:2017), for `--warc`."""
