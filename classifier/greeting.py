"""Telling a message that only greets ("hi there :wave:") from one that asks for something.

A phrase list in the six languages, matched over the whole message: one word that is not on it is content.
"""

import re
import unicodedata

from classifier.text import clean

_GREETINGS = """
hi | hii | hello | helo | hey | heya | hiya | hi hi | howdy | yo | greetings | sup | morning | afternoon | evening
good morning | good afternoon | good evening | good day | happy monday | happy friday | gm | hello again | hi again
hallo | hallöchen | moin | moin moin | servus | tach | grüezi | grüß gott | grüß dich | grüß euch | mahlzeit
guten tag | guten morgen | guten abend | schönen guten tag | schönen guten morgen | schönen tag
bonjour | bonsoir | salut | coucou | allô | re bonjour | rebonjour | bjr | slt
hola | buenas | buenos días | buenas tardes | buenas noches | muy buenas | muy buenos días | saludos
olá | oi | oie | bom dia | boa tarde | boa noite | boas | alô | saudações
hoi | hé | goedemorgen | goedemiddag | goedenavond | goedendag | goeiemorgen | goeiemiddag | goede morgen | goede middag
goede avond | goede dag | dag | hoihoi
"""

_COMPANY = """
there | all | everyone | everybody | team | folks | guys | friends | bot | firstline | someone | anyone | people | again
it | it team | it support | support | support team | helpdesk | help desk | service desk | sir | madam | dear | my friend
how are you | how are you doing | how is it going | how's it going | how are things | whats up | what's up | hope you are well
anyone there | is anyone there | anybody there | are you there | from | to | you | to you | to all | to you all | a | and
zusammen | alle | allerseits | leute | an alle | in die runde | liebes team | it team | wie geht's | wie geht es | wie gehts
tous | à tous | à tous et à toutes | à toutes et à tous | tout le monde | l'équipe | toute l'équipe | ça va | comment ça va
comment allez vous | madame | monsieur | le support
a todos | a todas | equipo | chicos | qué tal | cómo estás | cómo están | cómo va | compañeros
a todos e a todas | pessoal | gente | equipe | equipa | malta | tudo bem | tudo bom | como vai | como estás
allemaal | iedereen | daar | jullie | collega's | mensen | hoe gaat het | alles goed | hoe is het
"""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_WAVES = ("👋", ":wave:")


def _fold(text: str) -> str:
    """Lower case, without accents, runs of one letter as one: "Holaaa" and "hola" read the same."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"(\w)\1+", r"\1", plain)


def _phrases(listing: str) -> frozenset[tuple[str, ...]]:
    lines = listing.replace("\n", "|").split("|")
    return frozenset(tuple(_fold(phrase).split()) for phrase in lines if phrase.strip())


_OPENERS = _phrases(_GREETINGS)
_FILLERS = _phrases(_COMPANY) - _OPENERS
_LONGEST = max(map(len, _OPENERS | _FILLERS))


def is_greeting(text: str) -> bool:
    """Whether the message greets and says nothing else. A lone wave counts; other emoji alone do not."""
    words = clean(text)
    if not words:
        return any(wave in text for wave in _WAVES)
    if any(character.isdigit() for character in words) or not _WORD.search(words):
        return False
    if _WORD.sub("", words).strip(" ,.!?;:()~-_'’\"¡¿*"):
        return False
    tokens = [_fold(token) for token in _WORD.findall(words)]
    return _greets(tokens)


def _greets(tokens: list[str]) -> bool:
    """Whether greedy longest matches of known phrases cover all tokens, at least one of them a greeting."""
    greeted, place = False, 0
    while place < len(tokens):
        for size in range(min(_LONGEST, len(tokens) - place), 0, -1):
            phrase = tuple(tokens[place : place + size])
            if phrase in _OPENERS or phrase in _FILLERS:
                greeted = greeted or phrase in _OPENERS
                place += size
                break
        else:
            return False
    return greeted
