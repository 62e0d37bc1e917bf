"""The portal's tables as Django models. It makes no tables: they are the same for every host."""

from django.db import models


class Organization(models.Model):  # type: ignore[misc]
    id = models.CharField(primary_key=True, max_length=40)
    name = models.CharField(max_length=200)

    class Meta:
        db_table = "organizations"
        managed = False


class User(models.Model):  # type: ignore[misc]
    id = models.CharField(primary_key=True, max_length=40)
    name = models.CharField(max_length=200)

    class Meta:
        db_table = "users"
        managed = False


class License(models.Model):  # type: ignore[misc]
    id = models.CharField(primary_key=True, max_length=40)
    organization = models.ForeignKey(Organization, models.CASCADE)
    product = models.CharField(max_length=200)
    license_key = models.CharField(max_length=200, unique=True)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True)
    status = models.CharField(max_length=40)
    expires_on = models.DateField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "licenses"
        managed = False
