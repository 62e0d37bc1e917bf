from typing import Any

from django.db import migrations

from indelible import Actor, acting_as
from indelible.integrations.django import Unwatch


def weigh(apps: Any, _schema_editor: Any) -> None:
    crate = apps.get_model("depot", "Crate").objects
    crate.update(weight=1)
    with acting_as(Actor.system("depot.0005")):
        crate.update(weight=2)


class Migration(migrations.Migration):
    dependencies = (("depot", "0004_alter"),)
    operations = (migrations.RunPython(weigh, migrations.RunPython.noop), Unwatch("depot.Shelf"))
