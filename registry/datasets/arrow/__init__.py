"""Arrow IPC files and streams: messages, batches, and files in which rows are kept."""
