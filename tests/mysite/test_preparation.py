"""The first start prepares; later starts find everything done."""

import threading
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.password_validation import validate_password

from mysite.broker import build_broker_options, prepare_broker_folder
from mysite.console import Console
from mysite.preparation import AlreadyRunning, create_first_operator, hold_data_folder, migrate
from mysite.secret_files import load_or_create_secret


@pytest.mark.django_db
def test_first_operator_gets_a_password_that_is_said_once() -> None:
    said: list[str] = []
    create_first_operator(said.append)
    create_first_operator(said.append)
    (line,) = said
    password = line.split("password ")[1].split()[0]
    user = authenticate(username="operator", password=password)
    assert user is not None
    assert user.is_staff
    validate_password(password, user)


@pytest.mark.django_db
def test_no_operator_is_made_where_somebody_has_an_account() -> None:
    get_user_model().objects.create_user("somebody")
    said: list[str] = []
    create_first_operator(said.append)
    assert said == []


@pytest.mark.django_db
def test_prepared_database_is_left_alone() -> None:
    said: list[str] = []
    migrate(said.append)
    assert said == []


def test_second_supervisor_on_a_data_folder_is_refused(tmp_path: Path) -> None:
    env = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    with hold_data_folder(env), pytest.raises(AlreadyRunning, match="DATA="):
        hold_data_folder(env)
    hold_data_folder(env).close()


def test_processes_that_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    path, got = tmp_path / "secrets" / "key", []
    gate = threading.Barrier(16)

    def load() -> None:
        gate.wait()
        got.append(load_or_create_secret(path))

    threads = [threading.Thread(target=load) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 16
    assert len(set(got)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["key"]


def test_routing_file_that_a_crash_tore_is_dropped_and_messages_are_kept(tmp_path: Path) -> None:
    prepare_broker_folder(tmp_path)
    options = build_broker_options(tmp_path)
    torn = Path(options["control_folder"]) / "celery.exchange"
    message = Path(options["data_folder_in"]) / "1_a.celery.msg"
    torn.write_text("[[")
    message.write_text("{}")
    prepare_broker_folder(tmp_path)
    assert not torn.exists()
    assert message.exists()


def test_console_names_the_speaker_and_colours_only_a_terminal() -> None:
    plain, coloured = StringIO(), StringIO()
    Console(plain, ["web", "render"], colour=False).say("web", "here")
    Console(coloured, ["web", "render"], colour=True).say("web", "here")
    assert plain.getvalue() == "web    | here\n"
    assert coloured.getvalue() == "\033[36mweb    | \033[0mhere\n"


def test_console_outlives_its_reader() -> None:
    stream = StringIO()
    stream.close()
    Console(stream, ["web"], colour=False).say("web", "nobody listens")
