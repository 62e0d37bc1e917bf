"""Where each key of a query looks: in dictionaries of names, and in the texts of an entry."""

from indelible.index.texts import FIELD, NAME, NEW, OLD
from indelible.search.query import ANY
from indelible.store.promise import Dimension

NAMES: dict[str, tuple[Dimension, ...]] = {
    ANY: ("action", "entity_type", "actor"),
    "action": ("action",),
    "entity": ("entity_type",),
    "user": ("actor",),
    "org": ("organization",),
    "operation": ("operation",),
    "source": ("source",),
}
KEYS: dict[Dimension, str] = {  # how a term is written that finds a name
    "action": "action", "entity_type": "entity", "actor": "user", "organization": "org", "source": "source",
    "operation": "operation",
}  # fmt: skip
TEXTS: dict[str, tuple[str, ...]] = {
    ANY: (NAME, OLD, NEW), "entity": (NAME,), "field": (FIELD,), "old": (OLD,), "new": (NEW,),
}  # fmt: skip
