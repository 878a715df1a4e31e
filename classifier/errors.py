"""Everything the classifier refuses, as one short tree.

    ClassifierError
    ├── EncoderError
    │   ├── HubUnreachable      no hub answered within the limit
    │   ├── HubRefused          the hub answered, but not with the file asked for
    │   ├── EncoderRefused      a file is not the one the recipe pins
    │   └── EncoderMissing      the encoder was never fetched or built
    ├── ModelRefused            a model folder is incomplete, altered, or made for another encoder
    ├── DataRefused             a file of requests cannot be read or trained on
    ├── ClusterRefused          a cluster cannot be reached, or fails
    └── AnswersRefused          answers.yml is wrong

The message of each is one plain line: it is what a command prints before it exits with 2.
"""


class ClassifierError(Exception):
    """Something the classifier refuses; `str()` of it is one line for a person."""


class EncoderError(ClassifierError):
    """An encoder cannot be had or cannot be used."""


class HubUnreachable(EncoderError):
    """No hub answered within the limit."""


class HubRefused(EncoderError):
    """The hub answered, but not with the file asked for."""


class EncoderRefused(EncoderError):
    """A file is not the one the recipe pins."""


class EncoderMissing(EncoderError):
    """The encoder was never fetched or built."""


class ModelRefused(ClassifierError):
    """A model folder is incomplete, altered, or made for another encoder."""


class DataRefused(ClassifierError):
    """A file of requests cannot be read or trained on."""


class ClusterRefused(ClassifierError):
    """A cluster cannot be reached, or fails."""


class AnswersRefused(ClassifierError):
    """answers.yml is wrong."""
