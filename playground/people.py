"""Who is in the workspace at the start. The names are invented, the ids never change."""

from playground.model import BOT_USER, Channel, ConversationKind, Person, Role

IT_HELP = "C0HELP"

DEFAULT_PEOPLE = (
    Person("U0RILEY", "Riley Chen", "riley", Role.REQUESTER, "Product designer", "Europe/Berlin", "#2b6cb0"),
    Person("U0SAM", "Sam Okafor", "sam", Role.REQUESTER, "Account manager", "America/Chicago", "#b7791f"),
    Person("U0ANA", "Ana Souza", "ana", Role.AGENT, "IT support", "America/Sao_Paulo", "#2f855a"),
    Person("U0BEN", "Ben Fischer", "ben", Role.AGENT, "IT support", "Europe/Berlin", "#6b46c1"),
    Person("U0CHLOE", "Chloe Martin", "chloe", Role.AGENT, "Network engineer", "Europe/Paris", "#c05621"),
    Person(
        "U0MORGAN",
        "Morgan Lee",
        "morgan",
        Role.ADMIN,
        "Head of IT",
        "Europe/London",
        "#97266d",
        is_workspace_admin=True,
    ),
)


def bot_person(name: str) -> Person:
    """The app's bot user under the name its manifest gives it."""
    handle = "".join(letter for letter in name.lower() if letter.isalnum()) or "app"
    return Person(BOT_USER, name, handle, Role.APP, color="#1a202c")


def default_channels(created_s: int) -> tuple[Channel, ...]:
    """One public channel: the agents and the app are its members."""
    agents = tuple(person.id for person in DEFAULT_PEOPLE if person.role is Role.AGENT)
    return (
        Channel(
            IT_HELP, ConversationKind.CHANNEL, (*agents, BOT_USER), created_s, "it-help", creator=agents[0]
        ),
    )
