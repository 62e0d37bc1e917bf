"""The API does what its document says, whatever is sent to it: nothing else, and never an error of its own."""

import os
import subprocess
import sys
from pathlib import Path

from indelible.api.openapi import document
from indelible.log import Log
from tests.checking import check_signed
from tests.serve.conftest import Start, key, start  # noqa: F401 - a fixture
from tests.store.test_log import happened

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CASES = os.environ.get("INDELIBLE_API_CASES", "10")  # of each operation


def test_schemathesis_finds_nothing(start: Start, tmp_path: Path, log_url: str) -> None:  # noqa: F811 - the fixture
    """Refused may be what the types allow: a filter that is no query, an address that is no receiver's.

    Not asked for is the test of a webhook, which would wait for the name servers of made-up receivers.
    """
    with Log.create(log_url) as log:
        log.append(happened() for _ in range(30))
    server = start(log_url, environment={"INDELIBLE_API_RATE": "1000000"})
    headers = key(log_url, "append", "read", "export", "manage")
    api = f"{server.address}/api/v1"
    done = subprocess.run(
        [SCHEMATHESIS, "run", f"{api}/openapi.json", "--url", api, "-H", f"Authorization: {headers['Authorization']}",
         "--max-examples", CASES, "--exclude-checks", "positive_data_acceptance", "--continue-on-failure",
         "--exclude-operation-id", "testWebhook",
         "--no-color"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    assert "Traceback" not in server.said()
    server.stop()
    with Log.open(log_url) as log:
        check_signed(log)


def test_each_operation_is_in_it_once_and_says_what_it_takes(start: Start, log_url: str) -> None:  # noqa: F811 - the fixture
    import httpx2

    server = start(log_url)
    told = httpx2.get(f"{server.address}/api/v1/openapi.json", timeout=10).json()
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) > 25
    assert document([])["openapi"] == told["openapi"]
    paths = told["paths"]
    assert {"200", "304"} < paths["/events/{seq}"]["get"]["responses"].keys()
    assert {"200", "206", "416"} < paths["/exports/{id}/file"]["get"]["responses"].keys()
