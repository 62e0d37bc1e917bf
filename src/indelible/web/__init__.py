"""The audit pages: one door for people, to be mounted in any ASGI application."""

from indelible.web.app import create_app

__all__ = ["create_app"]
