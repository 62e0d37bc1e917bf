from django.conf import settings
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
USER = settings.AUTH_USER_MODEL


class Migration(migrations.Migration):
    initial = True
    dependencies = (migrations.swappable_dependency(USER),)
    operations = (
        migrations.CreateModel("Tag", [("slug", models.SlugField(primary_key=True, serialize=False))]),
        migrations.CreateModel("Group", [("id", ID), ("title", models.CharField(max_length=100))]),
        migrations.CreateModel(
            "Product",
            [
                ("id", ID),
                ("name", models.CharField(max_length=100, unique=True)),
                ("price", models.DecimalField(decimal_places=2, default=0, max_digits=9)),
                ("stock", models.IntegerField(default=0)),
                ("owner", models.ForeignKey(USER, models.SET_NULL, blank=True, null=True)),
                ("tags", models.ManyToManyField("shop.Tag", blank=True)),
                ("makers", models.ManyToManyField(USER, blank=True, related_name="made")),
                ("sellers", models.ManyToManyField(USER, blank=True, related_name="sold")),
            ],
        ),
        migrations.CreateModel(
            "Bundle",
            [
                (
                    "product_ptr",
                    models.OneToOneField(
                        "shop.Product",
                        models.CASCADE,
                        auto_created=True,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("size", models.IntegerField(default=2)),
            ],
            bases=("shop.product",),
        ),
    )
