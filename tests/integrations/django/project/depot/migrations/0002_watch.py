from django.db import migrations

from indelible.integrations.django import Watch


class Migration(migrations.Migration):
    dependencies = (("depot", "0001_initial"),)
    operations = (Watch("depot.Box", "depot.Shelf"),)
