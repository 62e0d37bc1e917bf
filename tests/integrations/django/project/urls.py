from django.contrib import admin
from django.urls import path

from tests.integrations.django.project import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("read/", views.read),
    path("read-atomic/", views.read_atomic),
    path("raw/", views.raw),
    path("write/", views.write),
    path("atomic/", views.atomic),
    path("claimed/", views.claimed),
    path("async/", views.write_async),
    path("close-account/", views.close_account),
    path("sign-in/", views.sign_in),
]
