"""SQLite makes the table anew, and again under another name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("depot", "0003_fill"),)
    operations = (
        migrations.AlterField("Box", "label", models.CharField(max_length=50)),
        migrations.RenameModel("Box", "Crate"),
        migrations.AddField("Crate", "weight", models.IntegerField(default=0)),
    )
