"""A letter is sent once a server takes it, as text and HTML; what it tells is escaped; one click ends it."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from indelible.errors import MailError, UsageError
from indelible.event import Actor, Entity
from indelible.integrations import smtp
from indelible.integrations.smtp import Mailer
from indelible.merkle.checkpoint import Checkpoint
from indelible.work import letters
from tests.checking import check_signed
from tests.digests.conftest import PAGES, Post
from tests.digests.test_digests import KIM, add
from tests.portal.northdesk import free_port
from tests.store.test_log import happened
from tests.webhooks.test_client import certificate

EVERYWHERE = "0.0.0.0"  # noqa: S104 - reached from here, and by its name no loopback


class Box:
    """A real SMTP server's; `answers` are what it says to RCPT before it is content, `bye` to QUIT."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answers: list[str] = []
        self.bye = "221 Bye"
        self.passwords: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        assert isinstance(envelope.content, bytes)
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - likewise
        return self.bye

    def knows(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.passwords.append(data.password)
        return AuthResult(success=True)


@contextmanager
def serving(made: Box, host: str = "127.0.0.1", **options: Any) -> Iterator[int]:
    """Its port."""
    port = free_port()
    controller = Controller(made, hostname=host, port=port, authenticator=made.knows, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def box() -> Iterator[tuple[Box, Mailer]]:
    made = Box()
    with serving(made) as port:
        yield made, Mailer.parse(f"smtp://127.0.0.1:{port}")


def parts(message: Any) -> tuple[str, str]:
    plain, html = message.iter_parts()
    return plain.get_content(), html.get_content()


def test_a_digest_arrives_as_text_and_html_with_links_and_the_checkpoint(post: Post, box: tuple[Box, Mailer]) -> None:
    digest = add(post, name="Weekly for Kim", query="entity:License", frequency="weekly")
    post.log.append([happened(outcome="failure"), happened()])
    note = post.log.checkpoint() or ""
    post.desk.digest_maker.make("weekly")
    assert post.desk.send_letters(box[1].send) == "1 sent"
    (mail,) = box[0].got
    assert (mail["To"], mail["Subject"], mail["From"]) == (KIM, "Weekly for Kim: 2 entries", "audit@127.0.0.1")
    link = f"{PAGES}/digests/{digest.id}/unsubscribe?token={post.desk.digests.token(digest.id)}"
    assert (mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]) == (f"<{link}>", "List-Unsubscribe=One-Click")
    for text in parts(mail):
        for wanted in (
            ">2<" if "<html" in text else "2 entries",
            "LICENSE_ASSIGNED",
            f"{PAGES}/entry/1",
            "failure",
            "dana",
        ):
            assert wanted in text, wanted
    plain = parts(mail)[0].replace("\r\n", "\n")
    assert link in plain
    begins = plain.index(note.split("\n")[0])
    Checkpoint.open(plain[begins : begins + len(note)], post.log.verifier)
    assert post.letters() == []
    assert post.desk.send_letters(box[1].send) is None


def test_nothing_in_a_name_becomes_html_or_a_header(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post, name="<b>Board</b> & Söhne", query='entity:"<i>"')
    add(post, name="all")
    evil = "<script>alert(1)</script>\r\nBcc: eve@evil.test"
    post.log.append(
        [happened(entity=Entity("License", "<i>", evil), actor=Actor(id="u", name=evil), outcome="failure")]
    )
    post.desk.digest_maker.make("daily")
    post.desk.send_letters(box[1].send)
    for mail in box[0].got:
        html = parts(mail)[1]
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)" in html
        assert mail["Bcc"] is None
    assert box[0].got[0]["Subject"] == "<b>Board</b> & Söhne: 1 entry"


def test_nothing_in_a_name_makes_a_line_of_the_text(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post)
    evil = "eve\n\nAll is well.\r\nCheckpoint:\x1b[2J\u202egnp\u2028x"
    entity = Entity(evil, evil, evil)
    post.log.append([happened(entity=entity, actor=Actor(id=evil, name=evil, email=evil), outcome="failure")])
    post.desk.digest_maker.make("daily")
    post.desk.send_letters(box[1].send)
    plain = parts(box[0].got[0])[0]
    told = [line for line in plain.splitlines() if "All is well." in line]
    assert (len(told), all("eve" in line for line in told)) == (2, True)  # by whom, and what is worth a look
    assert not {"\x1b", "\u202e", "\u2028"} & set(plain)


def test_a_quiet_time_is_told_too(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post, query="action:NEVER_HAPPENED")
    post.desk.digest_maker.make("daily")
    post.desk.send_letters(box[1].send)
    assert all("Nothing was recorded in this time" in text for text in parts(box[0].got[0]))


def test_what_the_server_does_not_take_now_is_sent_later_with_the_same_id(
    post: Post, box: tuple[Box, Mailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "SCHEDULE", (0, 0, 0))
    add(post)
    post.desk.digest_maker.make("daily")
    box[0].answers = ["451 later", "451 later"]
    for _ in range(2):
        with pytest.raises(MailError, match="451"):
            post.desk.send_letters(box[1].send)
    assert post.desk.send_letters(box[1].send) == "1 sent"
    assert len(box[0].got) == 1
    assert post.letters() == []


def test_between_two_tries_it_waits(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post)
    post.desk.digest_maker.make("daily")
    box[0].answers = ["451 later"]
    with pytest.raises(MailError):
        post.desk.send_letters(box[1].send)
    assert post.desk.send_letters(box[1].send) is None
    assert len(post.letters()) == 1


def test_what_is_refused_for_good_or_too_often_is_given_up(
    post: Post, box: tuple[Box, Mailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "SCHEDULE", (0,))
    add(post)
    post.desk.digest_maker.make("daily")
    box[0].answers = ["550 nobody of that name"]
    with pytest.raises(MailError, match="550"):
        post.desk.send_letters(box[1].send)
    assert post.letters() == []
    post.desk.digest_maker.make("daily")
    box[0].answers = ["451 later"] * 2
    for _ in range(2):
        with pytest.raises(MailError):
            post.desk.send_letters(box[1].send)
    assert post.letters() == []


def test_a_digest_that_is_given_up_is_an_entry_with_the_reason(post: Post, box: tuple[Box, Mailer]) -> None:
    digest = add(post, name="Board", organization="acme")
    post.desk.digest_maker.make("daily")
    box[0].answers = ["550 nobody of that name"]
    with pytest.raises(MailError):
        post.desk.send_letters(box[1].send)
    entry = check_signed(post.log)[-1]
    assert (entry.action, entry.outcome, entry.actor.type) == ("DIGEST_FAILED", "failure", "system")
    assert (entry.entity.id, entry.entity.name) == (digest.id, "Board")
    assert entry.organization is not None
    assert entry.organization.id == "acme"
    assert "nobody of that name" in (entry.reason or "")


def test_no_entry_says_that_a_mail_which_is_tried_again_has_failed(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post)
    post.desk.digest_maker.make("daily")
    box[0].answers = ["451 later"]
    with pytest.raises(MailError):
        post.desk.send_letters(box[1].send)
    assert check_signed(post.log)[-1].action == "DIGEST_SENT"


def test_one_that_fails_keeps_no_other_from_being_sent(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post, recipient="first@acme.test")
    add(post, recipient="second@acme.test")
    post.desk.digest_maker.make("daily")
    box[0].answers = ["451 later"]
    with pytest.raises(MailError):
        post.desk.send_letters(box[1].send)
    assert [mail["To"] for mail in box[0].got] == ["second@acme.test"]


def test_a_server_that_says_nothing_is_not_waited_for_by_every_letter_in_one_round(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other jobs wait meanwhile, and who stops the server does."""
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    monkeypatch.setattr(letters, "LONGEST", 0.2, raising=False)
    for number in range(3):
        add(post, recipient=f"{number}@acme.test")
    post.desk.digest_maker.make("daily")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mailer = Mailer.parse(f"smtp://127.0.0.1:{mute.getsockname()[1]}")
        for tried in (1, 2, 3):
            with pytest.raises(MailError, match="timed out"):
                post.desk.send_letters(mailer.send)
            with post.desk.work.transaction() as statements:
                attempts = [row[6] for row in statements.run("due_letters", now=2**62)]
            assert sorted(attempts, reverse=True) == [1] * tried + [0] * (3 - tried)


def test_sent_but_not_forgotten_is_sent_again_and_known_by_its_id(post: Post, box: tuple[Box, Mailer]) -> None:
    """Killed between the two: the reader's program shows one."""
    add(post)
    post.desk.digest_maker.make("daily")

    def sent_and_killed(message: EmailMessage) -> None:
        box[1].send(message)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        post.desk.send_letters(sent_and_killed)
    post.desk.send_letters(box[1].send)
    first, second = box[0].got
    assert first["Message-ID"] == second["Message-ID"]


def test_a_hosts_own_way_of_sending_may_fail_in_its_own_way(post: Post) -> None:
    add(post)
    post.desk.digest_maker.make("daily")

    def fails(_message: EmailMessage) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    with pytest.raises(MailError, match="gone"):
        post.desk.send_letters(fails)
    assert len(post.letters()) == 1


def test_what_a_server_took_is_sent_whatever_it_says_at_the_end(post: Post, box: tuple[Box, Mailer]) -> None:
    add(post)
    post.desk.digest_maker.make("daily")
    box[0].bye = "500 what?"
    assert post.desk.send_letters(box[1].send) == "1 sent"
    assert (len(box[0].got), post.letters()) == (1, [])


def test_a_password_leaves_the_machine_under_tls_alone() -> None:
    """STARTTLS may be taken away by whoever is on the way."""
    made = Box()
    with serving(made, EVERYWHERE, auth_require_tls=False) as port:
        with pytest.raises(MailError, match=r"offers no TLS.*smtps://") as refused:
            Mailer.parse(f"smtp://kim:s3cret@{EVERYWHERE}:{port}").send(mail_to_kim())
        assert "s3cret" not in str(refused.value)
        assert (made.passwords, made.got) == ([], [])
        Mailer.parse(f"smtp://kim:s3cret@localhost:{port}").send(mail_to_kim())
    assert (made.passwords, len(made.got)) == ([b"s3cret"], 1)


@pytest.mark.parametrize(("scheme", "option"), [("smtps", "ssl_context"), ("smtp", "tls_context")])
def test_mail_goes_under_tls_from_the_beginning_or_as_soon_as_it_is_offered(
    scheme: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, tls = Box(), dict[str, Any]({option: certificate(tmp_path, "127.0.0.1")})
    with serving(made, **tls, auth_require_tls=scheme == "smtp") as port:
        mailer = Mailer.parse(f"{scheme}://kim:s3cret@127.0.0.1:{port}")
        with pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"):
            mailer.send(mail_to_kim())
        assert made.passwords == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        mailer.send(mail_to_kim())
    assert (made.passwords, len(made.got)) == ([b"s3cret"], 1)


def mail_to_kim() -> EmailMessage:
    message = EmailMessage()
    message["To"] = KIM
    message.set_content("Hello")
    return message


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtps://", "smtp://user:s3cret@x:99999", ""])
def test_an_address_of_no_mail_server_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        Mailer.parse(url)
    assert "s3cret" not in str(refused.value)


def test_nobody_at_home_is_a_mail_error() -> None:
    message = mail_to_kim()
    with pytest.raises(MailError, match=r"127\.0\.0\.1:1 did not take the mail"):
        Mailer.parse("smtp://u%40acme.test:s3cret@127.0.0.1:1").send(message)
    assert message["From"] == "u@acme.test"
