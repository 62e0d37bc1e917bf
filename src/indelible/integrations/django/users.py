"""From the project's users to who acts and who may look."""

from typing import Any

from indelible.event import Actor


def actor_of(user: Any) -> Actor | None:
    """None for a visitor who has not signed in: nothing is ever attributed to them. Nor to an account without a key."""
    if user is None or not getattr(user, "is_authenticated", False) or user.pk is None:
        return None
    named = user.get_full_name() if hasattr(user, "get_full_name") else ""
    email = getattr(user, user.get_email_field_name(), None) if hasattr(user, "get_email_field_name") else None
    return Actor(type="user", id=str(user.pk), name=named or user.get_username(), email=email or None)


def gone(user: Any) -> bool:
    """Whether it was deleted since it signed in: Django takes the key of what it deletes."""
    return bool(getattr(user, "is_authenticated", False)) and getattr(user, "pk", user) is None
