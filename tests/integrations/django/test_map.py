"""What Django knows of its models is the map; the project's own map wins, key by key."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from indelible import Error
from indelible.actions import Rule
from indelible.integrations.django.defaults import EXCLUDED, entity_of, merged, model_maps
from tests.integrations.django.project.shop import models as shop
from tests.integrations.django.project.shop.models import Product, Tag
from tests.integrations.django.site import Site, with_settings


def test_entities_are_models_and_two_of_one_name_have_their_app_s_before_it() -> None:
    assert [entity_of(model) for model in (User, Product, Group, shop.Group)] == [
        "User",
        "Product",
        "AuthGroup",
        "ShopGroup",
    ]


def test_foreign_keys_are_references_and_users_have_their_names_and_no_passwords() -> None:
    maps = model_maps()
    assert maps["shop_product"].references == {"owner_id": "User"}
    assert maps["shop_bundle"].references == {"product_ptr_id": "Product"}
    assert (maps["auth_user"].name, maps["auth_user"].redact) == ("username", ["password"])
    assert {table for table, each in maps.items() if each.exclude} == set(EXCLUDED)


def test_a_many_to_many_row_is_a_change_of_the_parent(site: Site) -> None:
    user = User.objects.create_user("kim")
    product = Product.objects.create(name="chair")
    site.sealed()
    product.tags.add(Tag.objects.create(slug="new"))
    product.makers.add(user)
    product.makers.clear()
    product.sellers.add(user)
    user.groups.add(Group.objects.create(name="buyers"))
    user.user_permissions.add(Permission.objects.get(codename="add_product"))
    told = [(entry.action, entry.entity.type, entry.entity.id) for entry in site.sealed() if entry.entity.type != "Tag"]
    assert [each for each in told if each[1] != "AuthGroup"] == [
        ("PRODUCT_TAG_ADDED", "Product", str(product.pk)),
        ("PRODUCT_MAKER_ADDED", "Product", str(product.pk)),
        ("PRODUCT_MAKER_REMOVED", "Product", str(product.pk)),
        ("PRODUCT_SELLER_ADDED", "Product", str(product.pk)),
        ("USER_AUTH_GROUP_ADDED", "User", str(user.pk)),
        ("USER_PERMISSION_ADDED", "User", str(user.pk)),
    ]


def test_a_model_s_table_in_another_schema_is_watched_and_nobody_else_s(
    postgres_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_site.raw("CREATE SCHEMA other")
    for table in ("tag", "theirs"):
        postgres_site.raw(f"CREATE TABLE other.{table} (LIKE public.shop_tag INCLUDING ALL)")
    monkeypatch.setattr(Tag._meta, "db_table", 'other"."tag')
    call_command("audit_watch", verbosity=0)
    postgres_site.sealed()
    Tag.objects.create(slug="new")
    postgres_site.raw("INSERT INTO other.theirs VALUES ('new')")
    assert [(entry.action, entry.entity.id) for entry in postgres_site.sealed()] == [("TAG_CREATED", "new")]


def test_the_project_s_map_wins_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(
        """
        [shop_product]
        entity = "Article"
        name = "name"
        redact = ["stock"]
        references = { stock = "Shelf" }
        [auth_user]
        redact = ["first_name"]
        [django_session]
        ignore = ["expire_date"]
        [shop_tag]
        exclude = "Tags are anybody's."
        [[auth_user_groups.rule]]
        action = "USER_PROMOTED"
        on = "create"
        """
    )
    maps = merged(path)
    product, user = maps["shop_product"], maps["auth_user"]
    assert (product.entity, product.name, product.redact) == ("Article", "name", ["stock"])
    assert product.references == {"owner_id": "User", "stock": "Shelf"}
    assert (user.entity, user.name, user.redact) == ("User", "username", ["password", "first_name"])
    assert maps["django_session"].exclude is None
    assert maps["shop_tag"].exclude == "Tags are anybody's."
    assert maps["auth_user_groups"].rule == [Rule(action="USER_PROMOTED", on="create")]
    assert maps["auth_user_groups"].id == "user_id"


def test_the_project_s_names_are_in_the_log(site: Site) -> None:
    path = site.folder / "audit.toml"
    path.write_text('[shop_product]\nentity = "Article"\nname = "name"\n')
    with with_settings(MAP=path):
        call_command("audit_watch")
        site.sealed()
        Product.objects.create(name="chair")
    (entry,) = site.sealed()
    assert (entry.action, entry.entity.type, entry.entity.name) == ("ARTICLE_CREATED", "Article", "chair")


def test_strict_refuses_what_nobody_claims(site: Site) -> None:
    from indelible import Actor, acting_as

    with with_settings(STRICT=True):
        call_command("audit_watch")
    with pytest.raises(Exception, match="nobody is said to") as refused:
        Product.objects.create(name="chair")
    assert not isinstance(refused.value, Error)
    with acting_as(Actor(id="u_1")):
        Product.objects.create(name="desk")
    assert [product.name for product in Product.objects.all()] == ["desk"]
