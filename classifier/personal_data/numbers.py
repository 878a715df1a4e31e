"""Numbers people are reached or paid by: phones, bank accounts and cards."""

import re

from classifier.personal_data.kinds import Detector, Kind, Span, before

# ISO 13616: how long an IBAN is, by country.
_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in [
        "AD24",
        "AE23",
        "AL28",
        "AT20",
        "AZ28",
        "BA20",
        "BE16",
        "BG22",
        "BH22",
        "BR29",
        "BY28",
        "CH21",
        "CR22",
        "CY28",
        "CZ24",
        "DE22",
        "DK18",
        "DO28",
        "EE20",
        "EG29",
        "ES24",
        "FI18",
        "FO18",
        "FR27",
        "GB22",
        "GE22",
        "GI23",
        "GL18",
        "GR27",
        "GT28",
        "HR21",
        "HU28",
        "IE22",
        "IL23",
        "IQ23",
        "IS26",
        "IT27",
        "JO30",
        "KW30",
        "KZ20",
        "LB28",
        "LC32",
        "LI21",
        "LT20",
        "LU20",
        "LV21",
        "MC27",
        "MD24",
        "ME22",
        "MK19",
        "MR27",
        "MT31",
        "MU30",
        "NL18",
        "NO15",
        "PK24",
        "PL28",
        "PS29",
        "PT25",
        "QA29",
        "RO24",
        "RS22",
        "SA24",
        "SC31",
        "SE24",
        "SI19",
        "SK24",
        "SM27",
        "ST25",
        "SV28",
        "TL23",
        "TN24",
        "TR26",
        "UA29",
        "VA22",
        "VG24",
        "XK20",
    ]
}
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}", re.I)
_CARD = re.compile(
    r"(?<![\w.,-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1?\d{3})?|3[47]\d{2}[ -]?\d{4,6}[ -]?\d{5,7}|3[068]\d{2}[ -]?\d{6}[ -]?\d{4})(?![\w-]|[.,]\d)"
)
# Issuer and length: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay.
_ISSUER = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)

_ABROAD = re.compile(r"(?<![\w+])\+[1-9](?:[ ()./-]{0,3}\d){7,14}(?!\w)")
_ZERO = re.compile(r"(?<![\w.,:/+-])\(?0[\d](?:[ ()./-]{0,3}\d){6,13}(?![\w:]|[.,]\d)")
_NORTH_AMERICAN = re.compile(
    r"(?<![\w.,:/+-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])\d{3}[ .-]\d{4}(?![\w-]|[.,]\d)"
)
_BRACKETED = re.compile(r"(?<![\w+-])\(\d{2,3}\) ?\d{3,5}[ -]\d{4}(?![\w-])")
_ANY = re.compile(r"(?<![\w.,:/+-])[1-9]\d{0,3}(?:[ ()./-]{0,2}\d){4,12}(?![\w:]|[.,]\d)")
_EXTENSION = re.compile(
    r"(?:(?<![a-z])(?:ext(?:ension)?|durchwahl|dw|apparat|nebenstelle|poste|extensión|extension|ramal|toestel|anexo)(?: no| nr| number|(?: is| ist))?\.?:?\s{0,2}"
    r"|(?<![\w.])x(?=\d{4,5}))(?P<value>\d{3,5})(?![\w%]|[.,:/-]\d)",
    re.I,
)
_CALLED = re.compile(
    r"(?<![a-zà-ÿ])(?:call|calls?|phone|telephone|tel|mobile|cell|ring|reach|text|whatsapp|sms|number|fax|dial"
    r"|telefon|telefonnummer|handy|handynummer|mobil|nummer|rückruf|ruf|ruft|anrufen|erreichbar|erreichen"
    r"|tél|téléphone|portable|joindre|joignable|appelez|appeler|rappeler|numéro|fixe"
    r"|teléfono|móvil|llamar|llámame|llámenme|llamen|celular|telefone|telemóvel|ligar|liga|liguem|contacto"
    r"|telefoon|telefoonnummer|mobiel|bel|bellen|bereikbaar)(?![a-zà-ÿ])"
)
_COUNTED = re.compile(
    r"(?<![a-zà-ÿ])(?:ticket|case|order|po|invoice|serial|s/n|sn|asset|ref|reference|id|part|item|article|model|code|imei|version|error"
    r"|bestellung|bestellnummer|auftrag|rechnung|beleg|artikel|artikelnummer|seriennummer|kostenstelle|vorgang|fehler|plz"
    r"|commande|facture|référence|dossier|erreur|pedido|factura|fatura|fiscal|serie|série|código|bestelling|factuur|foutcode)"
    r"(?: (?:number|no|nr|n°|nº))?[\s.:#°º-]*$"
)
_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)?\d\d(?!\d)|(?:19|20)\d\d[./-]\d\d?[./-]\d\d?"
)


def _bank_account(match: re.Match[str]) -> Span | None:
    """As many characters as the country's have, if they leave 1 modulo 97 (ISO 7064)."""
    length = _IBAN_LENGTHS.get(match[0][:2].upper(), 0)
    places = [place for place in range(*match.span()) if match.string[place].isalnum()][:length]
    if not length or len(places) < length:
        return None
    end = places[-1] + 1
    if match.string[end : end + 1].isalnum():
        return None
    plain = "".join(match.string[place] for place in places)
    number = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return (match.start(), end) if int(number) % 97 == 1 else None


def _payment_card(match: re.Match[str]) -> Span | None:
    """Digits of a known issuer that pass Luhn's check (ISO/IEC 7812)."""
    digits = _digits(match[0])
    if not _ISSUER.fullmatch(digits):
        return None
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return match.span() if (sum(doubled) + sum(map(int, digits[::-2]))) % 10 == 0 else None


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _phone(match: re.Match[str]) -> Span | None:
    return None if _COUNTED.search(before(match)) else match.span()


def _phone_from_zero(match: re.Match[str]) -> Span | None:
    """A national number of 9 to 12 digits; "00" without a word for calling counts things more often than it dials."""
    digits, words = _digits(match[0]), before(match)
    if _DATE.match(match[0]) or _COUNTED.search(words):
        return None
    called = _CALLED.search(words)
    if match[0].startswith("00"):
        return match.span() if called or (len(digits) > 11 and len(digits) < 16) else None
    return match.span() if called or 9 <= len(digits) <= 12 else None


def _phone_when_called(match: re.Match[str]) -> Span | None:
    words = before(match)
    if _DATE.match(match[0]) or _COUNTED.search(words) or not _CALLED.search(words):
        return None
    return match.span() if 6 <= len(_digits(match[0])) <= 13 else None


def _value(match: re.Match[str]) -> Span:
    return match.span("value")


IBANS = (Detector(Kind.IBAN, _IBAN, _bank_account),)
CARDS = (Detector(Kind.CARD, _CARD, _payment_card),)
PHONES = (
    Detector(Kind.PHONE, _ABROAD, _phone, needs=("+",)),
    Detector(Kind.PHONE, _NORTH_AMERICAN, _phone, needs=("-", ".")),
    Detector(Kind.PHONE, _BRACKETED, _phone, needs=("(",)),
    Detector(Kind.PHONE, _ZERO, _phone_from_zero, needs=("0",)),
    Detector(Kind.PHONE, _EXTENSION, _value),
    Detector(Kind.PHONE, _ANY, _phone_when_called),
)
