"""The OpenAPI 3.1 document, made of the operations and of the types they take and give."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec

from indelible.api.operation import JSON, Answer, Operation, Parameter
from indelible.api.problems import MEDIA_TYPE
from indelible.api.wire import Problem

REFUSED = {
    400: "It cannot be read", 401: "It has no key that is good", 403: "The key may not", 404: "It is not there",
    409: "Another event has this id, or it is not done yet", 422: "It cannot be done", 429: "Too many",
    503: "The log cannot be used now",
}  # fmt: skip
WITH_BODY = {413: "It is too large", 415: "It is no JSON"}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    shapes = list(dict.fromkeys([Problem, *_shapes(operations)]))
    schemas, components = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    known = dict(zip(shapes, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Indelible", "version": "1", "summary": "The audit log: record, find, verify, take away.",
            "description": "Errors are RFC 9457 problems, with every one of them in `errors`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Made by `indelible keys add LOG`"}
            },
        },
    }  # fmt: skip


TAGS = {
    "append": "Record events", "read": "Find entries and verify them", "export": "Take entries away",
    "manage": "Webhooks, keys and views",
}  # fmt: skip


def _shapes(operations: Iterable[Operation]) -> Iterable[Any]:
    for operation in operations:
        for shape in (operation.body, *(answer.shape for answer in operation.answers.values())):
            yield from get_args(shape) if _is_union(shape) else [shape] if shape is not None else []


def _is_union(shape: Any) -> bool:
    return bool(get_args(shape)) and type(shape).__name__ in ("UnionType", "Union")


def _operation(operation: Operation, known: dict[Any, Any]) -> dict[str, Any]:
    refused = REFUSED | (WITH_BODY if operation.body is not None else {})
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "tags": [operation.scope or "read"],
        "responses": {
            **{str(status): _answer(answer, known, operation.leads) for status, answer in operation.answers.items()},
            **{str(status): _refused(about, known) for status, about in refused.items()},
        },
    }
    if operation.parameters:
        told["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.name == "appendEvents":
        told.setdefault("parameters", []).append(IDEMPOTENCY)
    if operation.body is not None:
        several = get_args(operation.body) if _is_union(operation.body) else (operation.body,)
        schema = known[several[0]] if len(several) == 1 else {"anyOf": [known[each] for each in several]}
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return told


IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "Sent again with the same key and body, events without ids of their own are recorded once",
}  # fmt: skip


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind}
    if parameter.kind == "integer":
        schema |= {"minimum": parameter.least, "maximum": parameter.most}
    elif parameter.kind == "string":
        schema |= {"maxLength": parameter.longest} | ({"enum": list(parameter.choices)} if parameter.choices else {})
        schema |= {"pattern": parameter.pattern} if parameter.pattern else {}
    return {
        "name": parameter.name, "in": parameter.where, "required": parameter.where == "path",
        "description": parameter.about, "schema": schema,
    }  # fmt: skip


def _answer(answer: Answer, known: dict[Any, Any], leads: Sequence[str]) -> dict[str, Any]:
    if not answer.media_types:
        return {"description": answer.about}
    told: dict[str, Any] = {"description": answer.about, "content": {}}
    for media_type in answer.media_types:
        text = {} if media_type == JSON else {"type": "string"}
        told["content"][media_type] = {"schema": text if answer.shape is None else known[answer.shape]}
    if leads:
        told["links"] = {name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in leads}
    return told


def _refused(about: str, known: dict[Any, Any]) -> dict[str, Any]:
    return {"description": about, "content": {MEDIA_TYPE: {"schema": known[Problem]}}}
