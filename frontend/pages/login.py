"""The console's login page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView

from frontend.pages.context import build_context


class ConsoleLogin(LoginView):
    """Django's login with the site's texts. Who is logged in already goes on."""

    template_name = "frontend/console/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **build_context(self.request)}
