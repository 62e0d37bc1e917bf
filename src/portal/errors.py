"""Everything the portal refuses. The message is shown to a person: what happened, then what to do."""

from __future__ import annotations


class PortalError(Exception):
    """The root. `field` names the form field the message stands beside; None is the form as a whole."""

    status = 400
    title = "That did not work"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidError(PortalError):
    """What was typed cannot be saved. The form is shown again with what was typed."""

    status = 422
    title = "Something needs correcting"

    def __init__(self, message: str, field: str | None = None, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(message, field)
        self.fields = fields or {field or "": message}


class RefusedError(InvalidError):
    """The form is fine, the state of things is not (the last owner, a revoked license)."""

    status = 409


class ForbiddenError(PortalError):
    status = 403
    title = "You may not do this"


class NotFoundError(PortalError):
    """Also for what lies outside a person's organization: its existence is not theirs to know."""

    status = 404
    title = "Nothing here"

    def __init__(self, message: str = "There is no such page, or it was removed. Check the address.") -> None:
        super().__init__(message)


class TooLargeError(PortalError):
    status = 413
    title = "Too much at once"


class MediaTypeError(PortalError):
    status = 415
    title = "This is not a form"


class TooManyError(PortalError):
    status = 429
    title = "Too many attempts"


class SettingsError(PortalError):
    """The portal cannot start like this. Printed as one sentence on the command line."""


class SignInNeededError(PortalError):
    status = 401
    title = "Sign in"
