"""The database captures: triggers write an outbox row in the transaction that makes the change."""
