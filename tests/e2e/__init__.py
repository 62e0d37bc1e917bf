"""The whole product, as its users meet it: real processes, real files, a real browser."""
