"""Where the log is kept. One promise; each database keeps it in its own way."""
