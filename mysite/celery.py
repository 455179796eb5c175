"""The Celery application: `celery -A mysite`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.base")

app = Celery("footlight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
