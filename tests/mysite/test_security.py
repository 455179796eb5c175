"""The site is closed where nobody asked for it to be open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import AsyncClient, Client

from tests.rules.source import ROOT


@pytest.mark.django_db
async def test_every_answer_forbids_inline_script_and_framing(async_client: AsyncClient) -> None:
    for path in ("/healthz", "/admin/login/", "/no/such/page"):
        policy = (await async_client.get(path)).headers["Content-Security-Policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == "'self'"
        assert rules["connect-src"] == "'self' ws://testserver"
        assert rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in policy
        assert "*" not in policy


def test_policy_is_the_same_for_a_synchronous_server(client: Client) -> None:
    assert "script-src 'self'" in client.get("/healthz").headers["Content-Security-Policy"]


def test_foreign_host_is_turned_away(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_deploy_check_is_clean_under_production_settings(tmp_path: Path) -> None:
    environ = {**os.environ, "DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "mysite.settings.production"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("module", ["base", "production"])
def test_debug_is_off_and_settings_write_nothing(module: str, tmp_path: Path) -> None:
    code = f"from mysite.settings import {module} as s; assert s.DEBUG is False; assert '*' not in s.ALLOWED_HOSTS"
    environ = {**os.environ, "DATA": str(tmp_path / "data")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "data").exists()
