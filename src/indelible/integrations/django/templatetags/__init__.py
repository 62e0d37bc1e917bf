"""Tags for the admin."""
