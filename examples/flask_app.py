"""A Flask portal with its audit log; the lines about it are numbered. `flask --app examples/flask_app run`"""

import os
from typing import Any

from a2wsgi import ASGIMiddleware
from flask import Flask, request, session
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.requests import Request
from starlette.responses import Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from indelible import Actor, Audit, Viewer
from indelible.integrations.wsgi import AuditMiddleware

USERS = {"dana@acme.test": Actor(id="u_42", name="Dana Lee", email="dana@acme.test")}
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///portal.db"))
audit = Audit(engine, os.environ.get("AUDIT_LOG", "sqlite:///audit.db"))  # 1
app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "only for trying it")


class Base(DeclarativeBase):
    pass


class License(Base):
    __tablename__ = "licenses"
    id: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[str]


Base.metadata.create_all(engine)
audit.watch()  # 2
audit.start()  # 3


def who(environ: dict[str, object]) -> Actor | None:
    with app.request_context(environ):
        return USERS.get(session.get("user", ""))


def viewer(request: Request) -> Viewer | Response:
    actor = who(request.scope["wsgi_environ"])
    return Viewer(actor=actor) if actor else Response("Sign in first.", 401)


pages: Any = ASGIMiddleware(audit.app(viewer=viewer))  # type: ignore[arg-type]  # 4
both = DispatcherMiddleware(app.wsgi_app, {"/audit": pages})
app.wsgi_app = AuditMiddleware(both, source="portal", actor=who)  # type: ignore[method-assign]  # 5


@app.post("/sign-in/<email>")
def sign_in(email: str) -> str:
    session["user"] = email  # a real portal asks for more
    return "Welcome."


@app.put("/licenses/<id_>")
def save(id_: str) -> str:
    with Session(engine) as db:
        db.merge(License(id=id_, plan=request.args["plan"]))
        db.commit()
    return "Saved."
