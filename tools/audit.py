"""Say which dependencies have known holes, and write what there are: `make audit`.

Exit code 1 where one has, 2 where something was not answered.

It asks pip-audit of the Python lock files and npm of the dashboard's, each in what the Makefile installed for it, and
writes CycloneDX documents (SBOM) to `build/audit`. What a registry does not answer is said and is no pass: a mirror
often has no advisories.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "build/audit"
TOOLS = OUT / "venv/bin"
LOCKS = (
    "requirements.lock",
    *(f"requirements-{extra}.lock" for extra in ("ccxt", "parquet", "postgresql", "research")),
)
_WAIT_S = 300


@dataclass(frozen=True)
class Findings:
    """What one registry said: known holes, a line each; how many packages it answered for; what it did not answer."""

    what: str
    holes: tuple[str, ...]
    answered: int
    of: int
    silent: str | None = None

    def lines(self) -> list[str]:
        """For people: the holes, then for how much that stands."""
        said = f"{self.what}: {len(self.holes)} known holes in {self.answered} of {self.of} packages"
        return [*self.holes, said if self.silent is None else f"{said}; not answered: {self.silent}"]


def python_findings(answer: str, lock: str) -> Findings:
    """What pip-audit said of a lock file (its JSON)."""
    said = json.loads(answer)
    if "dependencies" not in said:
        return Findings(lock, (), 0, 0, "no answer")
    packages = said["dependencies"]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    holes = tuple(
        f"{lock}: {package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or '—'}"
        for package in packages
        for hole in package.get("vulns", ())
    )
    silent = f"{skipped[0]} (and {len(skipped) - 1} more)" if skipped else None
    return Findings(lock, holes, len(packages) - len(skipped), len(packages), silent)


def npm_findings(answer: str, of: int) -> Findings:
    """What npm audit said (its JSON), of so many packages."""
    said = json.loads(answer)
    if "vulnerabilities" not in said:
        return Findings("dashboard", (), 0, of, said.get("message", "no answer"))
    holes = tuple(
        f"dashboard: {name}: {hole['severity']} ({hole['range']})"
        for name, hole in sorted(said["vulnerabilities"].items())
    )
    return Findings("dashboard", holes, of, of)


def _ran(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    """What a tool prints; that it found something is no failure of its own. Nothing is `{}`, and said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, cwd=folder, check=False)
    if not done.stdout.strip():
        print(f"audit: {command[0]} said nothing: {done.stderr.strip()[-500:]}", file=sys.stderr)
    return done.stdout.strip() or "{}"


def main() -> int:
    """Ask, write, and say."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("audit: npm is not installed; Node 20 brings it")
    OUT.mkdir(parents=True, exist_ok=True)
    found = []
    for lock in LOCKS:
        asked = ("--disable-pip", "--require-hashes", "-r", lock, "-f", "json", "--progress-spinner", "off")
        found.append(python_findings(_ran((TOOLS / "pip-audit", *asked)), lock))
        bill = _ran((TOOLS / "cyclonedx-py", "requirements", lock, "--of", "JSON"))
        (OUT / f"{Path(lock).stem}.cdx.json").write_text(bill, "utf-8")
    dashboard = ROOT / "dashboard"
    bill = _ran((npm, "sbom", "--sbom-format", "cyclonedx"), dashboard)
    (OUT / "dashboard.cdx.json").write_text(bill, "utf-8")
    found.append(npm_findings(_ran((npm, "audit", "--json"), dashboard), len(json.loads(bill).get("components", ()))))
    for each in found:
        print("\n".join(each.lines()))
    print(f"bills of materials: {OUT.relative_to(ROOT)}/*.cdx.json")
    return code_of(found)


def code_of(found: Sequence[Findings]) -> int:
    """The exit code: 1 where a hole is known, else 2 where something was not answered, else 0."""
    if any(each.holes for each in found):
        return 1
    return 2 if any(each.silent is not None for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
