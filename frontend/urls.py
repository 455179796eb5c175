"""Pages of the live site and the console."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path
from django.views.i18n import set_language

from frontend import views
from frontend.pages import avatars, console, files, room_settings, training, voices
from frontend.pages.login import ConsoleLogin

app_name = "frontend"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.rooms, name="rooms"),
    path("r/<slug:slug>/", views.room, name="room"),
    path("language/", set_language, name="language"),
    path("console/login/", ConsoleLogin.as_view(), name="login"),
    path("console/logout/", LogoutView.as_view(), name="logout"),
    path("console/", console.rooms, name="console"),
    path("console/new/", room_settings.new_room, name="console-new"),
    path("console/files/", files.files, name="console-files"),
    path("console/files/now/", files.files_now, name="console-files-now"),
    path("console/files/<str:name>/fetch/", files.fetch, name="console-fetch"),
    path("console/voices/", voices.voices, name="console-voices"),
    path("console/voices/now/", voices.trials_now, name="console-trials-now"),
    path("console/voices/try/", voices.try_voices, name="console-try"),
    path("console/voices/<str:trial_id>/sound/", voices.trial_sound, name="console-sound"),
    path("console/avatars/", avatars.avatars, name="console-avatars"),
    path("console/avatars/now/", avatars.avatars_now, name="console-avatars-now"),
    path("console/avatars/<str:name>/again/", avatars.prepare_again, name="console-avatar-again"),
    path("console/avatars/<str:name>/training/", training.training, name="console-training"),
    path("console/avatars/<str:name>/training/now/", training.training_now, name="console-training-now"),
    path("console/avatars/<str:name>/training/start/", training.start_training, name="console-training-start"),
    path("console/avatars/<str:name>/training/stop/", training.stop_training, name="console-training-stop"),
    path(
        "console/avatars/<str:name>/training/samples/<int:step>/",
        training.training_sample,
        name="console-training-sample",
    ),
    path("console/rooms/<slug:slug>/", console.room, name="console-room"),
    path("console/rooms/<slug:slug>/edit/", room_settings.edit_room, name="console-edit"),
    path("console/rooms/<slug:slug>/now/", console.room_now, name="console-now"),
    path("console/rooms/<slug:slug>/start/", console.start, name="console-start"),
    path("console/rooms/<slug:slug>/stop/", console.stop, name="console-stop"),
    path("console/rooms/<slug:slug>/say/", console.say, name="console-say"),
    path("console/rooms/<slug:slug>/interrupt/", console.interrupt, name="console-interrupt"),
    path("console/turns/<int:turn_id>/", console.turn, name="console-turn"),
]
