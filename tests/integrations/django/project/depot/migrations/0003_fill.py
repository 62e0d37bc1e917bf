from typing import Any

from django.db import migrations


def fill(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("depot", "Box").objects.create(label="first")


class Migration(migrations.Migration):
    dependencies = (("depot", "0002_watch"),)
    operations = (migrations.RunPython(fill, migrations.RunPython.noop),)
