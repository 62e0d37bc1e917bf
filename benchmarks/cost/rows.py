"""The rows that every host writes, and the statements that it does not make itself."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

BULK = 1000  # rows of one transaction
SEED = "seed"  # how the ids begin of the rows that are there before
MAP = Path(__file__).parents[2] / "src" / "portal" / "audit.toml"
WHERE_SEEDED = f"WHERE id >= '{SEED}' AND id < '{SEED}~'"  # by the key's index on either engine
INSERT_SELECT = f"""INSERT INTO licenses (id, organization_id, product, license_key, status, expires_on, created_at)
SELECT '{{prefix}}' || id, organization_id, product, '{{prefix}}' || license_key, status, expires_on, created_at
FROM licenses {WHERE_SEEDED}"""
UPDATE_ROWS = f"UPDATE licenses SET product = 'Bulk {{number}}' {WHERE_SEEDED}"


def row(id_: str) -> dict[str, Any]:
    return {
        "id": id_, "organization_id": "org_1", "product": "Desk Pro", "license_key": f"KEY-{id_}-ABCD-EFGH",
        "assignee_id": None, "status": "active", "expires_on": date(2027, 1, 1), "created_at": datetime.now(UTC),
    }  # fmt: skip


def rows(prefix: str) -> list[dict[str, Any]]:
    return [row(f"{prefix}{number:06d}") for number in range(BULK)]


def seeded(number: int) -> str:
    return f"{SEED}{number:06d}"
