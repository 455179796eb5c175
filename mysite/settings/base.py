"""Settings of `make live`: one machine, plain HTTP. `production` adds TLS; `test` moves the data away."""

from typing import cast

import dj_database_url
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from mysite.broker import build_broker_options
from mysite.env import read_env
from mysite.logs import build_logging

FOOTLIGHT = read_env()

DEBUG = False
SECRET_KEY = cast(str, SimpleLazyObject(FOOTLIGHT.secret_key))  # importing settings writes nothing
ALLOWED_HOSTS = list(FOOTLIGHT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(FOOTLIGHT.allowed_origins)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "mysite.apps.MysiteConfig",
    "avatar_engine",
    "memory",
    "chat",
    "frontend",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mysite.security.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "mysite.login_limit.LoginLimitMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# One writer at a time: IMMEDIATE takes the write lock when a transaction begins, so that no transaction fails half
# way because another process wrote meanwhile. WAL lets readers go on; NORMAL is safe under WAL but for power loss.
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": FOOTLIGHT.data_dir / "footlight.sqlite3",
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8000;"
            "PRAGMA journal_size_limit=67108864;"  # a burst of writes leaves no log of its size for ever
        ),
    },
}
DATABASES = {
    "default": dj_database_url.parse(FOOTLIGHT.database_url, conn_max_age=60, conn_health_checks=True)
    if FOOTLIGHT.database_url
    else SQLITE
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [FOOTLIGHT.redis_url], "prefix": FOOTLIGHT.redis_prefix},
    }
    if FOOTLIGHT.redis_url
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 500}}
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/console/login/"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = "/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "frontend.pages.errors.stale_form"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Chinese"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = FOOTLIGHT.data_dir / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "mysite.static_files.HashedStaticFiles"},
}
MEDIA_ROOT = FOOTLIGHT.data_dir / "media"

CELERY_BROKER_URL = FOOTLIGHT.celery_broker_url or "filesystem://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = {} if FOOTLIGHT.celery_broker_url else build_broker_options(FOOTLIGHT.data_dir)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # nobody asks, and listening for questions costs an idle worker
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BEAT_SCHEDULE_FILENAME = str(FOOTLIGHT.data_dir / "broker" / "beat")
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "mysite.heartbeat", "schedule": 60.0, "options": {"expires": 50}},
    "prepare-avatars": {"task": "avatar_engine.tasks.prepare_avatars", "schedule": 60.0, "options": {"expires": 50}},
    "train-avatars": {"task": "avatar_engine.tasks.train_avatars", "schedule": 60.0, "options": {"expires": 50}},
    "guard-disk": {"task": "mysite.guard_disk", "schedule": 60.0, "options": {"expires": 50}},
    "clear-sessions": {"task": "mysite.clear_sessions", "schedule": 86_400.0},
}

LOGGING = build_logging(FOOTLIGHT.data_dir / "logs", FOOTLIGHT.process)
