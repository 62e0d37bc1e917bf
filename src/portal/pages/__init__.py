"""The pages. Each module lists its routes; each handler is a few lines between a form and a service."""
