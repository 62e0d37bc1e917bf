"""The log in a PostgreSQL database: a schema of its own, in the application's database or in another one."""
