"""The tables that most cases write to, and their rows before."""

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, n INTEGER)"
ROWS = ("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, NULL, 3)",)
UNIQUE = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE, n INTEGER)"
THOUSAND = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000)"
