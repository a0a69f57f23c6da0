"""The extra: OpenTelemetry's API and nothing else of it, and only for who asks for it."""

import subprocess
import sys


def loaded_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name for name in ran.stdout.split() if name.startswith(("opentelemetry", "dbusers"))}


def test_a_telemetry_needs_the_api_alone() -> None:
    loaded = loaded_by("from dbusers.otel import Telemetry\nTelemetry()")

    assert "opentelemetry.trace" in loaded
    assert not {name for name in loaded if name.startswith("opentelemetry.sdk")}


def test_a_client_without_it_does_not_load_it() -> None:
    loaded = loaded_by("import dbusers\ndbusers.DigitalOceanClient")

    assert "dbusers.digitalocean.client" in loaded
    assert not {name for name in loaded if name.startswith("opentelemetry")}
