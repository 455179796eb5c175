"""From pictures and sound to timed packets: encoders, the media envelope, fragmented MP4."""
