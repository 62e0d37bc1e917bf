"""`{% audit_url opts object as url %}`: the entries of one object, for a link in any template of the admin."""

from typing import Any

from django import template

from indelible.integrations.django.entities import history_url

register = template.Library()


@register.simple_tag(takes_context=True)
def audit_url(context: dict[str, Any], opts: Any, obj: Any) -> str:
    """Empty for who may not look at the log, and for objects that are not in it."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("indelible.view_entry"):
        return ""
    return history_url(opts, obj.pk) or ""
