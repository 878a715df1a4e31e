"""What opens doors: passwords, keys and the accounts they belong to."""

import math
import re
from collections import Counter
from itertools import pairwise

from classifier.personal_data.kinds import FILL, Detector, Kind, Span, before, whole

_KEY_SHAPES = re.compile(
    r"(?<!\w)(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{20,255}|github_pat_\w{20,255}|glpat-[\w-]{16,255}|xox[abeoprs]-[\w-]{10,255}"
    r"|xapp-[\w-]{10,255}|[sr]k_(?:live|test)_\w{10,255}|sk-[\w-]{20,255}|AIza[\w-]{30,64}|npm_\w{30,64}|hf_\w{20,64}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,64}|eyJ[\w-]{8,2000}\.[\w-]{4,4000}(?:\.[\w-]{0,2000})?)(?!\w)"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{1,40}-----(?:[^-]|-(?!----END ))*+(?:-----END [A-Z0-9 ]{1,40}-----)?"
)
_PRODUCT_KEY = re.compile(r"(?<![\w-])(?=[A-Z-]{0,28}\d)[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![\w-])")
_RECOVERY_KEY = re.compile(r"(?<![\w-])\d{6}(?:-\d{6}){7}(?![\w-])")  # BitLocker
_HEX = re.compile(r"(?<![\w-])[0-9a-fA-F]{32,256}(?![\w-])")
_BASE64 = re.compile(r"(?<![\w/\\.+-])[A-Za-z0-9+/_-]{32,512}={0,2}(?![\w/\\])")
_CHECKSUM = re.compile(
    r"(?:commit|revision|sha-?\d*|md5|hash|checksum|digest|prüfsumme|fingerprint|somme)\W{1,3}\S{0,12}\s?$"
)

_KEY_WORD = re.compile(
    r"(?:api[ _-]?(?:key|token|secret|schlüssel|sleutel)|access[ _-]?(?:key|token)|secret[ _-]?(?:access[ _-]?)?key|client[ _-]?secret"
    r"|auth[ _-]?token|webhook[ _-]?secret|clé api|clave (?:de (?:la )?)?api|chave (?:de |da )?api|(?<![a-z])(?:token|jeton|bearer|secret))"
    r"(?: is| ist| lautet| est| es| é)?\s*[:=]?\s*[\"'“„]?",
    re.I,
)
_KEY_VALUE = re.compile(r"[A-Za-z0-9+/=~._!-]{10,128}")

_PASSWORD_WORD = re.compile(
    r"(?:(?P<long>password|passwort|passphrase|kennwort|wachtwoord|mot de passe|contraseña|contrasena|palavra-passe|passcode)"
    r"|(?<![^\W_])(?:(?P<short>pass|passwd|pwd?|psw|mdp|ww)|(?P<long2>clave|senha)|(?P<pin>pin(?:[ -]?(?:code|nummer|number))?)))"
    r"(?:(?: (?:for|für|fürs|du|de|da|do|del|voor|of) [\w-]{1,20})?\s*(?P<colon>[:=])[:=]?\s*|\s+(?P<states>lautet)(?: jetzt)?:?\s+"
    r"|\s+(?:is|was|to|ist|war|est|était|es|era|é|is nu|is now|ist jetzt|=)\s*(?P<late>[:=])?\s+|(?P<direct>\s+))",
    re.I,
)
_QUOTED = re.compile(r"[\"“„«‘'](?P<value>[^\"“”„«»‘’'\n]{3,40})[\"”“»’']")
_WORD = re.compile(rf"[^\s{FILL}]{{3,64}}(?![^\s])")
_NEVER = frozenset(
    [
        "forgot",
        "forgotten",
        "lost",
        "unknown",
        "expired",
        "wrong",
        "invalid",
        "incorrect",
        "locked",
        "blocked",
        "reset",
        "changed",
        "none",
        "missing",
        "empty",
        "required",
        "same",
        "see",
        "not",
        "yes",
        "same",
        "below",
        "above",
        "attached",
        "unclear",
        "vergessen",
        "unbekannt",
        "abgelaufen",
        "falsch",
        "gesperrt",
        "siehe",
        "unten",
        "oben",
        "nicht",
        "keine",
        "weg",
        "leer",
        "anders",
        "ungültig",
        "funktioniert",
        "oublié",
        "inconnu",
        "expiré",
        "incorrect",
        "faux",
        "bloqué",
        "voir",
        "non",
        "aucun",
        "perdu",
        "olvidada",
        "caducada",
        "incorrecta",
        "bloqueada",
        "desconocida",
        "ver",
        "ninguna",
        "perdida",
        "no",
        "esquecida",
        "expirada",
        "errada",
        "incorreta",
        "bloqueada",
        "desconhecida",
        "não",
        "inválida",
        "vergeten",
        "onbekend",
        "verlopen",
        "onjuist",
        "geblokkeerd",
        "zie",
        "niet",
        "kwijt",
        "geen",
    ]
)
_PRODUCT = re.compile(
    r"(?:office|windows|win|word|excel|outlook|server|exchange|sharepoint|keepass)[\d.]+|1password|0x[0-9a-f]+|(?:kb|inc|ritm|chg|req)\d+",
    re.I,
)

_ACCOUNT_NUMBER = re.compile(
    r"(?:(?:employee|staff|personnel|user|account|customer)[ -]?(?:id|no\.?|nr\.?|number|num\.?|#)(?!\w)"
    r"|(?:personal|mitarbeiter|benutzer|kunden|konto)-?(?:nummer|nr\.?|id|kennung)|kennung|matricule|identifiant"
    r"|(?:número|num\.?|nº|n°) de(?:l)? (?:empleado|colaborador|funcionário|usuario|usuário)|(?:empleado|colaborador|funcionário) n[º°o.]+"
    r"|matrícula|(?:personeels|medewerkers?|klant)-?(?:nummer|nr\.?))(?: is| ist| lautet| est| es| é)?\s*[:#]?\s*(?P<value>)",
    re.I,
)
_NUMBER = re.compile(r"(?=[\w.-]{0,12}\d\d|[\w.-]{1,20}\d)[A-Za-z0-9][\w.-]{2,20}(?<![.-])(?![\w@])")
_ACCOUNT_NAME = re.compile(
    r"(?<![a-z])(?:user ?name|user|login|benutzername|benutzer|anmeldename|identifiant|nom d['’]utilisateur|nombre de usuario|usuario"
    r"|nome de usuário|usuário|utilizador|gebruikersnaam)(?P<colon>\s*[:=]\s*|(?: is| ist| lautet| est| es| é)\s+)",
    re.I,
)
_NAME = re.compile(r"[A-Za-z][\w.-]{2,30}(?<![.-])(?![\w@:])")
_ACCOUNT_CODE = re.compile(
    r"(?<![a-z])(?:account|konto|compte|cuenta|conta)\s+(?P<value>[a-z]{1,2}\d{4,8})(?!\w)", re.I
)
_DOMAIN_USER = re.compile(
    r"(?<![\w\\/:.-])(?!HK)[A-Z][A-Z0-9-]{1,14}\\[a-z][a-z0-9._-]{1,30}(?<![.-])(?![\w\\])"
)


def _entropy(text: str) -> float:
    """Shannon entropy in bits a character, of the characters as they are used in `text`."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _sort_changes(text: str) -> float:
    """Share of neighbours in [0, 1] that are of different sorts (lower, upper, digit, other); words change rarely."""
    sorts = [(char.islower(), char.isupper(), char.isdigit()) for char in text]
    return sum(one != next_ for one, next_ in pairwise(sorts)) / len(text)


def _random_hex(match: re.Match[str]) -> Span | None:
    return match.span() if _entropy(match[0].lower()) > 3 and not _CHECKSUM.search(before(match)) else None


def _random_base64(match: re.Match[str]) -> Span | None:
    text = match[0]
    mixed = any(map(str.isdigit, text)) and any(map(str.isupper, text)) and any(map(str.islower, text))
    return match.span() if mixed and _entropy(text) > 4 and _sort_changes(text) > 0.4 else None


def _key_after_word(match: re.Match[str]) -> Span | None:
    value = _KEY_VALUE.match(match.string, match.end())
    if value is None or value.end() - value.start() < 10:
        return None
    text = value[0].rstrip(".!")
    digits = sum(map(str.isdigit, text))
    if digits < 2 or digits == len(text) or _sort_changes(text) < 0.25 or _PRODUCT.fullmatch(text):
        return None
    return value.start(), value.start() + len(text)


def _password(match: re.Match[str]) -> Span | None:
    strong = match["colon"] or match["states"] or match["late"]
    quoted = _QUOTED.match(match.string, match.end())
    if quoted and not match["direct"]:
        return quoted.span("value")
    word = _WORD.match(match.string, match.end())
    if word is None:
        return None
    text = word[0].rstrip(".,;:?)]}\"'”“»")
    if len(text) < 3 or text.startswith(("<", "http")) or word[0].endswith(":") or _PRODUCT.fullmatch(text):
        return None
    if match["pin"]:
        good = text.isdigit() and 4 <= len(text) <= 8
    elif strong:
        good = _said_after_colon(text, ends=len(text) < len(word[0]) or word.end() == len(match.string))
    elif match["direct"]:
        good = _unlike_words(text, strictly=not match["short"])
    else:
        good = _unlike_words(text, strictly=False) or (text.isdigit() and len(text) > 3)
    return (word.start(), word.start() + len(text)) if good else None


def _said_after_colon(text: str, *, ends: bool) -> bool:
    """Letters alone are a password only when nothing follows: "Password: see below" is none."""
    return not re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text) or (ends and text.lower() not in _NEVER)


def _unlike_words(text: str, *, strictly: bool) -> bool:
    """Whether it holds letters and digits, or signs that words do not hold."""
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    signs = bool(re.search(r"[!#$%&*+=@^~?_](?!$)|[!#$%&*+=@^~_]$", text))
    if not letters or len(text) < 4:
        return False
    if strictly:
        return bool(digits) and (signs or (digits > 1 and text != text.lower() and text != text.upper()))
    return bool(digits) or (signs and len(text) > 5)


def _account_number(match: re.Match[str]) -> Span | None:
    number = _NUMBER.match(match.string, match.end())
    return number.span() if number else None


def _account_name(match: re.Match[str]) -> Span | None:
    name = _NAME.match(match.string, match.end())
    if name is None or name[0].lower() in _NEVER:
        return None
    certain = ":" in match["colon"] or "=" in match["colon"] or re.search(r"[\d_.]", name[0])
    return name.span() if certain else None


def _value(match: re.Match[str]) -> Span:
    return match.span("value")


PASSWORDS = (
    Detector(
        Kind.PASSWORD,
        _PASSWORD_WORD,
        _password,
        needs=("pass", "wort", "woord", "contrase", "clave", "senha", "pw", "psw", "mdp", "ww", "pin"),
    ),
)
KEYS = (
    Detector(Kind.KEY, _PEM, whole, needs=("-----begin",)),
    Detector(Kind.KEY, _KEY_SHAPES, whole, needs=("akia", "asia", "_", "-", "sg.", "aiza", "eyj")),
    Detector(Kind.KEY, _RECOVERY_KEY, whole, needs=("-",)),
    Detector(Kind.KEY, _PRODUCT_KEY, whole, needs=("-",)),
    Detector(
        Kind.KEY, _KEY_WORD, _key_after_word, needs=("key", "token", "jeton", "secret", "api", "bearer")
    ),
    Detector(Kind.KEY, _HEX, _random_hex),
    Detector(Kind.KEY, _BASE64, _random_base64),
)
ACCOUNTS = (
    Detector(Kind.ACCOUNT, _DOMAIN_USER, whole, needs=("\\",)),
    Detector(Kind.ACCOUNT, _ACCOUNT_NUMBER, _account_number),
    Detector(
        Kind.ACCOUNT,
        _ACCOUNT_NAME,
        _account_name,
        needs=("user", "login", "name", "benutzer", "identifiant", "usu", "utili"),
    ),
    Detector(Kind.ACCOUNT, _ACCOUNT_CODE, _value, needs=("account", "konto", "compte", "cuenta", "conta")),
)
