"""The list of speakers: every entry is one that a room may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_engine.errors import VoiceConfigError
from avatar_engine.voice.config import check_voice
from avatar_engine.voice.speakers import list_speakers, set_rate


def test_every_speaker_is_a_valid_entry_and_stands_once(tmp_path: Path) -> None:
    speakers = list_speakers(tmp_path)
    for speaker in speakers:
        assert check_voice(speaker.entry).voice == speaker.voice
    assert len({speaker.key for speaker in speakers}) == len(speakers)
    names = {speaker.name for speaker in speakers if speaker.voice == "kokoro"}
    assert names == {"af_heart", "am_michael", "zf_xiaoxiao"}
    assert {"hibari", "edge", "openai", "espeak", "silence"} <= {speaker.voice for speaker in speakers}


def test_models_of_piper_are_those_in_the_data_folder(tmp_path: Path) -> None:
    assert "piper" not in {speaker.voice for speaker in list_speakers(tmp_path)}
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "en_US-some-medium.onnx").touch()
    found = [speaker for speaker in list_speakers(tmp_path) if speaker.voice == "piper"]
    assert [speaker.entry for speaker in found] == [{"voice": "piper", "model": "en_US-some-medium"}]


def test_what_a_room_has_set_up_is_among_them_once(tmp_path: Path) -> None:
    server = {"voice": "http", "url": "http://127.0.0.1:5000/voice", "languages": "zh"}
    bad = {"voice": "http", "url": "nowhere"}
    found = list_speakers(tmp_path, ["hibari", server, server, bad, {"voice": "parrot"}])
    assert [speaker.entry for speaker in found if speaker.voice == "http"] == [server]
    assert len([speaker for speaker in found if speaker.voice == "hibari"]) == 1


def test_rate_is_set_where_the_voice_has_one() -> None:
    assert set_rate("hibari", 1.5) == {"voice": "hibari", "rate": 1.5}
    assert set_rate({"voice": "kokoro", "en": "am_michael"}, 1.0) == {"voice": "kokoro", "en": "am_michael"}
    assert set_rate("silence", 1.5) == {"voice": "silence"}
    with pytest.raises(VoiceConfigError, match="rate must be a number"):
        set_rate("hibari", 3)
