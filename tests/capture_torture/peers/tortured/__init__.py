"""A Django app without models: those of a case are made when it runs."""
