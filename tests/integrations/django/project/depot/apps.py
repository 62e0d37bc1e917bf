from django.apps import AppConfig


class DepotConfig(AppConfig):
    name = "tests.integrations.django.project.depot"
    label = "depot"
