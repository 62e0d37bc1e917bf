"""Ways in which a view writes."""

from django.contrib.auth import get_user_model, login, logout
from django.db import connection, transaction
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


def read_atomic(_request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        return HttpResponse(str(Product.objects.filter(name__contains="a").count() + len(Product.objects.all())))


def raw(request: HttpRequest) -> HttpResponse:
    """By a function, a procedure or COPY, in a transaction; `after`: a write of somebody else's in it."""
    name = request.GET["name"]
    with transaction.atomic(), connection.cursor() as cursor:
        if "after" in request.GET:
            with acting_as(Actor.system("importer")):
                Product.objects.create(name=request.GET["after"])
        if request.GET["way"] == "copy":
            with cursor.copy("COPY shop_product (name, price, stock) FROM STDIN") as copy:
                copy.write_row((name, 1, 1))
        else:
            cursor.execute({"select": "SELECT * FROM put(%s)", "call": "CALL make(%s)"}[request.GET["way"]], [name])
    return HttpResponse()


def close_account(request: HttpRequest) -> HttpResponse:
    request.user.delete()
    Product.objects.create(name="a voucher to come back")
    logout(request)
    Product.objects.create(name="nobody's")
    return HttpResponse()


def sign_in(request: HttpRequest) -> HttpResponse:
    login(request, get_user_model().objects.get(username=request.GET["name"]))
    return HttpResponse()
