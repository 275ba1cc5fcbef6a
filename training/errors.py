"""The error that every mendable failure of training is a kind of."""


class TrainingError(RuntimeError):
    """Something that the person who started the command can mend; the message says how."""
