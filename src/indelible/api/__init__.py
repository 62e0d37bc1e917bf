"""The HTTP API, /api/v1: what programs do with a log. Each operation is said once, in `operations`: as it is routed, as
its parameters are read, and as the OpenAPI document tells it.
"""

from indelible.api.app import create_api

__all__ = ["create_api"]
