"""The log in Django's admin: to look at, and nothing else."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from indelible import Actor, acting_as, alarm
from indelible.errors import VerificationError
from indelible.integrations.django import auditing
from tests.integrations.django.project.shop.models import Product, Tag
from tests.integrations.django.site import Site

DANA = Actor(id="u_1", name="Dana <b>Lee</b>", email="dana@acme.test")
LIST = "/admin/indelible/entry/"


@pytest.fixture
def admin(site: Site) -> Client:
    User.objects.create_superuser("root", "root@acme.test", "secret")
    client = Client()
    client.login(username="root", password="secret")
    return client


@pytest.fixture
def chair(site: Site) -> Product:
    with acting_as(DANA):
        product: Product = Product.objects.create(name="<script>alert(1)</script>", price="9.50")
        product.price = "12"
        product.save()
    return product


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return str(answer.content.decode())


def test_a_change_is_on_the_page_as_soon_as_it_is_saved(admin: Client, chair: Product) -> None:
    page = text(admin, LIST)
    assert "PRODUCT_UPDATED" in page
    assert "price: 9.5" in page
    assert "dana@acme.test" in page


def test_what_the_log_holds_never_becomes_markup(admin: Client, chair: Product) -> None:
    seq = auditing.audit().log.head().size - 1
    for address in (LIST, f"{LIST}?q=<script>alert(2)</script>", f"{LIST}{seq}/", f"{LIST}{seq - 1}/"):
        page = admin.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<b>Lee" not in page


def test_an_entry_shows_old_and_new_and_its_very_line(admin: Client, chair: Product) -> None:
    text(admin, LIST)
    log = auditing.audit().log
    seq = log.head().size - 1
    page = text(admin, f"{LIST}{seq}/")
    assert re.search(r'<th scope="row">price</th>\s*<td>[^/]*9\.5[^/]*</span>\s*</td>\s*<td>[^/]*12', page)
    (shown,) = re.findall(r'<pre class="indelible-line">(.*?)</pre>', page, re.DOTALL)
    assert unescape(shown).encode() == log.line(seq)
    assert reverse("admin:shop_product_change", args=[chair.pk]) in page
    assert f"?q=entity%3AProduct/{chair.pk}" in page


def test_the_search_is_that_of_the_log(admin: Client, chair: Product) -> None:
    assert text(admin, f"{LIST}?q=user:dana action:*_CREATED").count('class="field-action"') == 1
    assert "No entry matches." in text(admin, f"{LIST}?q=nobody")
    assert "PRODUCT_CREATED" not in text(admin, f"{LIST}?until=2001-01-01")
    page = text(admin, f"{LIST}?q=colour:red&since=someday", 400)
    assert "is no field of a search" in page
    assert "This is no date or time." in page
    assert 'id="result_list"' not in page


def test_pages_turn_by_sequence(admin: Client, site: Site) -> None:
    site.sealed()
    Product.objects.bulk_create([Product(name=f"number {n}") for n in range(120)])
    address, seen, pages = f"{LIST}?q=action:PRODUCT_CREATED", [], 0
    while address:
        page = text(admin, address)
        pages += 1
        seen += [int(seq) for seq in re.findall(rf'href="{LIST}(\d+)/"', page)]
        older = re.search(r'<a href="(\?[^"]*)">Older</a>', page)
        address = LIST + unescape(older[1]) if older else ""
    size = auditing.audit().log.head().size
    assert (pages, seen) == (3, list(range(size - 1, size - 121, -1)))
    assert ">Newer</a>" in page


def test_each_object_s_history_page_leads_to_its_entries(admin: Client, chair: Product) -> None:
    page = text(admin, reverse("admin:shop_product_history", args=[chair.pk]))
    (link,) = re.findall(rf'href="({LIST}\?[^"]*)"', page)
    found = text(admin, unescape(link))
    assert found.count('class="field-action"') == 2


@pytest.mark.parametrize("rights", ["nobody", "staff", "viewer"])
def test_only_who_may_view_it_sees_it_and_nobody_may_more(site: Site, chair: Product, rights: str) -> None:
    user = User.objects.create_user("kim", password="secret", is_staff=rights != "nobody")
    user.user_permissions.add(Permission.objects.get(codename="change_product"))
    if rights == "viewer":
        user.user_permissions.add(Permission.objects.get(codename="view_entry", content_type__app_label="indelible"))
    client = Client()
    client.login(username="kim", password="secret")
    expected = {"nobody": 302, "staff": 403, "viewer": 200}[rights]
    auditing.audit().seal()
    for address in (LIST, f"{LIST}0/"):
        assert client.get(address).status_code == expected
    if rights == "staff":
        assert "Audit log of this" not in text(client, reverse("admin:shop_product_history", args=[chair.pk]))
    if rights != "nobody":
        assert (LIST in text(client, "/admin/")) == (rights == "viewer")
    codenames = Permission.objects.filter(content_type__app_label="indelible").values_list("codename", flat=True)
    assert list(codenames) == ["view_entry"]


def test_nothing_in_the_admin_changes_the_log(admin: Client, chair: Product) -> None:
    text(admin, LIST)
    before = auditing.audit().log.head().root
    for address in (LIST, f"{LIST}0/", f"{LIST}add/", f"{LIST}0/change/", f"{LIST}0/delete/"):
        admin.post(address, {"action": "delete_selected", "_selected_action": "0", "post": "yes"})
    assert auditing.audit().log.head().root == before
    for address in (f"{LIST}add/", f"{LIST}4711/", f"{LIST}-1/", f"{LIST}x/"):
        assert admin.get(address).status_code == 404


def test_a_log_that_cannot_be_sealed_is_shown_as_it_is_and_the_page_says_so(
    site: Site, admin: Client, chair: Product
) -> None:
    site.sealed()
    auditing.close()
    (site.folder / "audit.db.key").rename(site.folder / "elsewhere")
    page = text(admin, LIST)
    assert "New entries cannot be shown." in page


def test_where_verification_failed_every_page_of_the_log_says_so_until_it_is_right_again(
    admin: Client, chair: Product
) -> None:
    text(admin, LIST)
    log, error = auditing.audit().log, VerificationError("changed", "entry 0 was changed <b>", 0)
    alarm.begin(log, error, None)
    for address in (LIST, f"{LIST}?q=nothing", f"{LIST}0/"):
        page = text(admin, address)
        assert "Verification of this log failed." in page
        assert "entry 0 was changed &lt;b&gt;" in page
    alarm.end(log, error)
    assert "Verification" not in text(admin, LIST)


def test_what_is_changed_in_the_admin_is_by_whoever_is_signed_in(admin: Client, site: Site) -> None:
    Tag.objects.create(slug="new")
    site.sealed()
    admin.post("/admin/shop/product/add/", {"name": "desk", "price": "5", "stock": "1", "tags": ["new"]})
    entries = site.sealed()
    assert [entry.action for entry in entries] == ["PRODUCT_CREATED", "PRODUCT_TAG_ADDED"]
    assert {entry.actor.name for entry in entries} == {"root"}
