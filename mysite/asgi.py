"""The ASGI application that daphne serves."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.base")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - models can be imported only now

application = ProtocolTypeRouter({"http": django_application})
