"""What capture costs a write: hosts, variants, and the turns they take. The command is `benchmarks/capture.py`."""
