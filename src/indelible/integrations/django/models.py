"""What Django needs to know of the log: a model without a table, for a permission and a place in the admin."""

from typing import Any

from django.db import models


class _Nothing(models.Manager):
    """The entries are in the log, not in a table: `dumpdata` and whoever else asks finds none."""

    def get_queryset(self) -> Any:
        return super().get_queryset().none()


class Entry(models.Model):
    """An entry of the log."""

    seq = models.BigIntegerField(primary_key=True)

    objects = _Nothing()

    class Meta:
        managed = False
        default_permissions = ("view",)
        base_manager_name = "objects"
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"Entry {self.seq}"
