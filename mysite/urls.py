"""Every path of the site."""

from django.contrib import admin
from django.urls import include, path

from mysite import health
from mysite.metrics import metrics

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/synctalk/", include("frontend.synctalk_urls")),
    path("", include("frontend.urls")),
]

handler400 = "frontend.pages.errors.bad_request"
handler403 = "frontend.pages.errors.forbidden"
handler404 = "frontend.pages.errors.not_found"
handler500 = "frontend.pages.errors.broken"
