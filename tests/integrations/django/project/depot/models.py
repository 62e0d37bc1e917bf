"""A depot whose tables have a history of migrations."""

from django.db import models


class Crate(models.Model):
    label = models.CharField(max_length=50)
    weight = models.IntegerField(default=0)


class Shelf(models.Model):
    label = models.CharField(max_length=50)
