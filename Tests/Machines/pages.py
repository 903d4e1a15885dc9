"""The commands that Documentation/ tells its readers to type."""

import os
import re

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def commands(page: str, heading: str) -> list[str]:
    """The blocks of shell commands under a heading of a page, in their order."""
    with open(f"{ROOT}/Documentation/{page}") as file:
        text = file.read()
    _, found, section = text.partition(f"\n## {heading}\n")
    assert found, f"{page} has no section '{heading}'"
    section = section.partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
