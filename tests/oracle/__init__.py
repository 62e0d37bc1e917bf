"""Random writes, and a replay of what was recorded: whatever is done to the tables, the log tells what they hold."""
