"""The errors that every mendable failure of training is a kind of."""


class TrainingError(RuntimeError):
    """Something that the person who started the command can mend; the message says how."""


class CorpusError(TrainingError):
    """A corpus file is missing or cannot be read."""
