from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "tests.integrations.django.project.shop"
    label = "shop"
