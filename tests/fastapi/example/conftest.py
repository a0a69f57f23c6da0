"""The example's app, wired to a sandbox by the environment, as its documented line has it."""

import pytest
from fastapi import FastAPI

from dbusers.testing import Sandbox
from docs.examples.fastapi_app.app import create_app


@pytest.fixture
def app(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    return create_app()
