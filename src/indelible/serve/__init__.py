"""A log as a service of its own: the API, the audit pages, and all that works beside them, in one process.

Several of these may serve one log on PostgreSQL: each seals, delivers and runs jobs only where no other one does.
"""
