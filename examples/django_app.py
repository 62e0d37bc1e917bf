"""A Django project in one file, with its audit log.

python examples/django_app.py migrate
python examples/django_app.py createsuperuser
python examples/django_app.py runserver               then http://127.0.0.1:8000/admin/, "Audit log"
python examples/django_app.py audit_search group
"""

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse

BASE_DIR = Path(os.environ.get("DATA", ".")).absolute()
settings.configure(
    BASE_DIR=BASE_DIR,
    DEBUG=True,
    SECRET_KEY="of an example",  # noqa: S106
    ROOT_URLCONF=__name__,
    STATIC_URL="/static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "app.db"}},
    INSTALLED_APPS=[
        "indelible.integrations.django",  # above the admin, whose history pages it extends
        *(f"django.contrib.{app}" for app in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")),
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "indelible.integrations.django.Middleware",  # below AuthenticationMiddleware
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages"]}}],
)  # fmt: skip


def add_group(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth.models import Group

    return HttpResponse(f"added {Group.objects.create(name=request.GET['name'])}\n")


if __name__ == "__main__":
    import django

    django.setup()
    from django.contrib import admin
    from django.urls import path

    urlpatterns = [path("admin/", admin.site.urls), path("add-group/", add_group)]
    execute_from_command_line(sys.argv)
