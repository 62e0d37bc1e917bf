from django.contrib import admin

from tests.integrations.django.project.shop.models import Product

admin.site.register(Product)
