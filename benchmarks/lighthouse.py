"""What Lighthouse says of the audit page, of a portal that is started for it: phone and desktop.

    npm install lighthouse
    python benchmarks/lighthouse.py node_modules/.bin/lighthouse

Needs Chromium (Debian's `chromium` package). Prints the four scores, and each audit that is not full.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))

from screenshot import FLAGS, chromium, portal, sign_in

WIDTHS: dict[str, list[str]] = {"phone": [], "desktop": ["--preset=desktop"]}


def main() -> None:
    program = sys.argv[1] if len(sys.argv) > 1 else shutil.which("lighthouse") or sys.exit(str(__doc__))
    with portal() as address:
        cookie = signed_in(address)
        for width, options in WIDTHS.items():
            tell(width, measured(program, f"{address}/audit/?q=", cookie, options))


def signed_in(address: str) -> str:
    """The cookies of somebody who is."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        sign_in(page, address)
        page.goto(f"{address}/audit/")
        cookies = page.context.cookies()
        browser.close()
    return "; ".join(f"{each.get('name')}={each.get('value')}" for each in cookies)


def measured(program: str, address: str, cookie: str, options: list[str]) -> Any:
    told = subprocess.run(  # noqa: S603 - the program that was named
        [
            program, address, "--quiet", "--output=json", f"--extra-headers={json.dumps({'Cookie': cookie})}",
            "--chrome-flags=--headless --no-sandbox --disable-gpu", *options,
        ],
        env=os.environ | {"CHROME_PATH": chromium()}, stdout=subprocess.PIPE, check=True, timeout=300,
    )  # fmt: skip
    return json.loads(told.stdout)


def tell(width: str, report: Any) -> None:
    scores = {name: round(100 * category["score"]) for name, category in report["categories"].items()}
    print(width, ", ".join(f"{name} {score}" for name, score in scores.items()))
    for category in report["categories"].values():
        for each in category["auditRefs"]:
            audit = report["audits"][each["id"]]
            if each["weight"] and audit["score"] is not None and audit["score"] < 1:
                print(f"  {audit['score']:.2f} {audit['title']} {audit.get('displayValue', '')}")


if __name__ == "__main__":
    main()
