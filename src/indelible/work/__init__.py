"""What a running server keeps beside the log, and changes: endpoints, deliveries, jobs.

It is no evidence: the log is. What somebody does to it (an endpoint added, a secret rotated) is an entry, brought to
the log through `announcements`. Beside an SQLite log it is a file of its own, `audit.db.work`; beside one in
PostgreSQL the schema `indelible_work`. The SQL is the same for both (ADR 20).
"""
