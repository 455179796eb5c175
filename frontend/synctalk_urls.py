"""The paths of the SyncTalk_2D service, as its clients know them."""

from django.urls import path

from frontend.pages import synctalk

app_name = "synctalk"
urlpatterns = [
    path("", synctalk.panel, name="panel"),
    path("generate", synctalk.generate, name="generate"),
    path("generate-from-audio", synctalk.generate_from_audio, name="generate-from-audio"),
    path("avatar", synctalk.avatar, name="avatar"),
    path("get-tts-audio", synctalk.tts_audio, name="tts-audio"),
    path("health", synctalk.health, name="health"),
    path("debug/status", synctalk.debug_status, name="debug-status"),
    path("debug/config", synctalk.debug_config, name="debug-config"),
]
