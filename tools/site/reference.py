"""Pages that the program writes of itself: every key of the configuration, every route and field, every kind of alert."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from virtuoso.config import Settings
from virtuoso.model.catalogue.kinds import KINDS

Schema = Mapping[str, Any]


def configuration() -> str:
    """Every key of `virtuoso.yaml`, by section: its values, default, and what it is."""
    schema = Settings.model_json_schema()
    begins = (
        "Every key of `virtuoso.yaml`, as the program knows it (`virtuoso config schema` prints the same for editors). "
        "`virtuoso config init` writes a file to begin with; each key can be given by a variable too, such as "
        "`VIRTUOSO__UNIVERSE__SIZE=50`. Durations are `10s`, `5m`, `1h30m`, `2d`."
    )
    lines = ["# Configuration", "", begins, ""]
    lines += _section(schema, schema, "")
    return "\n".join(lines)


def _section(root: Schema, section: Schema, path: str) -> Iterator[str]:
    rows, inner = [], []
    for key, field in section.get("properties", {}).items():
        here = f"{path}{key}"
        model = _resolved(root, field)
        if "properties" in model:
            inner.append((here, model))
        else:
            default = "" if "default" not in field else f"`{_cell(json.dumps(field['default'], ensure_ascii=False))}`"
            values, says = _cell(_values(root, field)), _cell(field.get("description", ""))
            rows.append(f"| `{key}` | {values} | {default} | {says} |")
    if rows:
        yield from ("| key | values | default | what it is |", "|---|---|---|---|", *rows, "")
    for here, model in inner:
        yield from (f"## `{here}`", "", _cell(model.get("description", "")), "")
        yield from _section(root, model, f"{here}.")


def _resolved(root: Schema, field: Schema) -> Schema:
    if "$ref" in field:
        found: Schema = root["$defs"][field["$ref"].rpartition("/")[2]]
        return found
    return field


def _values(root: Schema, field: Schema) -> str:
    """What may stand there, in a few words."""
    field = _resolved(root, field)
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_values(root, each) for each in field["anyOf"]))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_values(root, field.get('items', {}))}"
    if "pattern" in field and "duration" in field.get("description", ""):
        return "duration"
    least, most = field.get("minimum"), field.get("maximum")
    ends = [f"≥ {least}" if least is not None else "", f"≤ {most}" if most is not None else ""]
    bounds = f" ({', '.join(filter(None, ends))})" if any(ends) else ""
    names = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`",
             "object": "mapping", "null": "`null`"}  # fmt: skip
    return names.get(field.get("type", ""), "anything") + bounds


def api() -> str:
    """Every route of the API with its parameters, and every document field by field."""
    said = subprocess.run([sys.executable, "-m", "tools.openapi"], capture_output=True, text=True, check=True).stdout
    document = json.loads(said)
    lines = ["# API", "", document["info"]["description"], "", "## Routes", ""]
    for path, verbs in document["paths"].items():
        for verb, route in verbs.items():
            lines += [f"### `{verb.upper()} {path}`", "", route.get("summary", "") + ".", ""]
            if parameters := route.get("parameters"):
                lines += ["| parameter | where | what it is |", "|---|---|---|"]
                lines += [
                    f"| `{each['name']}` | {each['in']} | {_cell(each.get('description', ''))} |" for each in parameters
                ]
                lines.append("")
            if answered := _document_of(route):
                lines += [f"Answers [{answered}](#{answered.lower()}).", ""]
    lines += ["## Documents", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += [f"### {name}", "", _cell(schema.get("description", "")), ""]
        if fields := schema.get("properties"):
            lines += ["| field | what it is |", "|---|---|"]
            lines += [f"| `{key}` | {_cell(field.get('description', ''))} |" for key, field in fields.items()]
            lines.append("")
    return "\n".join(lines)


def _document_of(route: Schema) -> str | None:
    content = route.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
    reference: str | None = content.get("schema", {}).get("$ref")
    return None if reference is None else reference.rpartition("/")[2]


def kinds() -> str:
    """Every built-in kind of alert: what makes one, what it means, what to check."""
    begins = (
        "Every kind that is built in. Numbers in braces are thresholds: `virtuoso alerts rules` and `/api/alerts/rules` "
        "say which are in force. How an incident becomes a message is told in [alerts](../alerts.md)."
    )
    lines = ["# Kinds of alerts", "", begins, ""]
    for kind in KINDS.values():
        lines += [
            f"## {kind.title}", "",
            f"`{kind.name}`, {' or '.join(severity.value for severity in kind.severities)}.", "",
            f"- **When:** {kind.condition}", f"- **Means:** {kind.meaning}", f"- **Check:** {kind.check}", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A text for a cell: one line, and no bar that would end it."""
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"reference/configuration.md": configuration, "reference/api.md": api, "reference/kinds.md": kinds}
