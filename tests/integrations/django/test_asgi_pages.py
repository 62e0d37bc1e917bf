"""Our own pages beside Django: whoever is signed in there and may view entries sees them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.asgi import get_asgi_application
from django.test import Client
from starlette.testclient import TestClient

from indelible.integrations.django.asgi import with_audit_pages
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site


@pytest.mark.parametrize(("rights", "status"), [("visitor", 303), ("user", 403), ("viewer", 200)])
def test_the_pages_are_for_who_may_view_entries(site: Site, rights: str, status: int) -> None:
    user = User.objects.create_user("kim")
    if rights == "viewer":
        user.user_permissions.add(Permission.objects.get(codename="view_entry", content_type__app_label="indelible"))
    Product.objects.create(name="chair")
    django = Client()
    django.force_login(user)
    cookies = {} if rights == "visitor" else {"sessionid": django.cookies["sessionid"].value}
    browser = TestClient(with_audit_pages(get_asgi_application(), "/audit"), follow_redirects=False, cookies=cookies)
    answer = browser.get("/audit/")
    assert answer.status_code == status
    assert ("PRODUCT_CREATED" in answer.text) == (rights == "viewer")
    if rights == "visitor":
        assert answer.headers["location"] == "/accounts/login/?next=%2Faudit%2F"


def test_every_other_path_is_django_s(site: Site) -> None:
    browser = TestClient(with_audit_pages(get_asgi_application(), "/audit"))
    assert browser.get("/read/").text == "0"
    assert browser.get("/auditors/").status_code == 404
