"""The environment is read once and checked."""

import stat
from pathlib import Path

import pytest

from mysite.env import EnvError, read_env


def test_empty_environment_gives_the_embedded_default() -> None:
    env = read_env({})
    assert (env.host, env.port, env.database_url, env.redis_url, env.llm) == ("127.0.0.1", 8000, None, None, "auto")
    assert env.local_url == "http://127.0.0.1:8000"
    assert env.link_url == "ws://127.0.0.1:8000/ws/link/"


@pytest.mark.parametrize(
    "variables",
    [
        {"PORT": "eighty"},
        {"PORT": "0"},
        {"PORT": "70000"},
        {"FOOTLIGHT_LLM": "huge"},
        {"FOOTLIGHT_VOICE_CACHE_MB": "-1"},
    ],
)
def test_unusable_value_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(EnvError, match=next(iter(variables))):
        read_env(variables)


def test_size_of_the_voice_cache_is_in_megabytes() -> None:
    assert read_env({}).voice_cache_bytes == 200_000_000
    assert read_env({"FOOTLIGHT_VOICE_CACHE_MB": "0"}).voice_cache_bytes == 0


@pytest.mark.parametrize("url", ["show.example.org", "ftp://show.example.org", "https://"])
def test_public_url_must_be_a_web_address(url: str) -> None:
    with pytest.raises(EnvError, match="PUBLIC_URL"):
        read_env({"PUBLIC_URL": url})


def test_loopback_host_allows_no_other_name() -> None:
    assert set(read_env({}).allowed_hosts) == {"127.0.0.1", "localhost", "[::1]"}


def test_hosts_and_origins_follow_host_and_public_url() -> None:
    env = read_env({"HOST": "10.1.2.3", "PUBLIC_URL": "https://Show.example.org:8443/"})
    assert {"10.1.2.3", "show.example.org"} <= set(env.allowed_hosts)
    assert env.allowed_origins == ("https://Show.example.org:8443",)


def test_every_interface_allows_the_machines_own_addresses_and_no_wildcard() -> None:
    hosts = read_env({"HOST": "0.0.0.0"}).allowed_hosts
    assert "*" not in hosts
    assert "0.0.0.0" not in hosts
    assert "127.0.0.1" in hosts


def test_secrets_are_made_once_with_mode_600_and_stay_out_of_repr(tmp_path: Path) -> None:
    env = read_env({"DATA": str(tmp_path), "OPENAI_API_KEY": "sk-very-secret"})
    key, token = env.secret_key(), env.link_token()
    assert key != token
    assert len(key) >= 50
    assert env.secret_key() == key
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert env.secret("OPENAI_API_KEY") == "sk-very-secret"
    assert "sk-very-secret" not in repr(env)
    assert key not in repr(env)


@pytest.mark.parametrize(("port", "llm_port"), [("8000", 8009), ("65526", 65535), ("65535", 65526)])
def test_language_model_listens_near_any_port_of_web(port: str, llm_port: int) -> None:
    assert read_env({"PORT": port}).llm_port == llm_port
