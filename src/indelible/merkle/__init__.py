"""The tree and its signed heads: pure functions of bytes and integers. No files, no clock, no log."""
