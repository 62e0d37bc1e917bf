"""Makes the permission to view the log. No table: the log is a file of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Entry",
            fields=[("seq", models.BigIntegerField(primary_key=True, serialize=False))],
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log",
                "managed": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
    )
