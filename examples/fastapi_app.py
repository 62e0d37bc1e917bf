"""A FastAPI portal with its audit log; the five lines about it are numbered. `uvicorn examples.fastapi_app:app`"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.requests import HTTPConnection

from indelible import Actor, Audit, Viewer
from indelible.integrations.asgi import AuditMiddleware

USERS = {"dana-token": Actor(id="u_42", name="Dana Lee", email="dana@acme.test")}
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///portal.db"))
audit = Audit(engine, os.environ.get("AUDIT_LOG", "sqlite:///audit.db"))  # 1


class Base(DeclarativeBase):
    pass


class License(Base):
    __tablename__ = "licenses"
    id: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[str]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    Base.metadata.create_all(engine)
    audit.watch()  # 2
    audit.start()  # 3
    yield
    audit.close()


def who(request: HTTPConnection) -> Actor | None:
    return USERS.get(request.headers.get("authorization", "").removeprefix("Bearer "))


def viewer(request: Request) -> Viewer | Response:
    actor = who(request)
    return Viewer(actor=actor) if actor else Response("Say who you are.", 401)


app = FastAPI(lifespan=lifespan)
app.add_middleware(AuditMiddleware, source="portal", actor=lambda scope: who(HTTPConnection(scope)))  # 4
app.mount("/audit", audit.app(viewer=viewer))  # 5


@app.put("/licenses/{id_}")
def save(id_: str, plan: str) -> None:
    with Session(engine) as db:
        db.merge(License(id=id_, plan=plan))
        db.commit()
