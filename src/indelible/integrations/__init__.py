"""How the actor gets into a transaction, for each way of talking to a database."""
