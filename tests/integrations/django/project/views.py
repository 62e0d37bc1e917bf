"""Ways in which a view writes."""

from django.contrib.auth import get_user_model, login
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from indelible import Actor, acting_as
from tests.integrations.django.project.shop.models import Product


def read(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Product.objects.count()))


def write(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Product.objects.create(name=request.GET["name"]).name)


def atomic(request: HttpRequest) -> HttpResponse:
    """Reads first, as most do."""
    with transaction.atomic():
        Product.objects.count()
        Product.objects.create(name=request.GET["name"])
        Product.objects.filter(name=request.GET["name"]).update(stock=1)
    return HttpResponse()


def claimed(request: HttpRequest) -> HttpResponse:
    with acting_as(Actor.system("importer")):
        Product.objects.create(name=request.GET["name"])
    Product.objects.filter(name=request.GET["name"]).update(stock=1)
    return HttpResponse()


async def write_async(request: HttpRequest) -> HttpResponse:
    product = await Product.objects.acreate(name=request.GET["name"])
    product.stock = 3
    await product.asave()
    return HttpResponse()


def sign_in(request: HttpRequest) -> HttpResponse:
    login(request, get_user_model().objects.get(username=request.GET["name"]))
    return HttpResponse()
