"""What a small shop has: a foreign key, two many-to-many fields to one model, a name that another app has too."""

from django.conf import settings
from django.db import models


class Tag(models.Model):
    slug = models.SlugField(primary_key=True)


class Group(models.Model):
    """So has django.contrib.auth."""

    title = models.CharField(max_length=100)


class Product(models.Model):
    name = models.CharField(max_length=100, unique=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    stock = models.IntegerField(default=0)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    tags = models.ManyToManyField(Tag, blank=True)
    makers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="made", blank=True)
    sellers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="sold", blank=True)

    def __str__(self) -> str:
        return str(self.name)


class Bundle(Product):
    size = models.IntegerField(default=2)
