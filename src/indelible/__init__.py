"""Indelible: the audit log for admin portals."""

from indelible.audit import Audit
from indelible.capture.context import acting_as, serving, set_actor
from indelible.errors import Error
from indelible.event import Actor, Context, Entity, Entry, Event, Organization
from indelible.log import Log
from indelible.viewer import Page, Viewer

__all__ = [
    "Actor",
    "Audit",
    "Context",
    "Entity",
    "Entry",
    "Error",
    "Event",
    "Log",
    "Organization",
    "Page",
    "Viewer",
    "acting_as",
    "serving",
    "set_actor",
]
__version__ = "0.1.0"
