"""Errors that the core raises on purpose. Everything else is a defect."""


class FootlightError(Exception):
    """Base of every error that the avatar engine raises on purpose."""


class UnknownEngine(FootlightError):
    """A lip-sync family, encoder or voice name that is not in its table; the text lists the choices."""


class WireError(FootlightError):
    """Bytes from another process that do not fit the wire format."""


class VoiceError(FootlightError):
    """A voice could not speak. `retryable` says whether the same voice may be asked again soon."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class VoiceNotReady(VoiceError):
    """What a voice needs is not on this machine: weights, a program, a model or a key. The text names it."""


class VoiceConfigError(FootlightError):
    """A room's list of voices that cannot be used; the text says which field of which voice, and why."""


class WeightsError(FootlightError):
    """A weight file is missing, has the wrong hash, or could not be fetched."""


class PreparationError(FootlightError):
    """A source that an engine refuses to prepare; the text is for the avatar maker."""


class CheckpointError(FootlightError):
    """A file of network weights that cannot be used; the text says which entry is wrong, and how."""


class AvatarFolderError(FootlightError):
    """An avatar folder that is not complete, or holds something that it cannot hold; the text says which file."""


class TrainingError(FootlightError):
    """A training that cannot go on; the text is for whoever started it and says what to do."""


class EvaluationError(FootlightError):
    """An evaluation that cannot be made or read; the text says what is wrong."""


class ClipError(FootlightError):
    """A clip that cannot be made: sound that cannot be read, a picture size that does not exist, a file not written."""
