"""Migrations of the Django app: a permission, no table."""
