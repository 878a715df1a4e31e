"""Addresses: of pages, mailboxes, network cards, machines and hosts."""

import ipaddress
import re

from classifier.personal_data.kinds import FILL, Detector, Kind, Span, before, trimmed, whole

_INTERNAL = (
    "local|lan|corp|internal|intern|intra|intranet|localdomain|home|priv|private|ad|domain|test|example"
)
# Not every top-level domain: "py", "sh", "md", "zip" and "so" end names of files more often than of hosts.
_PUBLIC = (
    "com|net|org|edu|gov|int|mil|info|biz|io|dev|app|cloud|tech|online|site|xyz|group|eu|de|at|ch|li|fr|be|lu|nl|es"
    "|pt|br|uk|ie|it|us|ca|au|nz|mx|ar|cl|dk|se|no|fi|cz|hu|ro|gr|tr|in|jp|cn|sg|za"
)
# Services everybody uses say what a message is about, and nothing about who wrote it.
_EVERYBODYS = [
    "microsoft.com",
    "office.com",
    "office365.com",
    "microsoftonline.com",
    "live.com",
    "outlook.com",
    "windows.com",
    "windowsupdate.com",
    "google.com",
    "apple.com",
    "icloud.com",
    "adobe.com",
    "github.com",
    "amazon.com",
    "zoom.us",
    "cisco.com",
    "slack.com",
    "whatsapp.com",
]
_PACKAGES = {*_PUBLIC.split("|"), "java", "javax", "system", "microsoft"}  # com.example.app, System.Net

_URL = re.compile(
    rf"(?<!\w)(?:(?:https?|s?ftps?|ssh|git|svn|smb|ldaps?|rdp|file|nfs|jdbc:[a-z]+|wss?|sips?)://|www\.(?=[\w-]))[^\s<>\"{FILL}]+",
    re.IGNORECASE,
)
_PAGE = re.compile(
    rf"(?<![\w@./\\-])(?i:(?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{_INTERNAL}|{_PUBLIC})(?::\d{{2,5}})?)/[a-z0-9~?_%-][^\s<>\"{FILL}]*"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])\w[\w.+'’-]{0,63}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])", re.IGNORECASE
)

_MAC = re.compile(r"(?<!\w)(?<!\w[:-])[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})(?![\w:-])", re.I)
_MAC_DOTTED = re.compile(r"(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.]\w)", re.I)
_MAC_BARE = re.compile(r"(?<![\w-])[0-9a-f]{12}(?![\w-])", re.I)
_MAC_WORD = re.compile(r"(?<![a-z])mac(?![a-z])", re.I)

_UNC = re.compile(rf"(?<![\w:\\])\\\\\w[\w.-]+(?:\\[^\s\\\"<>|?*,;{FILL}]+)*+\\?")
_DOTTED = re.compile(
    rf"(?<![\w./\\-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,8}}(?:(?P<internal>{_INTERNAL})|{_PUBLIC})(?![\w/\\-]|\.\w)",
    re.I,
)
_NAMED = re.compile(
    r"(?:(?:host|computer|pc|machine|device|server|rechner|geräte|computer|server)[ -]?name[ns]?|computernaam|pc-naam"
    r"|nom (?:du poste|du pc|de l['’]ordinateur|de la machine|du serveur)|nombre del? (?:equipo|pc|ordenador|servidor)"
    r"|nome d[oa] (?:computador|pc|máquina|servidor))(?: is| ist| lautet| est| es| é)?\s*[:=]?\s*[\"']?",
    re.I,
)
_NAME = re.compile(r"(?=[\w-]*\d)[a-z0-9][\w-]{3,30}(?![\w@])", re.I)

# Words that begin or sit in names of machines: "NB-0423", "muc-fs-01", "UKLON-PC0192", "dc01".
_MACHINES = (
    "laptop|desktop|win|pc|nb|lt|wks|wkst|ws|srv|svr|vm|dc|fs|db|sql|mx|exch|prn|prt|print|printer|drucker|ns|dns|nas|san"
    "|esx|esxi|hv|k8s|ap|sw|switch|fw|rtr|router|gw|rds|ts|ctx|citrix|jump|bastion|server|host|node|web|app|mail|file"
)
_HYPHENATED = re.compile(r"(?<![\w@./\\#-])[a-z][a-z0-9]{0,15}(?:-[a-z0-9]{1,16}){1,5}(?![\w-])", re.I)
_MACHINE = re.compile(rf"(?:{_MACHINES})\d{{0,6}}", re.I)
_WORDLIKE = {
    "print",
    "printer",
    "switch",
    "router",
    "server",
    "host",
    "node",
    "web",
    "app",
    "mail",
    "file",
    "sql",
    "win",
}
_NUMBERED = re.compile(
    r"(?<![\w@./\\#-])(?:laptop|desktop|nb|lt|wks|wkst|ws|srv|svr|vm|dc|fs|db|sql|mx|prn|prt|nas|esxi?|hv|rds|ts|ctx|gw|app|web)"
    r"(?!20[012]\d(?!\d))(?:0\d{1,4}|[1-9]\d{1,5})(?![\w-]|\.\d)",
    re.I,
)
_YEAR = re.compile(r"(?:19|20)\d\d")

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP4 = re.compile(rf"(?<![\w.])(?<!\d[-,]){_OCTET}(?:\.{_OCTET}){{3}}(?!\w|\.\d|-\d)")
_IP6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4})(?:%\w{1,16})?(?![\w:])",
    re.I,
)
# Written short, an address must begin like one that is in use; "a::b" is code.
_IP6_BEGINS = re.compile(r"[23][0-9a-f]{3}:|fe[89ab][0-9a-f]:|f[cd][0-9a-f]{2}:|::1$|::ffff:", re.I)
_VERSIONED = (
    r"version|versión|versão|versie|ver|v|build|release|firmware|driver|treiber|pilote|controlador|update|upgrade|patch|bios|kernel"
    r"|section|kapitel|chapter|chrome|firefox|edge|java|acrobat|reader|anyconnect|forticlient|globalprotect|zoom|citrix|oracle|sage"
)
_VERSION_NEAR = re.compile(rf"(?<!\w)(?:{_VERSIONED})(?!\w)")
_VERSION_RIGHT_BEFORE = re.compile(rf"(?<!\w)(?:{_VERSIONED})[\s.:=(]{{1,3}}$")


def _network_card(match: re.Match[str]) -> Span | None:
    """With hyphens it must hold a letter, or be called a MAC: "23-11-29-10-45-12" is a moment."""
    if ":" in match[0] or re.search("[a-f]", match[0], re.I) or _MAC_WORD.search(before(match)):
        return match.span()
    return None


def _has_letter_and_digit(match: re.Match[str]) -> Span | None:
    mixed = re.search("[a-f]", match[0], re.I) and re.search(r"\d", match[0])
    return match.span() if mixed else None


def _bare_network_card(match: re.Match[str]) -> Span | None:
    return match.span() if _MAC_WORD.search(match.string) else None


def _dotted_host(match: re.Match[str]) -> Span | None:
    """Two labels under an internal suffix, three under a public one: "Booking.com" is a product."""
    labels = match[0].lower().split(".")
    if match["internal"]:
        return match.span() if len(labels[0]) > 1 else None
    if len(labels) < 3 or labels[0] in _PACKAGES or ".".join(labels[-2:]) in _EVERYBODYS:
        return None
    return match.span()


def _named_host(match: re.Match[str]) -> Span | None:
    name = _NAME.match(match.string, match.end())
    return name.span() if name else None


def _hyphenated_host(match: re.Match[str]) -> Span | None:
    """A segment that names a sort of machine, and a number that is no year: neither "web-based" nor "windows-server-2022"."""
    segments = match[0].lower().split("-")
    named = next((part for part in segments if _MACHINE.fullmatch(part)), None)
    numbers = [part for part in segments if not part.isalpha() and not _YEAR.fullmatch(part)]
    if named is None or not numbers:
        return None
    if named in _WORDLIKE and not any(re.search(r"\d\d", part) for part in numbers):
        return None
    return match.span()


def _address_not_version(match: re.Match[str]) -> Span | None:
    """A private address is a version only right behind the word; any other also when the word is near."""
    words = before(match)
    private = ipaddress.ip_address(_without_zeros(match[0])).is_private
    pattern = _VERSION_RIGHT_BEFORE if private else _VERSION_NEAR
    return None if pattern.search(words) else match.span()


def _without_zeros(address: str) -> str:
    return ".".join(str(int(part)) for part in address.split("."))


def _address6(match: re.Match[str]) -> Span | None:
    address = match[0].partition("%")[0]
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return None
    return match.span() if "::" not in address or _IP6_BEGINS.match(address) else None


URLS = (
    Detector(Kind.URL, _URL, trimmed, needs=("://", "www.")),
    Detector(Kind.URL, _PAGE, trimmed, needs=("/",)),
)
EMAILS = (Detector(Kind.EMAIL, _EMAIL, whole, needs=("@",)),)
MACS = (
    Detector(Kind.MAC, _MAC, _network_card, needs=(":", "-")),
    Detector(Kind.MAC, _MAC_DOTTED, _has_letter_and_digit, needs=(".",)),
    Detector(Kind.MAC, _MAC_BARE, _bare_network_card, needs=("mac",)),
)
HOSTS = (
    Detector(Kind.HOST, _UNC, trimmed, needs=("\\\\",)),
    Detector(Kind.HOST, _DOTTED, _dotted_host, needs=(".",)),
    Detector(Kind.HOST, _NAMED, _named_host, needs=("name", "naam", "nom ", "nombre", "nome")),
    Detector(Kind.HOST, _HYPHENATED, _hyphenated_host, needs=("-",)),
    Detector(Kind.HOST, _NUMBERED, whole),
)
IPS = (
    Detector(Kind.IP, _IP4, _address_not_version, needs=(".",)),
    Detector(Kind.IP, _IP6, _address6, needs=(":",)),
)
