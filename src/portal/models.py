"""The tables. Checks state the law, so that no client can store what the pages would refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import CheckConstraint, DateTime, Dialect, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from portal import clock
from portal.tokens import new_id

PLANS = ("free", "team", "business", "enterprise")
WARNED_AHEAD = (30, 7, 1)  # days before a license ends
ROLES = ("owner", "admin", "auditor")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes only; SQLite keeps them as UTC text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 -- SQLAlchemy reads it from the class


def _one_of(column: str, *values: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


class Organization(Base):
    __tablename__ = "organizations"
    __table_args__ = (_one_of("plan", *PLANS), _one_of("status", "active", "suspended"))

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("org"))
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(default="free")
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        _one_of("role", *ROLES),
        _one_of("status", "invited", "active", "deactivated"),
        CheckConstraint("role <> 'owner' OR organization_id IS NULL", name="owner_is_platform_wide"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("u"))
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[str]
    status: Mapped[str] = mapped_column(default="invited")
    password_hash: Mapped[str | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    invitation_token_hash: Mapped[str | None] = mapped_column(unique=True)
    invitation_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)

    organization: Mapped[Organization | None] = relationship(passive_deletes=True)


Index("users_email", func.lower(User.email), unique=True)  # addresses are ASCII, so lower() means the same everywhere


class License(Base):
    __tablename__ = "licenses"
    __table_args__ = (_one_of("status", "active", "expired", "revoked"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("lic"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    product: Mapped[str]
    license_key: Mapped[str] = mapped_column(unique=True)
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    status: Mapped[str] = mapped_column(default="active")
    expires_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)

    organization: Mapped[Organization] = relationship(passive_deletes=True)
    assignee: Mapped[User | None] = relationship(passive_deletes=True)


Index("licenses_due", License.status, License.expires_on)


class LicenseWarning(Base):
    """That a license ends soon was said: once for each of WARNED_AHEAD, of each last day it has."""

    __tablename__ = "license_warnings"
    __table_args__ = (UniqueConstraint("license_id", "expires_on", "days_ahead"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("warn"))
    license_id: Mapped[str] = mapped_column(ForeignKey("licenses.id", ondelete="CASCADE"))
    product: Mapped[str]
    organization_id: Mapped[str]
    expires_on: Mapped[date]
    days_ahead: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Configuration(Base):
    """The row without an organization is the platform's; the others override it as a whole."""

    __tablename__ = "configurations"
    __table_args__ = (
        CheckConstraint("session_hours BETWEEN 1 AND 720", name="session_hours_bounded"),
        CheckConstraint("invitation_days BETWEEN 1 AND 90", name="invitation_days_bounded"),
        CheckConstraint("license_term_days BETWEEN 1 AND 3650", name="license_term_days_bounded"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("cfg"))
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), unique=True)
    session_hours: Mapped[int] = mapped_column(default=12)
    invitation_days: Mapped[int] = mapped_column(default=7)
    license_term_days: Mapped[int] = mapped_column(default=365)
    support_email: Mapped[str] = mapped_column(default="")
    sign_in_notice: Mapped[str] = mapped_column(default="")
    invitations_enabled: Mapped[bool] = mapped_column(default=True)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    organization: Mapped[Organization | None] = relationship(passive_deletes=True)


# NULLs are distinct in a unique column, so the platform's row needs a law of its own.
Index(
    "configurations_platform",
    Configuration.organization_id.is_(None),
    unique=True,
    sqlite_where=Configuration.organization_id.is_(None),
    postgresql_where=Configuration.organization_id.is_(None),
)


class UserSession(Base):
    """One sign-in. Name and organization are copied as they were, for the audit log."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("ses"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_name: Mapped[str]
    organization_id: Mapped[str | None]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]

    user: Mapped[User] = relationship(passive_deletes=True)


class SignInAttempt(Base):
    """A failed sign-in. It outlives the user it aimed at, so nothing here is a foreign key."""

    __tablename__ = "sign_in_attempts"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("try"))
    email: Mapped[str]
    subject: Mapped[str]  # the user's id, or what was typed when nobody has that e-mail
    user_id: Mapped[str | None]
    organization_id: Mapped[str | None]
    reason: Mapped[str]
    ip: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


Index("sign_in_attempts_email", func.lower(SignInAttempt.email), SignInAttempt.created_at)
Index("sign_in_attempts_ip", SignInAttempt.ip, SignInAttempt.created_at)
