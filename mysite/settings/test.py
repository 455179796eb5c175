"""Settings of the test run: everything that is written goes to a folder of this run, nothing is read from `data/`."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from mysite.settings.base import *  # noqa: F403
from mysite.settings.base import DATABASES, FOOTLIGHT, SQLITE

_FOLDER = Path(tempfile.mkdtemp(prefix="footlight-test-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

FOOTLIGHT = replace(FOOTLIGHT, data_dir=_FOLDER, process="test")
SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 4
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
if not FOOTLIGHT.database_url:
    # A file, not memory: consumers reach the database from other threads, and WAL is what runs on air.
    DATABASES = {
        "default": {**SQLITE, "NAME": _FOLDER / "db.sqlite3", "TEST": {"NAME": str(_FOLDER / "test.sqlite3")}},
    }
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = _FOLDER / "static"
STATIC_ROOT.mkdir()
MEDIA_ROOT = _FOLDER / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_BROKER_URL = "memory://"
LOGGING = {"version": 1, "disable_existing_loggers": False}
