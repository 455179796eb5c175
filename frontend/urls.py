"""Pages of the live site and the console."""

from django.urls import URLPattern

app_name = "frontend"
urlpatterns: list[URLPattern] = []
